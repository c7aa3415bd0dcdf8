import type { CommonStatus } from "../common.ts";

type Drift = NonNullable<CommonStatus["drift"]>;

/** Corrections in a row that are made at once; from then on each waits twice as long as the one before. */
const PATIENCE = 3;
const LONGEST_PAUSE_MS = 3_600_000;

/**
 * When a drift may be corrected, in milliseconds since the epoch: at once, unless somebody keeps undoing our corrections.
 *
 * @param intervalMs how often drift is looked for
 */
export function nextCorrection(drift: Drift | undefined, intervalMs: number): number {
  if (drift?.correctedAt === undefined || drift.corrections < PATIENCE) return 0;
  return Date.parse(drift.correctedAt) + pauseAfter(drift.corrections, intervalMs);
}

/** Corrections in a row, this one included: a correction that lasted a good while ends the row. */
export function countCorrection(drift: Drift | undefined, now: number, intervalMs: number): number {
  if (drift?.correctedAt === undefined) return 1;
  const lasted = now - Date.parse(drift.correctedAt);
  return lasted > 2 * pauseAfter(drift.corrections, intervalMs) + 5 * intervalMs ? 1 : drift.corrections + 1;
}

function pauseAfter(corrections: number, intervalMs: number): number {
  if (corrections < PATIENCE) return 0;
  return Math.min(LONGEST_PAUSE_MS, intervalMs * 2 ** (corrections - PATIENCE + 1));
}
