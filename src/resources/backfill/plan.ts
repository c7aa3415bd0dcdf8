import { endOfSlice } from "../../lib/period.ts";
import type { Period } from "../../lib/period.ts";
import type { BackfillStatus } from "./schema.ts";
import type { Ticks } from "./ticks.ts";

/** Consecutive slots that are to be run, the first and the last included, in milliseconds since the epoch. */
export interface SlotRange {
  first: number;
  last: number;
  slots: number;
}

export interface SlotPlan {
  ranges: SlotRange[];
  /** Slots after this one are not planned: there are more gaps than a plan holds. */
  until?: number;
  /** Slots that were looked at. */
  total: number;
  /** Slots among them that are not to be run. */
  present: number;
  first?: number;
  last?: number;
}

/** More slots than these are a mistake in the cron or in the dates more often than not: Kestra runs one a second. */
export const MAX_SLOTS = 100_000;
/** A plan of more ranges is made in parts: no status grows with the number of slots. */
const MAX_RANGES = 32;

/**
 * Which slots between two moments, both included, are to be run.
 *
 * @param wanted whether a slot is to be run
 * @returns undefined when there are more than {@link MAX_SLOTS}
 */
export function planSlots(
  ticks: Ticks,
  { start, end }: { start: number; end: number },
  wanted: (slot: number) => boolean,
): SlotPlan | undefined {
  const plan: SlotPlan = { ranges: [], total: 0, present: 0 };
  let open: SlotRange | undefined;
  for (const slot of ticks.between(start, end)) {
    plan.total += 1;
    if (plan.total > MAX_SLOTS) return undefined;
    if (!wanted(slot)) {
      plan.present += 1;
      open = undefined;
      continue;
    }
    plan.first ??= slot;
    plan.last = slot;
    if (plan.until !== undefined) continue;
    if (open) {
      open.last = slot;
      open.slots += 1;
    } else if (plan.ranges.length === MAX_RANGES) {
      plan.until = plan.ranges.at(-1)?.last ?? slot;
    } else {
      open = { first: slot, last: slot, slots: 1 };
      plan.ranges.push(open);
    }
  }
  return plan;
}

/**
 * The slots to be handed over next: the first range, as far as one slice of the window goes.
 *
 * @param start of the first slice
 */
export function nextSlice(
  ticks: Ticks,
  [head, ...rest]: readonly SlotRange[],
  window: Period | undefined,
  start: number,
): { slice: SlotRange; rest: SlotRange[] } | undefined {
  if (head === undefined) return undefined;
  const end = window === undefined ? head.last : endOfSlice(start, window, head.first);
  if (head.last <= end) return { slice: head, rest };
  const slice = rangeOf(ticks, head.first, end);
  const after = rangeOf(ticks, end + 1, head.last);
  return slice && after ? { slice, rest: [after, ...rest] } : { slice: head, rest };
}

/** The slots between two moments, both included; undefined where there are none. */
export function rangeOf(ticks: Ticks, from: number, to: number): SlotRange | undefined {
  let range: SlotRange | undefined;
  // Nothing is asked of a schedule beyond the end of time, where a search for its next tick has none.
  if (from > to) return undefined;
  for (const slot of ticks.between(from, to))
    range = { first: range?.first ?? slot, last: slot, slots: (range?.slots ?? 0) + 1 };
  return range;
}

/** A plan as the status holds it. */
export function planOf(ranges: readonly SlotRange[], until: string | undefined): NonNullable<BackfillStatus["plan"]> {
  return {
    ranges: ranges.map(({ first, last, slots }) => ({ first: iso(first), last: iso(last), slots })),
    ...(until === undefined ? {} : { until }),
  };
}

/** The ranges of a plan that the status holds. */
export function rangesOf({ plan }: BackfillStatus): SlotRange[] {
  return (plan?.ranges ?? []).map(({ first, last, slots }) => ({
    first: Date.parse(first),
    last: Date.parse(last),
    slots,
  }));
}

/** A moment as the status holds it, from milliseconds since the epoch. */
export function iso(ms: number): string {
  return new Date(ms).toISOString();
}
