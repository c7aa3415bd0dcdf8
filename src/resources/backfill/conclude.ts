import { findCondition } from "../../kubernetes/conditions.ts";
import type { DriftKind } from "../common.ts";
import { concludeWith } from "../conclude.ts";
import type { Conclusion } from "../conclude.ts";
import type { Act, Verdict } from "../verdict.ts";
import type { Observed } from "./model.ts";
import { runsAway } from "./native.ts";
import { iso } from "./plan.ts";
import { progressFields } from "./progress.ts";
import type { BackfillStatus } from "./schema.ts";
import { executionUrl } from "./source.ts";
import { isFinal, stateOf } from "./verdicts.ts";

/** What a reconcile of a Backfill leaves behind; see {@link concludeWith}. */
export function conclude(
  seen: Observed,
  found: Verdict,
  drift: DriftKind | undefined,
  now: number,
): Conclusion<BackfillStatus> {
  const { status, metadata } = seen.object;
  // How it ended stays told, whatever comes in the way of seeing to the live schedule afterwards.
  const over = status.finishedAt !== undefined && metadata.deletionTimestamp === undefined;
  const troubled = found.state === "progressing" || found.state === "stalled";
  const verdict: Verdict = over && troubled && !isFinal(found) ? { state: "unchanged" } : found;
  const state = stateOf(verdict);
  const progress =
    seen.progress === undefined ? {} : progressFields(status, seen.progress, (id) => executionUrl(status, id));
  const ends = isFinal(verdict) && status.finishedAt === undefined;
  const ofKind: Partial<BackfillStatus> = {
    ...(state === undefined ? {} : { state }),
    ...progress,
    ...eta(status, progress, state, now),
    ...(ends ? finished(seen, verdict, now) : {}),
  };
  const conclusion = concludeWith(seen, verdict, drift, ofKind, now);
  const told = over && verdict.state === "unchanged" ? stillSo(seen, conclusion.status) : conclusion.status;
  return { ...conclusion, status: told, events: [...conclusion.events, ...announced(status, verdict)] };
}

/**
 * How it ended, said of the spec as it is now. What can be changed of a Backfill that is over changes nothing of how it ended, and without
 * this everybody who compares generations (kstatus, Argo CD, kubectl wait) would wait for ever.
 */
function stillSo({ object: { metadata }, settings }: Observed, status: BackfillStatus): BackfillStatus {
  const { generation } = metadata;
  const { observedGeneration, instance, conditions = [] } = status;
  if (generation === undefined || observedGeneration === generation || instance !== settings.instance) return status;
  const restated = conditions.map((condition) =>
    condition.observedGeneration === observedGeneration ? { ...condition, observedGeneration: generation } : condition,
  );
  return { ...status, observedGeneration: generation, conditions: restated };
}

/** When it will be done, going on as it did: told anew when a slot ends, and not with every look. */
function eta(
  { startedAt, progress: before }: BackfillStatus,
  { progress, slots }: Partial<BackfillStatus>,
  state: BackfillStatus["state"],
  now: number,
): Partial<BackfillStatus> {
  if (state === undefined) return {};
  if (state !== "Running") return { eta: undefined };
  if (slots === undefined || startedAt === undefined || progress === before) return {};
  const ended = slots.done + slots.failed + slots.unproved;
  if (ended === 0) return {};
  const each = (now - Date.parse(startedAt)) / ended;
  return { eta: iso(now + each * (slots.remaining + slots.running)) };
}

/** Nothing is handed over any more; what Kestra may still do to the live schedule stays watched. */
function finished({ object: { status }, row }: Observed, verdict: Verdict, now: number): Partial<BackfillStatus> {
  const { submission } = status;
  // An edit of the cron begins the live schedule anew: where it stood before means nothing.
  const edited = "reason" in verdict && verdict.reason === "TriggerChanged";
  const threatened =
    submission && !edited && row && row !== "missing" && runsAway(row, Date.parse(submission.live), now);
  return {
    finishedAt: iso(now),
    submission: undefined,
    ...(threatened ? { guard: { live: submission.live } } : {}),
  };
}

/** An Event when it comes to rest in a way that is no trouble: trouble is told for every kind alike. */
function announced({ conditions }: BackfillStatus, verdict: Verdict): Act[] {
  if (verdict.state !== "synced") return [];
  const { reason = "Synced", message } = verdict;
  const told = reason === "Running" || findCondition(conditions, "Ready")?.reason === reason;
  return told ? [] : [{ type: "Normal", reason, message }];
}
