import type { FlowIdentity } from "../../kestra/types.ts";
import { ANNOTATION, FINALIZER } from "../annotations.ts";
import { heirOf } from "./arbitration.ts";
import { readClaim } from "./claim.ts";
import { displayName, identityKey, sameIdentity } from "./identity.ts";
import { ofAnotherInstance } from "./instance.ts";
import type { Decision, Observed } from "./model.ts";
import { textDigest } from "./source.ts";

/**
 * The next step for a KestraFlow that is being deleted: see what becomes of its flows in Kestra, then let it go.
 *
 * Guaranteed: only a flow that is recorded, or that still holds what was claimed, is deleted; one that another resource wants is handed
 * over instead, since deleting and recreating it would lose the state of its triggers.
 */
export function decideDeletion(seen: Observed): Decision {
  const { metadata, status } = seen.object;
  if (!metadata.finalizers?.includes(FINALIZER)) return { do: "settle", verdict: { state: "released" } };
  if (metadata.annotations?.[ANNOTATION.abandon] === "true") return release("abandoned: its flow was left in Kestra");
  const foreign = ofAnotherInstance(seen);
  if (foreign) return foreign;
  const step = (status.flow && disposeOf(seen, status.flow, "deleted")) ?? disposeOfClaim(seen);
  return step ?? release("deleted");
}

/**
 * The next step towards disposing of a flow that was claimed, perhaps created, and never recorded, because we crashed in between: it is
 * ours only while it holds what was to be created.
 *
 * @param current an identity whose claim stays
 */
export function disposeOfClaim(seen: Observed, current?: FlowIdentity): Decision | undefined {
  const { settings } = seen;
  const { metadata, status } = seen.object;
  const claim = readClaim(metadata);
  if (claim?.tenant !== settings.tenant) return undefined;
  // Whoever can annotate the resource can write a claim: it gives no right to what the policy refuses.
  if (settings.refusal(metadata.namespace ?? "", claim.namespace) !== undefined) return undefined;
  if (sameIdentity(claim, status.flow) || sameIdentity(claim, current)) return undefined;
  if (claim.digest !== undefined && seen.server.kind === "up") {
    if (seen.claimed === undefined) return { do: "read", fact: "claimed" };
    if (seen.claimed === "missing" || textDigest(seen.claimed.source) !== claim.digest) return undefined;
  }
  return disposeOf(seen, claim, current ? "renamed" : "deleted");
}

/**
 * The next step towards a resource that owns a flow and claims no other one: a claim is left over when its id was edited to and fro
 * while we were dead.
 */
export function tidyClaim(seen: Observed, owned: FlowIdentity): Decision | undefined {
  const claim = readClaim(seen.object.metadata);
  if (claim === undefined || sameIdentity(claim, owned)) return undefined;
  return disposeOfClaim(seen, owned) ?? { do: "write", write: { op: "unclaim" } };
}

/**
 * The next step towards leaving the flow of a former id or namespace behind, or undefined when that is done. Called only once the flow
 * at the new identity exists.
 */
export function leaveBehind(seen: Observed, current: FlowIdentity): Decision | undefined {
  const former = seen.object.status.flow;
  return former === undefined || sameIdentity(former, current) ? undefined : disposeOf(seen, former, "renamed");
}

/** Hands over, orphans or deletes one flow, unless that is done. */
function disposeOf(seen: Observed, identity: FlowIdentity, because: "renamed" | "deleted"): Decision | undefined {
  if (seen.leftBehind.has(identityKey(identity))) return undefined;
  const heir = heirOf(seen.claimantsOf(identity), seen.object.metadata.uid);
  if (heir !== undefined)
    return heir.title === "declared" ? { do: "write", write: { op: "handOver", identity, heir } } : undefined;
  if ((seen.object.policy.deletionPolicy ?? seen.settings.deletionPolicy) === "Orphan") return undefined;
  if (seen.server.kind === "up") return { do: "write", write: { op: "delete", identity, because } };
  return {
    do: "settle",
    verdict: {
      state: "progressing",
      reason: "DeletionBlocked",
      message: `Kestra cannot be used to delete the flow ${displayName(identity)}; this is done as soon as it can. If it is gone for good, annotate this resource with ${ANNOTATION.abandon}=true.`,
    },
  };
}

function release(because: string): Decision {
  return { do: "write", write: { op: "release", because } };
}
