import { findCondition, nextConditions } from "../kubernetes/conditions.ts";
import { truncate } from "../lib/text.ts";
import { ANNOTATION } from "./annotations.ts";
import type { CommonStatus, DriftKind } from "./common.ts";
import { conditionsOf } from "./conditions.ts";
import { countCorrection } from "./drift/contest.ts";
import type { CachedResource, Observed } from "./model.ts";
import type { Act, Verdict } from "./verdict.ts";

/** What a reconcile leaves behind. */
export interface Conclusion<Status extends CommonStatus = CommonStatus> {
  /** The whole status as it should be; the object's own where nothing changed. */
  status: Status;
  events: Act[];
  requeueAfterMs?: number;
}

/**
 * What concerns all resources at once, and what every new one goes through for a moment: told by conditions and metrics, not by an Event
 * each.
 */
const QUIET_REASONS = new Set([
  "FlowNotReady",
  "TriggerNotReady",
  "KestraUnreachable",
  "KestraUnauthorized",
  "KestraProtocolError",
  "KestraFailed",
  "DeletionBlocked",
]);

/**
 * Turns a verdict into status, Events and the time of the next look. Pure.
 *
 * @param ofKind what the status of this kind says besides what all have in common
 * @param now milliseconds since the epoch
 */
export function concludeWith<R extends CachedResource>(
  seen: Observed<R>,
  verdict: Verdict,
  drift: DriftKind | undefined,
  ofKind: Partial<R["status"]>,
  now: number,
): Conclusion<R["status"]> {
  const { object, settings } = seen;
  const { metadata } = object;
  const status: R["status"] = object.status;
  const { set, remove } = conditionsOf(verdict);
  const generation = metadata.generation ?? 0;
  const conditions = nextConditions({
    current: status.conditions,
    wanted: set,
    owned: remove,
    generation,
    now: new Date(now),
  });
  const judged = verdict.state === "synced" || verdict.state === "progressing" || verdict.state === "stalled";
  const next: R["status"] = {
    ...status,
    ...(judged ? { observedGeneration: generation, instance: settings.instance } : {}),
    ...ofKind,
    ...driftRecord(seen, drift, now),
    ...(verdict.state === "paused" || seen.server.kind !== "up" ? {} : handledRequest(seen)),
    conditions,
  };
  return { status: next, events: [...seen.acts, ...transition(status, verdict)], ...nextLook(seen, verdict) };
}

function driftRecord(
  { object, corrected, settings }: Observed,
  drift: DriftKind | undefined,
  now: number,
): Partial<CommonStatus> {
  const before = object.status.drift;
  const at = new Date(now).toISOString();
  if (corrected) {
    const corrections = countCorrection(before, now, settings.driftIntervalMs);
    return { drift: { kind: corrected, detectedAt: at, correctedAt: at, corrections } };
  }
  if (!drift) return {};
  // One that was corrected is over: what is found now began after it.
  const known = before?.kind === drift && (before.correctedAt === undefined || before.detectedAt > before.correctedAt);
  return { drift: { corrections: 0, ...before, kind: drift, detectedAt: known ? before.detectedAt : at } };
}

function handledRequest({ object: { metadata } }: Observed): Partial<CommonStatus> {
  const request = metadata.annotations?.[ANNOTATION.reconcileRequestedAt];
  return request === undefined ? {} : { handledReconcileAt: truncate(request, 100) };
}

/** An Event when the resource starts to need attention for another reason than before. */
function transition(status: CommonStatus, verdict: Verdict): Act[] {
  const reasonOf = (type: string) => findCondition(status.conditions, type)?.reason;
  if (verdict.state === "stalled" || verdict.state === "progressing") {
    const { reason, message } = verdict;
    return reasonOf("Ready") === reason || QUIET_REASONS.has(reason) ? [] : [{ type: "Warning", reason, message }];
  }
  if (verdict.state !== "synced" || !verdict.drift || reasonOf("Drifted") === verdict.drift.reason) return [];
  return [{ type: "Warning", reason: "Drifted", message: `${verdict.drift.message} Left as it is.` }];
}

function nextLook({ settings }: Observed, verdict: Verdict): { requeueAfterMs?: number } {
  if (verdict.state === "stalled") return { requeueAfterMs: verdict.retryAfterMs ?? settings.stalledRetryMs };
  return "retryAfterMs" in verdict ? { requeueAfterMs: verdict.retryAfterMs } : {};
}
