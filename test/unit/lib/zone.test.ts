import { describe, expect, test } from "@jest/globals";
import { Zone, endOfDay, isZone, startOfDay } from "../../../src/lib/zone.ts";

const seconds = (text: string) => Date.parse(text) / 1_000;
const iso = (ms: number) => new Date(ms).toISOString();

describe("the name of a zone", () => {
  test.each([
    "UTC",
    "Europe/Berlin",
    "America/Argentina/Buenos_Aires",
    "Etc/GMT+5",
    "Z",
    "+05:30",
    "-3",
    "UTC+2",
    "GMT-0330",
    "UT+01:02:03",
    "+18:00",
  ])("can be %s", (name) => {
    expect(isZone(name)).toBe(true);
  });

  test.each(["", "Mars/Olympus", "Europe/Berlin ", "+18:01", "+5:30", "UTC+", "2026-01-01"])("cannot be %j", (name) => {
    expect(isZone(name)).toBe(false);
    expect(() => startOfDay("2026-01-01", name)).toThrow(RangeError);
  });
});

describe("the offset of a zone", () => {
  test.each([
    ["Asia/Kathmandu", "2026-06-01T00:00:00Z", 20_700],
    ["America/New_York", "2026-03-08T06:59:59Z", -18_000],
    ["America/New_York", "2026-03-08T07:00:00Z", -14_400],
    ["America/New_York", "2026-11-01T05:59:59Z", -14_400],
    ["America/New_York", "2026-11-01T06:00:00Z", -18_000],
    ["Australia/Lord_Howe", "2026-04-04T15:00:00Z", 37_800],
    ["Pacific/Apia", "2011-12-30T09:59:59Z", -36_000],
    ["Pacific/Apia", "2011-12-30T10:00:00Z", 50_400],
    ["Africa/Monrovia", "1971-01-01T00:00:00Z", -2_670],
    ["UT-01:02:03", "2026-01-01T00:00:00Z", -3_723],
  ])("%s at %s is %d", (name, at, offset) => {
    expect(new Zone(name).offsetAt(seconds(at))).toBe(offset);
  });
});

describe("a local time", () => {
  const newYork = new Zone("America/New_York");

  test("that is skipped is moved on by as much as is skipped", () => {
    expect(newYork.instantOf(seconds("2026-03-08T02:30:00Z"))).toBe(seconds("2026-03-08T07:30:00Z"));
  });

  test("that comes twice is the first, or the one with the preferred offset", () => {
    const local = seconds("2026-11-01T01:30:00Z");
    expect(newYork.instantOf(local)).toBe(seconds("2026-11-01T05:30:00Z"));
    expect(newYork.instantOf(local, -14_400)).toBe(seconds("2026-11-01T05:30:00Z"));
    expect(newYork.instantOf(local, -18_000)).toBe(seconds("2026-11-01T06:30:00Z"));
    expect(newYork.instantOf(local, 3_600)).toBe(seconds("2026-11-01T05:30:00Z"));
  });
});

describe("a day", () => {
  test.each([
    ["of 24 hours", "2026-06-01", "Europe/Berlin", "2026-05-31T22:00:00.000Z", "2026-06-01T21:59:59.999Z"],
    ["of 23", "2026-03-08", "America/New_York", "2026-03-08T05:00:00.000Z", "2026-03-09T03:59:59.999Z"],
    ["of 25", "2026-11-01", "America/New_York", "2026-11-01T04:00:00.000Z", "2026-11-02T04:59:59.999Z"],
    ["that begins at 01:00", "2024-09-08", "America/Santiago", "2024-09-08T04:00:00.000Z", "2024-09-09T02:59:59.999Z"],
    [
      "whose last hour comes twice",
      "2024-04-06",
      "America/Santiago",
      "2024-04-06T03:00:00.000Z",
      "2024-04-07T03:59:59.999Z",
    ],
    ["with two midnights", "2024-11-03", "America/Havana", "2024-11-03T04:00:00.000Z", "2024-11-04T04:59:59.999Z"],
    ["before a skipped one", "2011-12-29", "Pacific/Apia", "2011-12-29T10:00:00.000Z", "2011-12-30T09:59:59.999Z"],
    ["that is skipped", "2011-12-30", "Pacific/Apia", "2011-12-30T10:00:00.000Z", "2011-12-30T09:59:59.999Z"],
    ["at an offset", "2026-01-01", "+05:30", "2025-12-31T18:30:00.000Z", "2026-01-01T18:29:59.999Z"],
  ])("%s: %s in %s", (_, date, zone, start, end) => {
    expect([iso(startOfDay(date, zone)), iso(endOfDay(date, zone))]).toEqual([start, end]);
  });

  // Toronto in 1919 went from 23:30 to 00:30 of the next day.
  test("whose beginning is skipped in part begins with the first moment that there is", () => {
    expect(iso(startOfDay("1919-03-31", "America/Toronto"))).toBe("1919-03-31T04:30:00.000Z");
  });

  test.each(["2026-02-30", "2026-1-1", "2026-01-01T00:00:00Z", ""])("is not %j", (date) => {
    expect(() => startOfDay(date, "UTC")).toThrow("is not a date such as 2026-01-31");
  });
});
