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
 * @param sliced how the range is cut: by a window whose first slice begins at `start`, or slot by slot
 */
export function nextSlice(
  ticks: Ticks,
  [head, ...rest]: readonly SlotRange[],
  sliced: { window: Period; start: number } | "oneByOne" | undefined,
): { slice: SlotRange; rest: SlotRange[] } | undefined {
  if (head === undefined) return undefined;
  const end = endOfNext(head, sliced);
  if (head.last <= end) return { slice: head, rest };
  const slice = rangeOf(ticks, head.first, end);
  const after = slice && rangeAfter(ticks, slice.last, head.last);
  return slice && after ? { slice, rest: [after, ...rest] } : { slice: head, rest };
}

function endOfNext(
  { first, last }: SlotRange,
  sliced: { window: Period; start: number } | "oneByOne" | undefined,
): number {
  if (sliced === undefined) return last;
  return sliced === "oneByOne" ? first : endOfSlice(sliced.start, sliced.window, first);
}

/** The slots of a backfill that begins at a moment; undefined where there are none. */
export function rangeOf(ticks: Ticks, from: number, to: number): SlotRange | undefined {
  const [first] = ticks.between(from, to);
  return first === undefined ? undefined : rangeFrom(ticks, first, to);
}

/** The slots that follow one. Where the clocks change, that is not the same as those of a backfill that begins a moment later. */
export function rangeAfter(ticks: Ticks, slot: number, to: number): SlotRange | undefined {
  const first = slot < to ? ticks.after(slot) : undefined;
  return first === undefined || first > to ? undefined : rangeFrom(ticks, first, to);
}

function rangeFrom(ticks: Ticks, first: number, to: number): SlotRange {
  const range = { first, last: first, slots: 1 };
  for (let slot = ticks.after(first); slot !== undefined && slot <= to; slot = ticks.after(slot)) {
    range.last = slot;
    range.slots += 1;
  }
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
