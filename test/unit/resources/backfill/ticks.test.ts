import { describe, expect, test } from "@jest/globals";
import { UnsupportedCron } from "../../../../src/resources/backfill/cron.ts";
import { parseSchedule } from "../../../../src/resources/backfill/ticks.ts";

// What is expected here is what Kestra 1.1 does; test/integration/backfill compares thousands of others with it.

const ms = (text: string) => Date.parse(text);
const iso = (instant: number | undefined) => instant && new Date(instant).toISOString().replace(".000Z", "Z");

function schedule(cron: string, zone = "UTC") {
  return parseSchedule({ cron, withSeconds: cron.split(" ").length === 6, zone });
}

function slots(cron: string, zone: string, first: string, last: string): (string | 0 | undefined)[] {
  return [...schedule(cron, zone).between(ms(first), ms(last))].map(iso);
}

describe("the slots of a backfill", () => {
  test("contain both ends", () => {
    expect(slots("0 * * * *", "UTC", "2026-01-01T00:00:00Z", "2026-01-01T02:00:00Z")).toEqual([
      "2026-01-01T00:00:00Z",
      "2026-01-01T01:00:00Z",
      "2026-01-01T02:00:00Z",
    ]);
    expect(slots("0 * * * *", "UTC", "2026-01-01T00:00:00.001Z", "2026-01-01T01:59:59.999Z")).toEqual([
      "2026-01-01T01:00:00Z",
    ]);
  });

  test("are none where no tick lies between the ends, or the ends are the wrong way round", () => {
    expect(slots("0 0 * * *", "UTC", "2026-01-01T00:00:01Z", "2026-01-01T23:59:59Z")).toEqual([]);
    expect(slots("0 * * * *", "UTC", "2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z")).toEqual([]);
  });

  test("are computed as they are taken", () => {
    const [first] = schedule("* * * * * *").between(0, Number.MAX_SAFE_INTEGER);
    expect(first).toBe(0);
  });

  test("are on days that fit the day of month or the day of week, where both are given", () => {
    expect(slots("0 0 10 * 1", "UTC", "2026-06-02T00:00:00Z", "2026-06-16T00:00:00Z")).toEqual([
      "2026-06-08T00:00:00Z",
      "2026-06-10T00:00:00Z",
      "2026-06-15T00:00:00Z",
    ]);
    expect(slots("0 0 10 * */1", "UTC", "2026-06-02T00:00:00Z", "2026-06-16T00:00:00Z")).toEqual([
      "2026-06-10T00:00:00Z",
    ]);
  });

  test("are those of the zone", () => {
    expect(slots("15 0 * * *", "Asia/Kathmandu", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z")).toEqual([
      "2026-01-01T18:30:00Z",
    ]);
  });

  test("of a schedule with seconds", () => {
    expect(slots("*/20 59 23 * * *", "UTC", "2026-01-01T23:59:10Z", "2026-01-02T23:59:00Z")).toEqual([
      "2026-01-01T23:59:20Z",
      "2026-01-01T23:59:40Z",
      "2026-01-02T23:59:00Z",
    ]);
  });
});

describe("when the clocks are set forward", () => {
  test("a time that is skipped has no slot", () => {
    expect(slots("30 2 * * *", "America/New_York", "2026-03-07T00:00:00Z", "2026-03-10T00:00:00Z")).toEqual([
      "2026-03-07T07:30:00Z",
      "2026-03-09T06:30:00Z",
    ]);
  });

  test("what is frequent goes on", () => {
    expect(slots("*/30 * * * *", "America/New_York", "2026-03-08T06:30:00Z", "2026-03-08T07:30:00Z")).toEqual([
      "2026-03-08T06:30:00Z",
      "2026-03-08T07:00:00Z",
      "2026-03-08T07:30:00Z",
    ]);
  });

  test("a midnight that is skipped has no slot, and can take the next month's with it, as in Kestra", () => {
    expect(slots("0 0 * * *", "America/Santiago", "2024-09-07T00:00:00Z", "2024-09-09T12:00:00Z")).toEqual([
      "2024-09-07T04:00:00Z",
      "2024-09-09T03:00:00Z",
    ]);
    expect(slots("0 0 1 * *", "America/Asuncion", "2017-10-01T05:00:00Z", "2017-12-31T00:00:00Z")).toEqual([
      "2017-12-01T03:00:00Z",
    ]);
    // The walk passes by the 1st of October, whose midnight is skipped.
    expect(slots("0 0 1 * *", "America/Asuncion", "2017-10-20T00:00:00Z", "2018-01-02T00:00:00Z")).toEqual([
      "2017-12-01T03:00:00Z",
      "2018-01-01T03:00:00Z",
    ]);
  });

  test("a time right after half an hour that is skipped is missed, as in Kestra", () => {
    expect(slots("30 2 * * *", "Australia/Lord_Howe", "2026-10-02T00:00:00Z", "2026-10-05T00:00:00Z")).toEqual([
      "2026-10-02T16:00:00Z",
      "2026-10-04T15:30:00Z",
    ]);
    expect(schedule("30 2 * * *", "Australia/Lord_Howe").includes(ms("2026-10-03T15:30:00Z"))).toBe(false);
  });
});

describe("when the clocks are set back", () => {
  const daily = schedule("30 1 * * *", "America/New_York");
  const [first, second] = [ms("2026-11-01T05:30:00Z"), ms("2026-11-01T06:30:00Z")];

  test("a time that comes twice has one slot where slots are rare", () => {
    expect([...daily.between(ms("2026-10-31T00:00:00Z"), ms("2026-11-03T00:00:00Z"))].map(iso)).toEqual([
      "2026-10-31T05:30:00Z",
      iso(first),
      "2026-11-02T06:30:00Z",
    ]);
  });

  test("and two where they are frequent", () => {
    expect(slots("30 * * * *", "America/New_York", "2026-11-01T05:00:00Z", "2026-11-01T07:00:00Z")).toEqual([
      iso(first),
      iso(second),
    ]);
  });

  test("a backfill that begins in between has the second", () => {
    expect([...daily.between(first + 1_000, ms("2026-11-03T00:00:00Z"))].map(iso)).toEqual([
      iso(second),
      "2026-11-02T06:30:00Z",
    ]);
    expect(daily.includes(second)).toBe(true);
  });

  test("the last before is the one that a long walk has", () => {
    expect(iso(daily.before(ms("2026-11-02T00:00:00Z")))).toBe(iso(first));
    const yearly = schedule("30 1 1 11 *", "America/New_York");
    expect(iso(yearly.before(ms("2027-07-01T00:00:00Z")))).toBe(iso(first));
  });

  test("a walk that begins in the month before can have the second, as in Kestra", () => {
    expect(slots("30 1 1 11 *", "America/New_York", "2026-10-30T06:30:00Z", "2027-11-02T00:00:00Z")).toEqual([
      iso(second),
      "2027-11-01T05:30:00Z",
    ]);
  });
});

describe("the next and the last tick", () => {
  const quarterly = schedule("*/15 * * * *");

  test("are strictly after and before", () => {
    const tick = ms("2026-01-01T00:15:00Z");
    expect(iso(quarterly.after(tick))).toBe("2026-01-01T00:30:00Z");
    expect(iso(quarterly.after(tick - 1))).toBe("2026-01-01T00:15:00Z");
    expect(iso(quarterly.before(tick))).toBe("2026-01-01T00:00:00Z");
    expect(iso(quarterly.before(tick + 1))).toBe("2026-01-01T00:15:00Z");
  });

  test.each([1, 200, 999, 1_000, 3_000, 3_001, 86_400_000])("the last of a few in a row, %d ms later", (later) => {
    const row = schedule("2-4 * 3-4 5-11 3,9 *", "America/Sao_Paulo");
    const last = ms("2011-03-11T07:59:04Z");
    expect(iso(row.before(last + later))).toBe(iso(last));
  });

  test("a tick is a whole second", () => {
    expect(quarterly.includes(ms("2026-01-01T00:15:00Z"))).toBe(true);
    expect(quarterly.includes(ms("2026-01-01T00:15:00.001Z"))).toBe(false);
    expect(quarterly.includes(ms("2026-01-01T00:16:00Z"))).toBe(false);
  });

  test("can lie years away", () => {
    const leap = schedule("0 0 29 2 *");
    expect(iso(leap.after(ms("2096-03-01T00:00:00Z")))).toBe("2104-02-29T00:00:00Z");
    expect(iso(leap.before(ms("2104-02-29T00:00:00Z")))).toBe("2096-02-29T00:00:00Z");
  });

  test.each(["0 0 30 2 *", "0 0 31 2,4,6,9,11 *"])("%s has none, which is soon known", (cron) => {
    const never = schedule(cron, "America/New_York");
    const begin = performance.now();
    expect(never.after(ms("2026-01-01T00:00:00Z"))).toBeUndefined();
    expect(never.before(ms("2026-01-01T00:00:00Z"))).toBeUndefined();
    expect([...never.between(0, ms("2030-01-01T00:00:00Z"))]).toEqual([]);
    expect(performance.now() - begin).toBeLessThan(1_000);
  });

  test("are found for every five minutes of half a year", () => {
    const year = schedule("*/5 * * * *", "America/New_York");
    const half = [...year.between(ms("2026-01-01T00:00:00Z"), ms("2026-07-01T00:00:00Z") - 1)];
    expect(half).toHaveLength(181 * 24 * 12);
  });
});

test("a schedule that is not understood is refused", () => {
  expect(() => schedule("0 0 L * *")).toThrow(UnsupportedCron);
  expect(() => schedule("0 0 * * *", "Mars/Olympus")).toThrow(RangeError);
});
