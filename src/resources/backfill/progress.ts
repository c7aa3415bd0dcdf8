import type { Execution } from "../../kestra/types.ts";
import { iso, rangeAfter, rangeOf } from "./plan.ts";
import type { BackfillStatus } from "./schema.ts";
import type { Ticks } from "./ticks.ts";

/** What is known of the slots that were handed over to Kestra. Times are milliseconds since the epoch. */
export interface Progress {
  done: number;
  skipped: number;
  failed: number;
  unproved: number;
  /** Executions that have not ended. */
  running: number;
  /** Every slot up to this one is counted. */
  watermark?: Watermark;
  /** Highest slot that has an execution, ended or not. */
  lastSeen?: number;
  /** Whether the submission that was made last has an execution. */
  attempted: boolean;
  /** There are more executions than one look reads: what is missing may be among them. */
  behind?: true;
  /** The first failed executions. */
  failures: Failure[];
}

export interface Watermark {
  slot: number;
  startedAt: number;
  revision?: number;
}

export interface Failure {
  slot: number;
  execution: string;
  state: string;
}

const DONE = new Set(["SUCCESS", "WARNING", "SKIPPED"]);
const FAILED = new Set(["FAILED", "KILLED", "CANCELLED"]);
/** Another execution took its place (design.md §2.4). */
const SUPERSEDED = new Set(["RETRIED", "RESUBMITTED"]);
const MAX_FAILURES = 5;

/** What an execution says of its slot. */
export function outcomeOf({ state }: Pick<Execution, "state">): "done" | "failed" | "superseded" | "unfinished" {
  if (DONE.has(state)) return "done";
  if (FAILED.has(state)) return "failed";
  return SUPERSEDED.has(state) ? "superseded" : "unfinished";
}

/** What was known when the status was written. */
export function recordedProgress({ slots, watermark, failures }: BackfillStatus): Progress {
  return {
    done: slots?.done ?? 0,
    skipped: slots?.skipped ?? 0,
    failed: slots?.failed ?? 0,
    unproved: slots?.unproved ?? 0,
    running: 0,
    attempted: false,
    failures: (failures ?? []).map(({ slot, execution, state }) => ({ slot: Date.parse(slot), execution, state })),
    ...(watermark
      ? {
          watermark: { ...watermark, slot: Date.parse(watermark.slot), startedAt: Date.parse(watermark.startedAt) },
          lastSeen: Date.parse(watermark.slot),
        }
      : {}),
  };
}

/**
 * Takes in the executions that were created since the watermark.
 *
 * Assumes what measuring showed of Kestra 1.x: a submission runs its slots in their order, each only when the one before has ended, so
 * that an execution proves that every slot before it was started. Guaranteed: counts never go down, a slot is counted once, and what
 * is counted is not read again; executions that were deleted before they were counted count as unproved.
 *
 * @param first first slot of the submission that was made last
 * @param attempt its number
 */
export function advance(
  before: Progress,
  executions: readonly (Execution & { slot: number })[],
  { ticks, first, isAttempt }: { ticks: Ticks; first: number; isAttempt: (execution: Execution) => boolean },
): Progress {
  const progress: Progress = { ...before, failures: [...before.failures] };
  const bySlot = Map.groupBy(executions, ({ slot }) => slot);
  let counting = true;
  for (const slot of [...bySlot.keys()].sort((a, b) => a - b)) {
    const ofSlot = bySlot.get(slot) ?? [];
    if (ofSlot.some(isAttempt)) progress.attempted = true;
    if (progress.watermark !== undefined && slot <= progress.watermark.slot) continue;
    progress.lastSeen = Math.max(slot, progress.lastSeen ?? slot);
    const outcome = verdictOn(ofSlot);
    if (outcome === "unfinished") {
      progress.running += 1;
      counting = false;
    }
    if (!counting || outcome === "unfinished") continue;
    const counted = progress.watermark?.slot ?? -Infinity;
    const gap = counted >= first ? rangeAfter(ticks, counted, slot - 1) : rangeOf(ticks, first, slot - 1);
    progress.unproved += gap?.slots ?? 0;
    count(progress, slot, outcome);
    const [oldest] = ofSlot;
    const revision = Math.max(...ofSlot.map(({ flowRevision }) => flowRevision ?? 0));
    progress.watermark = { slot, startedAt: oldest?.startedAt ?? 0, ...(revision > 0 ? { revision } : {}) };
  }
  return progress;
}

/** The execution that a slot is judged by: one that ended well, else the newest. */
function verdictOn(executions: readonly Execution[]): Execution | "unfinished" {
  const current = executions.filter((execution) => outcomeOf(execution) !== "superseded");
  if (current.some((execution) => outcomeOf(execution) === "unfinished")) return "unfinished";
  // Superseded, and what takes its place is not there yet.
  return current.find((execution) => outcomeOf(execution) === "done") ?? current.at(-1) ?? "unfinished";
}

function count(progress: Progress, slot: number, { id, state }: Execution): void {
  if (FAILED.has(state)) {
    progress.failed += 1;
    if (progress.failures.length < MAX_FAILURES) progress.failures.push({ slot, execution: id, state });
    return;
  }
  progress.done += 1;
  if (state === "SKIPPED") progress.skipped += 1;
}

/** The part of the status that tells of progress. */
export function progressFields(
  status: BackfillStatus,
  progress: Progress,
  executionUrl: (id: string) => string,
): Partial<BackfillStatus> {
  const { slots } = status;
  if (slots === undefined) return {};
  const { done, skipped, failed, unproved, running, watermark, failures } = progress;
  const planned = slots.total - slots.present;
  const ended = done + failed + unproved;
  const remaining = Math.max(0, planned - ended - running);
  return {
    slots: { ...slots, done, skipped, failed, unproved, running, remaining },
    progress: `${ended}/${planned}`,
    percent: planned === 0 ? 100 : Math.floor((ended / planned) * 100),
    ...(watermark === undefined
      ? {}
      : { watermark: { ...watermark, slot: iso(watermark.slot), startedAt: iso(watermark.startedAt) } }),
    ...(failures.length === 0
      ? {}
      : {
          failures: failures.map(({ slot, execution, state }) => ({
            slot: iso(slot),
            execution,
            state,
            url: executionUrl(execution),
          })),
        }),
  };
}
