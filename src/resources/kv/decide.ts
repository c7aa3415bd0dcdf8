import { ANNOTATION } from "../annotations.ts";
import type { DriftKind } from "../common.ts";
import { asked, hasFinalizer, isSettled, mayNotWrite, readyReason, serverTrouble, stalled } from "../decisions.ts";
import { leaveDrift } from "../drift/decision.ts";
import type { Settled } from "../model.ts";
import { refuseAdoption } from "../ownership/adoption.ts";
import { readClaim } from "../ownership/claim.ts";
import { claim, decideDeletion, leaveBehind, tidyClaim } from "../ownership/deletion.ts";
import { displayName, sameIdentity } from "../ownership/identity.ts";
import type { Identity } from "../ownership/identity.ts";
import { ofAnotherInstance } from "../ownership/instance.ts";
import { canHaveExpired, endOf, endsAsDeclared, nextMoment, renewalOf } from "./expiry.ts";
import type { Decision, MissingReference, Observed, StoredEntry, Write } from "./model.ts";
import { descriptionOf, identityOf } from "./source.ts";
import type { Desired } from "./source.ts";
import { holds } from "./value.ts";

/** Between two looks at an entry that should have ended and has not: Kestra's clock is behind ours. */
const OVERDUE_MS = 1_000;

/**
 * The next step for a KestraKV: pure, so that every situation is a row in a table test.
 *
 * Guaranteed: at most one external write a step; an entry that this resource does not own is neither changed nor deleted; an entry that
 * holds what is declared is not written, as every write restarts its ttl; no message has anything of a value; once nothing is left to
 * do, deciding again comes to the same verdict.
 *
 * @param now milliseconds since the epoch
 */
export function decide(seen: Observed, now: number): Decision {
  const { metadata } = seen.object;
  if (metadata.deletionTimestamp !== undefined) return decideDeletion(seen);
  if (metadata.annotations?.[ANNOTATION.paused] === "true") return { do: "settle", verdict: { state: "paused" } };
  const identity = identityOf(seen.object, seen.settings.tenant);
  const refused = ofAnotherInstance(seen) ?? mayNotWrite(seen, identity);
  if (refused) return refused;
  const trouble = serverTrouble(seen);
  if (isLeftToFlows(seen, identity)) return trouble ? { do: "settle", verdict: trouble } : leftToFlows(seen, identity);
  const { desired } = seen;
  if (desired === undefined) return { do: "read", fact: "content" };
  if ("missing" in desired) return waiting(seen, desired);
  if ("reason" in desired) return stalled(desired.reason, `${desired.message} ${lastGood(seen)}`.trim());

  if (trouble) return { do: "settle", verdict: trouble };
  if (seen.rejected !== undefined)
    return stalled("Rejected", `Kestra refuses the entry: ${seen.rejected}. ${lastGood(seen)}`.trim());
  return sameIdentity(seen.object.owned, identity) ? keep(seen, desired, now) : obtain(seen, desired, now);
}

/** Whether the entry was made and is not to be made again, whatever has become of it and of the value that it was made with. */
function isLeftToFlows({ object: { policy, metadata, owned }, written }: Observed, identity: Identity): boolean {
  const made = written === undefined && sameIdentity(owned, identity) && hasFinalizer(metadata);
  return made && policy.writePolicy === "CreateOnce";
}

function leftToFlows(seen: Observed, identity: Identity): Decision {
  const tidied = tidyClaim(seen, identity);
  if (tidied) return tidied;
  return isSettled(seen.object) ? { do: "settle", verdict: { state: "unchanged" } } : madeOnce();
}

function waiting(seen: Observed, { missing, reason, optional }: MissingReference): Settled {
  const message = `Waiting for ${missing}. ${lastGood(seen)}`.trim();
  if (optional) return { do: "settle", verdict: { state: "synced", reason: "OptionalMissing", message } };
  // An object that is missing is followed; rights come without an event.
  const retry = reason === "ReferenceForbidden" ? { retryAfterMs: seen.settings.driftIntervalMs } : {};
  return { do: "settle", verdict: { state: "progressing", reason, message, ...retry } };
}

/** The entry is recorded as ours: see that it stays as declared. */
function keep(seen: Observed, desired: Desired, now: number): Decision {
  const { object, stored } = seen;
  if (!hasFinalizer(object.metadata)) return claim(seen, desired.identity);
  const tidied = tidyClaim(seen, desired.identity);
  if (tidied) return tidied;
  const settled = isSettled(object) && desired.value === undefined;
  if (stored === undefined && settled && !seen.mustLook(desired.identity) && !asked(seen)) return asBefore(seen, now);
  if (stored === undefined) return { do: "read", fact: "stored" };
  if (stored === "missing" || stored === "expired") return gone(seen, desired, stored, now);
  if (desired.value === undefined) return { do: "read", fact: "content" };
  if (holdsDeclared(seen, desired, stored)) return inSync(seen, desired, stored, now);
  if (seen.written !== undefined) return keptOtherwise(desired);
  return isNew(seen, desired) ? put(seen, desired, "changed") : drifted(seen, desired, "Edited", now);
}

/** Nothing has changed since it was in sync, but that time went by. Whether the entry ended, Kestra says. */
function asBefore({ object }: Observed, now: number): Decision {
  const due = nextMoment(object);
  if (due === undefined || readyReason(object.status) === "Expired")
    return { do: "settle", verdict: { state: "unchanged" } };
  if (now >= due) return { do: "read", fact: "stored" };
  return { do: "settle", verdict: { state: "unchanged", retryAfterMs: due - now } };
}

/** The entry that was ours is not there. */
function gone(seen: Observed, desired: Desired, how: "missing" | "expired", now: number): Decision {
  const { object } = seen;
  if (seen.written !== undefined) return keptOtherwise(desired);
  if (isNew(seen, desired)) return put(seen, desired, "changed");
  if (how === "expired" || canHaveExpired(object, now)) {
    return object.policy.ttlPolicy === "Renew" ? put(seen, desired, "renewed") : expired(seen);
  }
  return drifted(seen, desired, "Deleted", now);
}

/** The entry is not recorded as ours: make it, recognise it, or adopt it. */
function obtain(seen: Observed, desired: Desired, now: number): Decision {
  const { object, stored, written } = seen;
  if (stored === undefined) return { do: "read", fact: "stored" };
  if (stored === "missing" || stored === "expired")
    return written === undefined ? put(seen, desired, "changed") : keptOtherwise(desired);
  if (desired.value === undefined) return { do: "read", fact: "content" };
  const same = holdsDeclared(seen, desired, stored);
  if (!owns(seen, desired.identity)) return adopt(seen, desired, same);
  if (!hasFinalizer(object.metadata)) return claim(seen, desired.identity);
  // What is made only once and exists already is as it should be, whatever it holds.
  const once = object.policy.writePolicy === "CreateOnce";
  if (!same && written !== undefined) return keptOtherwise(desired);
  if (!same && !once) return put(seen, desired, "changed");
  return leaveBehind(seen, desired.identity) ?? (once ? madeOnce() : inSync(seen, desired, stored, now));
}

/** Whether what is there is claimed. A claim before a write that Kestra refused says nothing of what came to be there since. */
function owns({ object: { metadata, policy, status }, written }: Observed, identity: Identity): boolean {
  const claimed = readClaim(metadata);
  const refused = written === undefined && claimed?.digest !== undefined && readyReason(status) === "Rejected";
  return sameIdentity(claimed, identity) && (!refused || policy.adoption === "Always");
}

function adopt(seen: Observed, desired: Desired, same: boolean): Decision {
  const { adoption } = seen.object.policy;
  if (same && adoption !== "Never") return claim(seen, desired.identity);
  if (adoption === "Always") return claim(seen, desired.identity, desired.digest);
  const difference = same ? "" : " with another value, description or time to live";
  return refuseAdoption(seen, desired.identity, adoption, difference);
}

/** Writes the entry, once its value is read and the intent to own it is on record. */
function put(seen: Observed, { identity, digest, value }: Desired, because: Write["because"]): Decision {
  const { object } = seen;
  if (value === undefined) return { do: "read", fact: "content" };
  const claimed = sameIdentity(readClaim(object.metadata), identity) && hasFinalizer(object.metadata);
  if (!claimed && !sameIdentity(object.owned, identity)) return claim(seen, identity, digest);
  return { do: "write", write: { op: "put", identity, because } };
}

function drifted(seen: Observed, desired: Desired, kind: DriftKind, now: number): Decision {
  const report = seen.object.policy.driftPolicy === "Report";
  return leaveDrift(seen, desired.identity, kind, report, now) ?? put(seen, desired, kind);
}

/** What we wrote was read back as something else, or not at all: writing it again would not help. */
function keptOtherwise({ identity }: Desired): Decision {
  return stalled(
    "NotStoredAsMeant",
    `Kestra did not keep the entry ${displayName(identity)} as it was written: somebody else writes or deletes it too, or this version of Kestra reads the value otherwise; give it as text with spec.type.`,
  );
}

function inSync(seen: Observed, desired: Desired, stored: StoredEntry, now: number): Decision {
  const renewal = renewalOf(seen.object, stored, seen.written === undefined ? undefined : now);
  if (renewal !== undefined && now >= renewal) return put(seen, desired, "renewed");
  const due = renewal ?? endOf(stored);
  const message = "Kestra holds the entry as declared.";
  return {
    do: "settle",
    verdict: {
      state: "synced",
      message,
      ...(due === undefined ? {} : { retryAfterMs: Math.max(due - now, OVERDUE_MS) }),
    },
  };
}

function expired(seen: Observed): Settled {
  const at = seen.object.status.entry?.expiresAt;
  const message = `The entry reached the end of its time to live${at === undefined ? "" : ` at ${at}`}. It is written again when this resource or the value it refers to changes; spec.ttlPolicy Renew keeps it.`;
  return { do: "settle", verdict: { state: "synced", reason: "Expired", message } };
}

function madeOnce(): Settled {
  const message = "The entry was made once and is left to the flows (spec.writePolicy CreateOnce).";
  return { do: "settle", verdict: { state: "synced", reason: "CreatedOnce", message } };
}

/** Whether the resource asks for something else than was applied last. */
function isNew({ object }: Observed, { digest, sourceVersion }: Desired): boolean {
  const { applied } = object.status;
  return applied?.digest !== digest || applied.sourceVersion !== sourceVersion;
}

function holdsDeclared({ object }: Observed, { value }: Desired, entry: StoredEntry): boolean {
  const described = (entry.description ?? "") === (descriptionOf(object) ?? "");
  return value !== undefined && holds(value, entry.stored) && described && endsAsDeclared(object, entry);
}

function lastGood({ object: { status } }: Observed): string {
  const { entry } = status;
  return entry ? `Kestra keeps version ${entry.version} of ${entry.namespace}/${entry.key}.` : "";
}
