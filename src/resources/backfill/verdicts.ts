import type { Settled } from "../model.ts";
import type { Verdict } from "../verdict.ts";
import type { BackfillStatus } from "./schema.ts";
import { SOON_MS } from "./timing.ts";

/** Why a Backfill ended before its slots did, for something that a person did in Kestra. It is never resumed by itself. */
const INTERRUPTIONS = new Set([
  "CancelledInKestra",
  "NoExecutions",
  "ReplacedInKestra",
  "TriggerChanged",
  "TriggerRemoved",
]);

/** The end is followed by one more look, for what comes after it: the time to live, and the live schedule. */
const ONCE_MORE = { retryAfterMs: SOON_MS };

/** Waiting for something that is not there yet, or not as it must be. */
export function waiting(reason: string, message: string, retryAfterMs: number): Settled {
  return { do: "settle", verdict: { state: "progressing", reason, message, retryAfterMs, phase: "none" } };
}

/** Needs a person before anything is started. */
export function refused(reason: string, message: string): Settled {
  return { do: "settle", verdict: { state: "stalled", reason, message, phase: "none" } };
}

export function running(message: string, retryAfterMs: number): Settled {
  return { do: "settle", verdict: { state: "synced", reason: "Running", message, retryAfterMs, phase: "Running" } };
}

/** Accepted, and waiting for its turn: nothing is wrong. */
export function queued(message: string, retryAfterMs: number): Settled {
  return { do: "settle", verdict: { state: "synced", reason: "Queued", message, retryAfterMs, phase: "Running" } };
}

export function suspended(reason: string, message: string, retryAfterMs?: number): Settled {
  const retry = retryAfterMs === undefined ? {} : { retryAfterMs };
  return { do: "settle", verdict: { state: "synced", reason, message, phase: "Suspended", ...retry } };
}

export function previewed(message: string): Settled {
  return { do: "settle", verdict: { state: "synced", reason: "Previewed", message, phase: "none" } };
}

export function complete(message: string): Settled {
  return { do: "settle", verdict: { state: "synced", reason: "Complete", message, phase: "Complete", ...ONCE_MORE } };
}

/** Ended, and not all is well. What can be done about it is another Backfill. */
export function failed(reason: string, message: string): Settled {
  return { do: "settle", verdict: { state: "stalled", reason, message, phase: "Failed", ...ONCE_MORE } };
}

/** Whether nothing is done any more after this verdict. */
export function isFinal(verdict: Verdict): boolean {
  return "phase" in verdict && (verdict.phase === "Complete" || verdict.phase === "Failed");
}

/** The verdict in one word; undefined where it says nothing new. */
export function stateOf(verdict: Verdict): BackfillStatus["state"] {
  if (!("phase" in verdict) || verdict.phase === undefined)
    return verdict.state === "progressing" ? "Waiting" : undefined;
  const { phase, reason = "" } = verdict;
  if (phase === "Failed") return INTERRUPTIONS.has(reason) ? "Interrupted" : "Failed";
  if (reason === "Queued" || reason === "Previewed") return reason;
  return phase === "none" ? "Waiting" : phase;
}
