import { describe, expect, test } from "@jest/globals";
import { Pace, rate } from "../../../src/cli/backfill/pace.ts";
import { bar, plainLine, progressLine } from "../../../src/cli/backfill/progressLine.ts";
import { age, moment, shortDuration } from "../../../src/cli/duration.ts";
import { stripVTControlCharacters } from "node:util";
import { screenFor } from "../../../src/cli/backfill/screen.ts";
import type { BackfillStatus } from "../../../src/resources/backfill/schema.ts";

const NONE = { total: 0, present: 0, done: 0, skipped: 0, failed: 0, running: 0, unproved: 0, remaining: 0 };

/** Half of 20 slots has ended, one of them as failed, and one runs. */
const HALF: BackfillStatus = {
  state: "Running",
  slots: { ...NONE, total: 24, present: 4, done: 9, failed: 1, running: 1, remaining: 9 },
  progress: "10/20",
  percent: 50,
};

const plainPaint = (_style: string, text: string) => text;

describe("the pace", () => {
  test("is told by changes that were seen, from the second on", () => {
    const pace = new Pace();
    pace.see(100, 0);
    pace.see(103, 500);
    expect(pace.perSecond).toBeUndefined();
    pace.see(105, 2_500);
    expect(pace.perSecond).toBe(1);
    expect(pace.timeFor(10, 2_500)).toBe(10_000);
    expect(pace.timeFor(10, 6_500)).toBe(6_000);
    expect(pace.timeFor(1, 60_000)).toBe(0);
  });

  test("forgets what was long ago, and what is counted anew", () => {
    const pace = new Pace();
    for (let n = 0; n <= 20; n++) pace.see(n, n * 1_000);
    expect(pace.perSecond).toBe(1);
    for (let n = 1; n <= 20; n++) pace.see(20 + n, 20_000 + n * 60_000);
    expect(pace.perSecond).toBeCloseTo(1 / 60, 5);
    pace.see(3, 2_000_000);
    expect(pace.perSecond).toBeUndefined();
  });

  test.each([
    [12.34, "12.3/s"],
    [0.5, "30.0/min"],
    [0.01, "36.0/h"],
  ])("of %d a second is written as %s", (perSecond, text) => {
    expect(rate(perSecond)).toBe(text);
  });
});

describe("the line with the bar", () => {
  const line = (width: number, status = HALF) =>
    progressLine("taxi", status, { perSecond: 1, leftMs: 10_000 }, { width, paint: plainPaint, unicode: false });

  test("has the bar as wide as there is room", () => {
    const text = "50%  10/20, 1 failed, 1 running, 9 remaining, 1.0/s, ETA 10s";
    expect(line(120)).toBe(`taxi  ${"#".repeat(20)}++${".".repeat(18)}  ${text}`);
    expect(line(90)).toBe(`taxi  ${"#".repeat(10)}+${".".repeat(10)}  ${text}`);
  });

  test("gives the bar up, then the end of the text, and is never wider than the terminal", () => {
    expect(line(75)).toMatch(/^taxi {3}50% {2}10\/20, /);
    for (let width = 10; width <= 130; width += 1) expect(line(width).length).toBeLessThan(width);
  });

  test("says in what state one is that has no slots yet", () => {
    expect(line(80, { state: "Waiting" })).toBe("taxi  Waiting");
    expect(line(80, {})).toBe("taxi  Waiting");
  });

  test("marks failed slots and running ones, however few of many they are", () => {
    const slots = { ...NONE, total: 10_000, done: 4_999, failed: 1, running: 1, remaining: 4_999 };
    const marked = bar(slots, 10, (style, text) => (text === "" ? "" : `${style}(${text})`), true);
    expect(marked).toBe("green(████)red(█)yellow(▒)dim(░░░░)");
    expect(bar(NONE, 4, plainPaint, false)).toBe("####");
  });
});

test("the line without a terminal has a date and all numbers", () => {
  const at = Date.parse("2026-05-01T10:00:00.123Z");
  expect(plainLine(at, HALF, {})).toBe("2026-05-01T10:00:00Z Running 50%, 10/20, 1 failed, 1 running, 9 remaining");
  expect(plainLine(at, {}, {})).toBe("2026-05-01T10:00:00Z Waiting");
});

describe("a screen", () => {
  function screenOn(isTTY: boolean) {
    const written: string[] = [];
    const output = { isTTY, columns: 100, write: (text: string) => written.push(text) > 0 };
    return { screen: screenFor(output), written };
  }

  test("draws its line anew on a terminal, and keeps notes above it", () => {
    const { screen, written } = screenOn(true);
    screen.show("taxi", HALF, {});
    screen.show("taxi", HALF, {});
    screen.note("hello");
    screen.end();
    const [first = "", note = "", end] = written.map(stripVTControlCharacters);
    expect(written).toHaveLength(3);
    expect(written[0]?.startsWith("\r\u001b[2Ktaxi ")).toBe(true);
    expect(note).toBe(`\rhello\n${first.slice(1)}`);
    expect(end).toBe("\n");
  });

  test("writes a line for every change elsewhere", () => {
    const { screen, written } = screenOn(false);
    screen.show("taxi", HALF, {});
    screen.show("taxi", HALF, { perSecond: 2 });
    screen.note("hello");
    screen.show("taxi", { ...HALF, state: "Suspended" }, {});
    screen.end();
    expect(written.map((line) => line.replace(/^\S+Z /, ""))).toEqual([
      "Running 50%, 10/20, 1 failed, 1 running, 9 remaining\n",
      "hello\n",
      "Suspended 50%, 10/20, 1 failed, 1 running, 9 remaining\n",
    ]);
  });
});

test.each([
  [0, "0s"],
  [45_400, "45s"],
  [466_000, "7m 46s"],
  [120_000, "2m"],
  [7_500_000, "2h 5m"],
  [270_000_000, "3d 3h"],
  [-5, "0s"],
])("%d ms are written as %s", (ms, text) => {
  expect(shortDuration(ms)).toBe(text);
});

test("ages have one unit, and moments no milliseconds without need", () => {
  expect(age("2026-05-01T00:00:00Z", Date.parse("2026-05-01T02:05:00Z"))).toBe("2h");
  expect(age(undefined, 0)).toBeUndefined();
  expect(moment("2026-05-01T00:00:00.000Z")).toBe("2026-05-01T00:00:00Z");
  expect(moment("2026-05-01T00:00:00.120Z")).toBe("2026-05-01T00:00:00.120Z");
});
