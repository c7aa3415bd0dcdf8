import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { parsePeriod } from "../../../../src/lib/period.ts";
import type { Period } from "../../../../src/lib/period.ts";
import { MAX_SLOTS, nextSlice, planOf, planSlots, rangeOf, rangesOf } from "../../../../src/resources/backfill/plan.ts";
import type { SlotRange } from "../../../../src/resources/backfill/plan.ts";
import { parseSchedule } from "../../../../src/resources/backfill/ticks.ts";
import type { Ticks } from "../../../../src/resources/backfill/ticks.ts";
import { HOUR, hour, HOURLY, slot } from "./support/observed.ts";

const day = { start: slot(0), end: slot(9) };

/** Ranges in short: hours of their first and last slot. */
function hours(ranges: readonly SlotRange[]): [number, number][] {
  return ranges.map(({ first, last }) => [(first - slot(0)) / HOUR, (last - slot(0)) / HOUR]);
}

function planned(missing: (hour: number) => boolean, range = day, ticks: Ticks = HOURLY) {
  return planSlots(ticks, range, (at) => missing((at - slot(0)) / HOUR));
}

describe("a plan", () => {
  test.each<[string, (hour: number) => boolean, [number, number][], number]>([
    ["all", () => true, [[0, 9]], 0],
    ["none", () => false, [], 10],
    ["the first", (h) => h === 0, [[0, 0]], 9],
    ["the last", (h) => h === 9, [[9, 9]], 9],
    [
      "what lies around a gap",
      (h) => h !== 4,
      [
        [0, 3],
        [5, 9],
      ],
      1,
    ],
    [
      "every other one",
      (h) => h % 2 === 1,
      [
        [1, 1],
        [3, 3],
        [5, 5],
        [7, 7],
        [9, 9],
      ],
      5,
    ],
  ])("%s", (_what, missing, ranges, present) => {
    const plan = planned(missing);
    expect(plan && hours(plan.ranges)).toEqual(ranges);
    expect(plan).toMatchObject({ total: 10, present });
    expect(plan).not.toHaveProperty("until");
  });

  test("has both ends, and nothing beyond them", () => {
    expect(planned(() => true, { start: slot(0) + 1, end: slot(3) - 1 })).toMatchObject({
      ranges: [{ first: slot(1), last: slot(2), slots: 2 }],
      total: 2,
      first: slot(1),
      last: slot(2),
    });
  });

  test("of a range without a slot is empty", () => {
    expect(planned(() => true, { start: slot(0) + 1, end: slot(1) - 1 })).toEqual({ ranges: [], total: 0, present: 0 });
  });

  test("holds 32 ranges, counts all slots, and says where it stops", () => {
    const plan = planned((h) => h % 2 === 0, { start: slot(0), end: slot(199) });
    expect(plan).toMatchObject({ total: 200, present: 100, first: slot(0), last: slot(198), until: slot(62) });
    expect(plan?.ranges).toHaveLength(32);
  });

  test("of exactly 32 ranges is complete, whatever comes after them", () => {
    const plan = planned((h) => h % 2 === 0 && h < 64, { start: slot(0), end: slot(199) });
    expect(plan?.ranges).toHaveLength(32);
    expect(plan).not.toHaveProperty("until");
  });

  test("of the slots after the last that is planned, made anew, is the rest", () => {
    const missing = (h: number) => h % 3 !== 1;
    const range = { start: slot(0), end: slot(149) };
    const first = planned(missing, range);
    const second = planned(missing, { ...range, start: (first?.until ?? NaN) + 1 });
    const slots = [...(first?.ranges ?? []), ...(second?.ranges ?? [])].reduce((sum, { slots }) => sum + slots, 0);
    expect(slots).toBe(100);
    expect(second).not.toHaveProperty("until");
  });

  test("is refused beyond the most slots, and made of as many", () => {
    const seconds = parseSchedule({ cron: "* * * * * *", withSeconds: true, zone: "UTC" });
    const range = { start: slot(0), end: slot(0) + (MAX_SLOTS - 1) * 1_000 };
    expect(planSlots(seconds, range, () => true)?.total).toBe(MAX_SLOTS);
    expect(planSlots(seconds, { ...range, end: range.end + 1_000 }, () => true)).toBeUndefined();
  });

  test("is the same once the status has held it", () => {
    const { ranges = [] } = planned((h) => h !== 4) ?? {};
    expect(rangesOf({ plan: planOf(ranges, undefined) })).toEqual(ranges);
    expect(planOf(ranges, hour(9))).toEqual({
      ranges: [
        { first: hour(0), last: hour(3), slots: 4 },
        { first: hour(5), last: hour(9), slots: 5 },
      ],
      until: hour(9),
    });
    expect(rangesOf({})).toEqual([]);
  });

  test("has every slot that is wanted and no other, in order", () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 40 }), (wanted) => {
        const plan = planned((h) => wanted[h] === true, { start: slot(0), end: slot(wanted.length - 1) });
        const slots = (plan?.ranges ?? []).flatMap(({ first, last }) => [...HOURLY.between(first, last)]);
        expect(slots).toEqual(wanted.flatMap((yes, h) => (yes ? [slot(h)] : [])));
        expect(plan?.present).toBe(wanted.filter((yes) => !yes).length);
      }),
    );
  });
});

describe("a range", () => {
  test.each<[string, number, number, SlotRange | undefined]>([
    ["of slots", slot(1) - 1, slot(3) + 1, { first: slot(1), last: slot(3), slots: 3 }],
    ["of one slot", slot(1), slot(1), { first: slot(1), last: slot(1), slots: 1 }],
    ["between slots has none", slot(1) + 1, slot(2) - 1, undefined],
    ["that ends before it begins has none", slot(3), slot(2), undefined],
    ["after all time has none", Infinity, slot(2), undefined],
  ])("%s", (_what, from, to, range) => {
    expect(rangeOf(HOURLY, from, to)).toEqual(range);
  });
});

describe("the next slice", () => {
  const range = (first: number, last: number): SlotRange => ({
    first: slot(first),
    last: slot(last),
    slots: last - first + 1,
  });
  const slices = (ranges: SlotRange[], window?: string) => {
    const found: [number, number][] = [];
    let left = ranges;
    for (let step = 0; step < 100; step++) {
      const next = nextSlice(HOURLY, left, windowOf(window, slot(0)));
      if (next === undefined) return found;
      found.push(...hours([next.slice]));
      left = next.rest;
    }
    throw new Error("no end");
  };

  test.each<[string, [number, number][], string | undefined, [number, number][]]>([
    ["of nothing", [], undefined, []],
    [
      "without a window is a whole range",
      [
        [0, 4],
        [6, 9],
      ],
      undefined,
      [
        [0, 4],
        [6, 9],
      ],
    ],
    [
      "ends where the window does",
      [[0, 9]],
      "PT4H",
      [
        [0, 3],
        [4, 7],
        [8, 9],
      ],
    ],
    [
      "keeps to windows that begin with the Backfill",
      [[2, 9]],
      "PT4H",
      [
        [2, 3],
        [4, 7],
        [8, 9],
      ],
    ],
    [
      "never holds two ranges",
      [
        [0, 1],
        [3, 5],
      ],
      "PT10H",
      [
        [0, 1],
        [3, 5],
      ],
    ],
    [
      "of a window shorter than from slot to slot is one slot",
      [[0, 2]],
      "PT30M",
      [
        [0, 0],
        [1, 1],
        [2, 2],
      ],
    ],
  ])("%s", (_what, ranges, window, expected) => {
    expect(
      slices(
        ranges.map(([first, last]) => range(first, last)),
        window,
      ),
    ).toEqual(expected);
  });

  test("of months is as long as each of them", () => {
    const daily = parseSchedule({ cron: "0 9 * * *", withSeconds: false, zone: "UTC" });
    const start = Date.parse("2023-12-31T00:00:00Z");
    const whole = rangeOf(daily, start, Date.parse("2024-04-30T00:00:00Z"));
    const lengths: number[] = [];
    for (let left = whole ? [whole] : []; left.length > 0;) {
      const next = nextSlice(daily, left, windowOf("P1M", start));
      lengths.push(next?.slice.slots ?? NaN);
      left = next?.rest ?? [];
    }
    // From the 31st, or the last day of a month that has none, to the day before the next.
    expect(lengths).toEqual([31, 29, 31, 30]);
  });

  test("after the other, they are the plan", () => {
    const window = fc.constantFrom("PT1H", "PT90M", "PT5H", "P1D", "P1M");
    const gaps = fc.array(fc.boolean(), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(gaps, window, (wanted, window) => {
        const plan = planned((h) => wanted[h] === true, { start: slot(0), end: slot(wanted.length - 1) });
        const taken = slices(plan?.ranges ?? [], window).flatMap(([first, last]) =>
          Array.from({ length: last - first + 1 }, (_, i) => first + i),
        );
        expect(taken).toEqual(wanted.flatMap((yes, h) => (yes ? [h] : [])));
      }),
    );
  });
});

function windowOf(text: string | undefined, start: number): { window: Period; start: number } | undefined {
  const window = text === undefined ? undefined : parsePeriod(text);
  return window && { window, start };
}
