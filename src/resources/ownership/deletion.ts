import { ANNOTATION, FINALIZER } from "../annotations.ts";
import type { Observed, OwnershipDecision } from "../model.ts";
import { heirOf } from "./arbitration.ts";
import { readClaim } from "./claim.ts";
import { displayName, identityKey, sameIdentity } from "./identity.ts";
import type { Identity } from "./identity.ts";
import { ofAnotherInstance } from "./instance.ts";

/**
 * The next step for a resource that is being deleted: see what becomes of what it has in Kestra, then let it go.
 *
 * Guaranteed: only what is recorded, or still holds what was claimed, is deleted; what another resource wants is handed over instead,
 * since deleting and recreating it would lose the state of a flow's triggers.
 */
export function decideDeletion(seen: Observed): OwnershipDecision {
  const { metadata, owned } = seen.object;
  if (!metadata.finalizers?.includes(FINALIZER)) return { do: "settle", verdict: { state: "released" } };
  if (metadata.annotations?.[ANNOTATION.abandon] === "true")
    return release(`abandoned: its ${seen.noun} was left in Kestra`);
  const foreign = ofAnotherInstance(seen);
  if (foreign) return foreign;
  const step = (owned && disposeOf(seen, owned, "deleted")) ?? disposeOfClaim(seen);
  return step ?? release("deleted");
}

/**
 * The next step towards disposing of what was claimed, perhaps created, and never recorded, because we crashed in between. Where the
 * claim has a digest, it is ours only while it holds what was to be created.
 *
 * @param current an identity whose claim stays
 */
export function disposeOfClaim(seen: Observed, current?: Identity): OwnershipDecision | undefined {
  const { settings } = seen;
  const { metadata, owned } = seen.object;
  const claim = readClaim(metadata);
  if (claim?.tenant !== settings.tenant) return undefined;
  // Whoever can annotate the resource can write a claim: it gives no right to what the policy refuses.
  if (settings.refusal(metadata.namespace ?? "", claim.namespace) !== undefined) return undefined;
  if (sameIdentity(claim, owned) || sameIdentity(claim, current)) return undefined;
  if (claim.digest !== undefined && seen.server.kind === "up") {
    if (seen.claimProved === undefined) return { do: "read", fact: "claimed" };
    if (!seen.claimProved) return undefined;
  }
  return disposeOf(seen, claim, current ? "renamed" : "deleted");
}

/**
 * States the claim on something, once the one that it replaces is disposed of.
 *
 * @param digest of what is about to be made; without one it is claimed whatever it holds
 */
export function claim(seen: Observed, identity: Identity, digest?: string): OwnershipDecision {
  const stated = { op: "claim", identity, ...(digest === undefined ? {} : { digest }) } as const;
  return disposeOfClaim(seen, identity) ?? { do: "write", write: stated };
}

/**
 * The next step towards a resource that owns something and claims nothing else: a claim is left over when its id was edited to and fro
 * while we were dead.
 */
export function tidyClaim(seen: Observed, owned: Identity): OwnershipDecision | undefined {
  const claim = readClaim(seen.object.metadata);
  if (claim === undefined || sameIdentity(claim, owned)) return undefined;
  return disposeOfClaim(seen, owned) ?? { do: "write", write: { op: "unclaim" } };
}

/**
 * The next step towards leaving behind what has a former id or namespace, or undefined when that is done. Called only once there is
 * something at the new identity.
 */
export function leaveBehind(seen: Observed, current: Identity): OwnershipDecision | undefined {
  const former = seen.object.owned;
  return former === undefined || sameIdentity(former, current) ? undefined : disposeOf(seen, former, "renamed");
}

/** Hands over, orphans or deletes one thing, unless that is done. */
function disposeOf(seen: Observed, identity: Identity, because: "renamed" | "deleted"): OwnershipDecision | undefined {
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
      message: `Kestra cannot be used to delete the ${seen.noun} ${displayName(identity)}; this is done as soon as it can. If it is gone for good, annotate this resource with ${ANNOTATION.abandon}=true.`,
    },
  };
}

function release(because: string): OwnershipDecision {
  return { do: "write", write: { op: "release", because } };
}
