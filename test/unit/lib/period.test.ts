import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { endOfSlice, parsePeriod } from "../../../src/lib/period.ts";
import type { Period } from "../../../src/lib/period.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

describe("a period", () => {
  test.each<[string, Period]>([
    ["P1M", { months: 1, ms: 0 }],
    ["P1Y2M", { months: 14, ms: 0 }],
    ["P2W", { months: 0, ms: 14 * DAY }],
    ["P3D", { months: 0, ms: 3 * DAY }],
    ["P1DT12H", { months: 0, ms: 36 * HOUR }],
    ["PT90M", { months: 0, ms: 1.5 * HOUR }],
    ["P1Y1M1W1DT1H1M", { months: 13, ms: 8 * DAY + HOUR + 60_000 }],
    ["P0Y1M", { months: 1, ms: 0 }],
  ])("%s is read", (text, period) => {
    expect(parsePeriod(text)).toEqual(period);
  });

  test.each(["", "P", "PT", "P1", "1M", "P1MT", "P-1M", "P1.5D", "P1D1M", "PT1S", "p1m", "P0D", "P0M", " P1M"])(
    "%j is none",
    (text) => {
      expect(parsePeriod(text)).toBeUndefined();
    },
  );
});

describe("the slice that a moment lies in ends", () => {
  const end = (start: string, period: string, moment: string) =>
    new Date(endOfSlice(Date.parse(start), parsePeriod(period)!, Date.parse(moment))).toISOString();

  test.each([
    ["in the first", "2024-01-01", "P1M", "2024-01-15", "2024-01-31T23:59:59.999Z"],
    ["at its very beginning", "2024-01-01", "P1M", "2024-02-01", "2024-02-29T23:59:59.999Z"],
    ["in its last millisecond", "2024-01-01", "P1M", "2024-01-31T23:59:59.999Z", "2024-01-31T23:59:59.999Z"],
    ["after a month without the 31st", "2023-01-31", "P1M", "2023-02-10", "2023-02-27T23:59:59.999Z"],
    [
      "in a month without the 31st, from its last day on",
      "2023-01-31",
      "P1M",
      "2023-02-28",
      "2023-03-30T23:59:59.999Z",
    ],
    ["back on the 31st", "2023-01-31", "P1M", "2023-03-31", "2023-04-29T23:59:59.999Z"],
    ["from a leap day to the next one", "2020-02-29", "P1Y", "2023-12-01", "2024-02-28T23:59:59.999Z"],
    ["years later", "2019-01-01", "P1M", "2026-05-20", "2026-05-31T23:59:59.999Z"],
    ["with hours", "2024-01-01T06:00:00Z", "PT12H", "2024-01-02T07:00:00Z", "2024-01-02T17:59:59.999Z"],
    ["with weeks", "2024-01-01", "P2W", "2024-01-20", "2024-01-28T23:59:59.999Z"],
    ["with months and days", "2024-01-01", "P1M1D", "2024-02-02", "2024-03-02T23:59:59.999Z"],
    ["before the first", "2024-01-10", "P1D", "2024-01-02", "2024-01-10T23:59:59.999Z"],
  ])("%s", (_what, start, period, moment, expected) => {
    expect(end(start, period, moment)).toBe(expected);
  });

  test("after the moment, where the next one begins, and the slices are one after the other", () => {
    const instant = fc.integer({ min: 0, max: 4_000 * DAY });
    const period = fc
      .record({
        months: fc.integer({ min: 0, max: 14 }),
        ms: fc.integer({ min: 0, max: 40 }).map((days) => days * DAY),
      })
      .filter(({ months, ms }) => months + ms > 0);
    fc.assert(
      fc.property(instant, instant, period, (start, ahead, period) => {
        const moment = start + ahead;
        const last = endOfSlice(start, period, moment);
        expect(last).toBeGreaterThanOrEqual(moment);
        expect(endOfSlice(start, period, last)).toBe(last);
        expect(endOfSlice(start, period, last + 1)).toBeGreaterThan(last + 1);
      }),
    );
  });
});
