import type { FlowIdentity, StoredFlow } from "../../kestra/types.ts";
import { ANNOTATION } from "../annotations.ts";
import type { DriftKind } from "../common.ts";
import {
  asked,
  hasFinalizer,
  isSettled,
  mayNotWrite,
  progressing,
  readyReason,
  serverTrouble,
  stalled,
} from "../decisions.ts";
import { leaveDrift } from "../drift/decision.ts";
import type { Reason } from "../model.ts";
import { refuseAdoption } from "../ownership/adoption.ts";
import { readClaim } from "../ownership/claim.ts";
import { claim, decideDeletion, leaveBehind, tidyClaim } from "../ownership/deletion.ts";
import { displayName, sameIdentity } from "../ownership/identity.ts";
import { ofAnotherInstance } from "../ownership/instance.ts";
import { flawOfFlow } from "./flaw.ts";
import type { Decision, Observed } from "./model.ts";
import { differOnlyInDisabled, digestLike, textDigest } from "./source.ts";
import type { Desired } from "./source.ts";

/**
 * The next step for a KestraFlow: pure, so that every situation is a row in a table test.
 *
 * Guaranteed: at most one external write a step; nothing is written that Kestra did not validate; a flow that this resource does not
 * own is neither changed nor deleted; once nothing is left to do, deciding again comes to the same verdict.
 *
 * @param now milliseconds since the epoch
 */
export function decide(seen: Observed, now: number): Decision {
  const { metadata } = seen.object;
  if (metadata.deletionTimestamp !== undefined) return decideDeletion(seen);
  if (metadata.annotations?.[ANNOTATION.paused] === "true") return { do: "settle", verdict: { state: "paused" } };
  const foreign = ofAnotherInstance(seen);
  if (foreign) return foreign;
  const { desired } = seen;
  if (desired === undefined) return { do: "read", fact: "content" };
  if ("missing" in desired)
    return progressing("SourceMissing", `Waiting for ${desired.missing}. ${lastGood(seen)}`.trim());
  if ("reason" in desired) return stalled(desired.reason, `${desired.message} ${lastGood(seen)}`.trim());

  const refused = mayNotWrite(seen, desired.identity);
  if (refused) return refused;
  const trouble = serverTrouble(seen);
  if (trouble) return { do: "settle", verdict: trouble };
  return sameIdentity(seen.object.status.flow, desired.identity) ? keep(seen, desired, now) : obtain(seen, desired);
}

/** The flow is recorded as ours: see that it stays as declared. */
function keep(seen: Observed, desired: Desired, now: number): Decision {
  const { object, stored } = seen;
  const { metadata, status } = object;
  const changed = status.applied?.digest !== desired.digest;
  if (!hasFinalizer(metadata)) return claim(seen, desired.identity);
  const unseen = stored === undefined && !seen.mustLook(desired.identity) && !asked(seen);
  if (unseen && !changed && isSettled(object)) return { do: "settle", verdict: { state: "unchanged" } };
  if (stored === undefined) return changed ? write(seen, desired, "changed") : { do: "read", fact: "stored" };
  if (stored !== "missing" && holds(stored, desired)) return tidyClaim(seen, desired.identity) ?? synced();
  if (changed) return write(seen, desired, "changed");
  if (desired.text === undefined) return { do: "read", fact: "content" };
  return drifted(seen, desired, driftKind(stored, desired.text), now);
}

/** The flow is not recorded as ours: create it, recognise it, or adopt it. */
function obtain(seen: Observed, desired: Desired): Decision {
  const { object, stored } = seen;
  if (stored === undefined && likelyThere(seen, desired)) return { do: "read", fact: "stored" };
  if (stored === undefined || stored === "missing") return write(seen, desired, "changed");
  if (!owns(object.metadata, desired.identity, stored)) return adopt(seen, desired, stored);
  if (holds(stored, desired) && hasFinalizer(object.metadata)) return leaveBehind(seen, desired.identity) ?? synced();
  // A claim that is proved by its digest must outlive the update that voids the proof.
  const loose = readClaim(object.metadata)?.digest !== undefined || !hasFinalizer(object.metadata);
  return loose ? claim(seen, desired.identity) : write(seen, desired, "changed");
}

/**
 * Whether to look before a create is tried: what was refused or handed over is there. What was claimed before a crash may be, and nothing
 * proves it ours once its claim is replaced. With `Never` always, since the claim that precedes a create would pass for the proof that an
 * identical flow of somebody else is ours.
 */
function likelyThere({ object, exists }: Observed, { identity, text }: Desired): boolean {
  const { metadata, policy, status } = object;
  const claimed = readClaim(metadata);
  const current = sameIdentity(claimed, identity) && text !== undefined && claimed?.digest === textDigest(text);
  const unfinished = claimed !== undefined && !current && !sameIdentity(claimed, status.flow);
  const refused = readyReason(status) === "AdoptionRefused";
  return exists === true || refused || unfinished || policy.adoption === "Never";
}

function adopt(seen: Observed, desired: Desired, stored: StoredFlow): Decision {
  const { adoption } = seen.object.policy;
  const identical = holds(stored, desired);
  if (adoption === "Always" || (adoption === "IfIdentical" && identical)) {
    // What is invalid is never written, so it must not make the flow ours either: the flow would go with this resource.
    const unfit = identical ? undefined : fitness(seen, desired);
    return unfit ?? claim(seen, desired.identity);
  }
  return refuseAdoption(seen, desired.identity, adoption, identical ? "" : " with another source");
}

/** Everything that must hold before a flow is created or updated, one step at a time. */
function write(seen: Observed, desired: Desired, because: Reason): Decision {
  const { object, stored } = seen;
  const { identity, text } = desired;
  const unfit = fitness(seen, desired);
  if (unfit || text === undefined) return unfit ?? { do: "read", fact: "content" };
  const recorded = sameIdentity(object.status.flow, identity);
  if (recorded && stored === undefined) return { do: "read", fact: "stored" };
  if (stored !== undefined && stored !== "missing") {
    return { do: "write", write: { op: "update", identity, text, because } };
  }
  const digest = textDigest(text);
  if (!recorded && !holdsClaim(object.metadata, identity, digest)) {
    return claim(seen, identity, digest);
  }
  return { do: "write", write: { op: "create", identity, text, because } };
}

/** What keeps the declared text from being written: it is not read or not validated yet, or Kestra refuses it. */
function fitness(seen: Observed, desired: Desired): Decision | undefined {
  if (desired.text === undefined) return { do: "read", fact: "content" };
  if (seen.validation === undefined) return { do: "read", fact: "validation" };
  const invalid = flawOfFlow(seen.validation, desired.identity, desired.text);
  return invalid && stalled(invalid.reason, `${invalid.message} ${lastGood(seen)}`.trim());
}

function drifted(seen: Observed, desired: Desired, kind: DriftKind, now: number): Decision {
  const { driftPolicy, disabledDrift } = seen.object.policy;
  const report = driftPolicy === "Report" || (kind === "Disabled" && disabledDrift === "Report");
  return leaveDrift(seen, desired.identity, kind, report, now) ?? write(seen, desired, kind);
}

function driftKind(stored: StoredFlow | "missing", text: string): DriftKind {
  if (stored === "missing") return "Deleted";
  return stored.disabled && differOnlyInDisabled(stored.source, text) ? "Disabled" : "Edited";
}

/** Whether Kestra would take the stored flow and the declared one for the same. */
function holds(stored: StoredFlow, { digest }: Desired): boolean {
  return digestLike(digest, stored.source) === digest;
}

function owns(metadata: Observed["object"]["metadata"], identity: FlowIdentity, stored: StoredFlow): boolean {
  const claimed = readClaim(metadata);
  if (!sameIdentity(claimed, identity)) return false;
  return claimed?.digest === undefined || claimed.digest === textDigest(stored.source);
}

function holdsClaim(metadata: Observed["object"]["metadata"], identity: FlowIdentity, digest: string): boolean {
  const claimed = readClaim(metadata);
  const firm = claimed?.digest === undefined || claimed.digest === digest;
  return firm && sameIdentity(claimed, identity) && hasFinalizer(metadata);
}

function lastGood({ object: { status } }: Observed): string {
  return status.flow ? `Kestra keeps revision ${status.flow.revision} of ${displayName(status.flow)}.` : "";
}

function synced(): Decision {
  return { do: "settle", verdict: { state: "synced", message: "Kestra holds the flow as declared." } };
}
