import { describe, expect, test } from "@jest/globals";
import { countCorrection, nextCorrection } from "../../../../src/resources/drift/contest.ts";

const MINUTE = 60_000;
const at = "2026-06-01T00:00:00.000Z";
const start = Date.parse(at);

function after(corrections: number) {
  return { kind: "Edited" as const, detectedAt: at, correctedAt: at, corrections };
}

describe("a drift is corrected", () => {
  test.each([
    ["at once when it is the first", undefined, 0],
    ["at once when the one before was only reported", { kind: "Edited" as const, detectedAt: at, corrections: 0 }, 0],
    ["at once after one correction", after(1), 0],
    ["at once after two", after(2), 0],
    ["two intervals after the third", after(3), start + 2 * MINUTE],
    ["four intervals after the fourth", after(4), start + 4 * MINUTE],
    ["an hour after many", after(30), start + 60 * MINUTE],
    ["an hour after so many that powers overflow", after(5_000), start + 60 * MINUTE],
  ])("%s", (_when, drift, expected) => {
    expect(nextCorrection(drift, MINUTE)).toBe(expected);
  });
});

describe("the count of corrections in a row", () => {
  test.each([
    ["begins with one", undefined, start, 1],
    ["begins with one after a mere report", { kind: "Edited" as const, detectedAt: at, corrections: 0 }, start, 1],
    ["grows when a correction did not last", after(1), start + MINUTE, 2],
    ["begins anew when it lasted", after(2), start + 6 * MINUTE, 1],
    ["grows when a contested one lasted no longer than its pause", after(4), start + 5 * MINUTE, 5],
    ["grows when a contested one lasted a little longer than its pause", after(30), start + 70 * MINUTE, 31],
    ["begins anew when a contested one lasted well beyond its pause", after(4), start + 14 * MINUTE, 1],
  ])("%s", (_what, drift, now, expected) => {
    expect(countCorrection(drift, now, MINUTE)).toBe(expected);
  });

  test("of somebody who undoes every correction within the interval leads to one write an hour", () => {
    const writes: number[] = [];
    let drift: ReturnType<typeof after> | undefined;
    for (let now = start; now < start + 48 * 60 * MINUTE; now += MINUTE) {
      if (nextCorrection(drift, MINUTE) > now) continue;
      drift = { ...after(countCorrection(drift, now, MINUTE)), correctedAt: new Date(now).toISOString() };
      writes.push(now);
    }
    expect(writes.length).toBeLessThan(60);
    expect((writes.at(-1) ?? 0) - (writes.at(-2) ?? 0)).toBe(60 * MINUTE);
  });
});
