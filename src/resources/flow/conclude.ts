import { findCondition, nextConditions } from "../../kubernetes/conditions.ts";
import { truncate } from "../../lib/text.ts";
import { ANNOTATION } from "../annotations.ts";
import { conditionsOf } from "../conditions.ts";
import type { Act, Verdict } from "../verdict.ts";
import { countCorrection } from "./contest.ts";
import type { Observed } from "./model.ts";
import type { DriftKind, FlowStatus } from "./schema.ts";

/** What a reconcile leaves behind. */
export interface Conclusion {
  /** The whole status as it should be; the object's own where nothing changed. */
  status: FlowStatus;
  events: Act[];
  requeueAfterMs?: number;
}

const MAX_NOTES = 10;
const MAX_NOTE_LENGTH = 300;
/** Failures that concern all resources at once are told by conditions and metrics, not by an Event each. */
const QUIET_REASONS = new Set([
  "KestraUnreachable",
  "KestraUnauthorized",
  "KestraProtocolError",
  "KestraFailed",
  "DeletionBlocked",
]);

/**
 * Turns a verdict into status, Events and the time of the next look. Pure.
 *
 * @param now milliseconds since the epoch
 */
export function conclude(seen: Observed, verdict: Verdict, drift: DriftKind | undefined, now: number): Conclusion {
  const { object, settings } = seen;
  const { metadata, status } = object;
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
  const next: FlowStatus = {
    ...status,
    ...(judged ? { observedGeneration: generation, instance: settings.instance } : {}),
    ...(verdict.state === "synced" && !drift ? whatWasApplied(seen) : {}),
    ...notes(seen),
    ...driftRecord(seen, drift, now),
    ...(verdict.state === "paused" || seen.server.kind !== "up" ? {} : handledRequest(seen)),
    conditions,
  };
  return { status: next, events: [...seen.acts, ...transition(status, verdict)], ...nextLook(seen, verdict) };
}

function whatWasApplied({ stored, desired, settings }: Observed): Partial<FlowStatus> {
  if (stored === undefined || stored === "missing" || desired === undefined || !("identity" in desired)) return {};
  const { tenant, namespace, id } = desired.identity;
  const url = `${settings.uiUrl}/ui/${tenant}/flows/edit/${namespace}/${id}`;
  const { digest, configMapVersion } = desired;
  return {
    flow: { tenant, namespace, id, revision: stored.revision, url },
    applied: { digest, ...(configMapVersion === undefined ? {} : { configMapVersion }) },
  };
}

/** Kestra's remarks from the last validation; none are left out of the status. */
function notes({ validation }: Observed): { warnings?: string[] | undefined; deprecations?: string[] | undefined } {
  if (validation === undefined) return {};
  const bounded = (texts: readonly string[]): string[] | undefined =>
    texts.length === 0 ? undefined : texts.slice(0, MAX_NOTES).map((text) => truncate(text, MAX_NOTE_LENGTH));
  return { warnings: bounded(validation.warnings), deprecations: bounded(validation.deprecationPaths) };
}

function driftRecord(
  { object, corrected, settings }: Observed,
  drift: DriftKind | undefined,
  now: number,
): Partial<FlowStatus> {
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

function handledRequest({ object: { metadata } }: Observed): Partial<FlowStatus> {
  const request = metadata.annotations?.[ANNOTATION.reconcileRequestedAt];
  return request === undefined ? {} : { handledReconcileAt: truncate(request, 100) };
}

/** An Event when the resource starts to need attention for another reason than before. */
function transition(status: FlowStatus, verdict: Verdict): Act[] {
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
  if (verdict.state === "progressing" && verdict.retryAfterMs !== undefined)
    return { requeueAfterMs: verdict.retryAfterMs };
  return {};
}
