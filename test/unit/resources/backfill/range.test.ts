import { describe, expect, test } from "@jest/globals";
import { iso } from "../../../../src/resources/backfill/plan.ts";
import { rangeOfSpec } from "../../../../src/resources/backfill/range.ts";
import type { BackfillSpec } from "../../../../src/resources/backfill/schema.ts";
import { NOW } from "./support/observed.ts";

type Dates = Pick<BackfillSpec, "start" | "end" | "timeZone">;

function resolved(spec: Dates, zone: string): [string, string] | string {
  const range = rangeOfSpec(spec, zone, NOW);
  return "reason" in range ? `${range.reason}: ${range.message}` : [iso(range.start), iso(range.end)];
}

describe("the moments that are meant", () => {
  test.each<[string, Dates, string, [string, string]]>([
    [
      "dates are whole days, in the zone",
      { start: "2024-01-01", end: "2024-01-31" },
      "Asia/Tokyo",
      ["2023-12-31T15:00:00.000Z", "2024-01-31T14:59:59.999Z"],
    ],
    [
      "one date is one day",
      { start: "2024-02-29", end: "2024-02-29" },
      "UTC",
      ["2024-02-29T00:00:00.000Z", "2024-02-29T23:59:59.999Z"],
    ],
    [
      "a day on which the clocks go forward has 23 hours",
      { start: "2024-03-31", end: "2024-03-31" },
      "Europe/Paris",
      ["2024-03-30T23:00:00.000Z", "2024-03-31T21:59:59.999Z"],
    ],
    [
      "moments are what they say, whatever the zone",
      { start: "2024-01-01T00:00:00+09:00", end: "2024-01-01T00:00:00Z" },
      "America/New_York",
      ["2023-12-31T15:00:00.000Z", "2024-01-01T00:00:00.000Z"],
    ],
    [
      "a date and a moment can be mixed",
      { start: "2024-01-01", end: "2024-01-01T06:00:00.5Z" },
      "UTC",
      ["2024-01-01T00:00:00.000Z", "2024-01-01T06:00:00.500Z"],
    ],
    ["without an end it goes as far as now", { start: "2024-01-01" }, "UTC", ["2024-01-01T00:00:00.000Z", iso(NOW)]],
    ["it may end now", { start: iso(NOW), end: iso(NOW) }, "UTC", [iso(NOW), iso(NOW)]],
  ])("%s", (_what, spec, zone, expected) => {
    expect(resolved(spec, zone)).toEqual(expected);
  });
});

describe("refused as RangeInvalid, with what to do", () => {
  test.each<[string, Dates, RegExp]>([
    ["an end before the start", { start: "2024-01-02", end: "2024-01-01" }, /end .* lies before start/],
    ["an end in the future", { start: "2024-01-01", end: "2026-06-02" }, /lies in the future.*leave it out/],
    ["today as the end, which is not over", { start: "2024-01-01", end: "2026-06-01" }, /lies in the future/],
    ["a start in the future", { start: "2027-01-01" }, /lies before start/],
    ["a day that does not exist", { start: "2023-02-29" }, /start 2023-02-29 is neither a date nor a moment/],
    ["a moment without an offset", { start: "2024-01-01T00:00:00" }, /write 2019-01-01 or 2019-01-01T00:00:00Z/],
    ["words", { start: "yesterday!" }, /start yesterday!/],
    ["an end that is none", { start: "2024-01-01", end: "2024-13-01" }, /end 2024-13-01 is neither/],
    ["no time zone", { start: "2024-01-01", timeZone: "Mars/Olympus" }, /Mars\/Olympus is no time zone/],
  ])("%s", (_what, spec, message) => {
    const told = resolved(spec, "UTC");
    expect(told).toMatch(/^RangeInvalid: /);
    expect(told).toMatch(message);
  });
});
