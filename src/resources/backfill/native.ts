import type { TriggerRow } from "../../kestra/types.ts";

/** Labels that the operator puts on backfills in Kestra, and thereby on their executions. */
export const LABEL = {
  /** uid of the Backfill. */
  backfill: "kestraflow.backfill",
  /** Number of the submission. */
  attempt: "kestraflow.attempt",
  /** On a backfill that only puts the trigger's next date right. */
  guard: "kestraflow.guard",
} as const;

/** Whose backfill a trigger has. */
export type Holder =
  | { by: "nobody" }
  | { by: "us"; attempt: number }
  /** A paused one of ours that puts the next date right. */
  | { by: "guard"; live: number | undefined }
  | { by: "another"; uid: string }
  | { by: "somebody" };

/** Who has the trigger's one backfill, told by its labels. */
export function holderOf({ backfill }: TriggerRow, uid: string): Holder {
  if (!backfill) return { by: "nobody" };
  const labels = backfill.labels ?? {};
  const owner = labels[LABEL.backfill];
  if (owner === undefined) return { by: "somebody" };
  if (owner !== uid) return { by: "another", uid: owner };
  if (labels[LABEL.guard] !== undefined) return { by: "guard", live: backfill.previousNextExecutionDate ?? undefined };
  return { by: "us", attempt: Number(labels[LABEL.attempt]) };
}

export function labelsOf(
  uid: string,
  attempt: number,
  wanted: Readonly<Record<string, string>> = {},
): Record<string, string> {
  return { ...wanted, [LABEL.backfill]: uid, [LABEL.attempt]: String(attempt) };
}

export function guardLabelsOf(uid: string): Record<string, string> {
  return { [LABEL.backfill]: uid, [LABEL.guard]: "true" };
}

/**
 * Whether the trigger is about to replay what lies between a date in the past and now: its next date lies before the one at which the
 * live schedule stood when we came (kestra#18249, #19013). Live slots that became due since then are no runaway, nor is an earlier date
 * to come, of a trigger whose cron was edited.
 *
 * @param live in milliseconds since the epoch
 * @param now in milliseconds since the epoch
 */
export function runsAway({ backfill, nextExecutionDate }: TriggerRow, live: number, now: number): boolean {
  const next = backfill ? backfill.previousNextExecutionDate : nextExecutionDate;
  return typeof next === "number" && next < live && next < now;
}
