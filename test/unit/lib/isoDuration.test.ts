import { describe, expect, test } from "@jest/globals";
import { isoDurationMs, isoDurationNanos } from "../../../src/lib/isoDuration.ts";

describe("an ISO duration", () => {
  test.each([
    ["PT5S", 5_000],
    ["P1DT2H3M4.5S", 93_784_500],
    ["p1dt2h", 93_600_000],
    ["PT36H", 129_600_000],
    ["P2D", 172_800_000],
    ["PT0S", 0],
    ["PT-6H+3M", -21_420_000],
    ["-PT1H", -3_600_000],
    ["+PT1M", 60_000],
    ["-PT-1M", 60_000],
    ["PT-0.5S", -500],
    ["PT1,25S", 1_250],
    ["PT4.S", 4_000],
  ])("%s is %d ms", (text, milliseconds) => {
    expect(isoDurationMs(text)).toBe(milliseconds);
  });

  test("is exact to the nanosecond", () => {
    expect(isoDurationNanos("PT0.000000001S")).toBe(1n);
    expect(isoDurationNanos("P106751991167300DT15H30M7.999999999S")).toBe(9223372036854775807_999999999n);
    expect(isoDurationMs("PT0.0019S")).toBe(1);
  });

  test.each([
    "",
    "P",
    "PT",
    "P1DT",
    "5S",
    "PT5",
    "P1Y",
    "P1M",
    "P1W",
    "PT1.5M",
    "PT1.0123456789S",
    "PT.5S",
    "PT1S1M",
    "PT 5S",
    " PT5S",
    "PT5S\n",
    "PD",
    "PTS",
    "P106751991167300DT15H30M8S",
    "P99999999999999999999D",
    "10m",
  ])("%j is none", (text) => {
    expect(isoDurationNanos(text)).toBeUndefined();
    expect(isoDurationMs(text)).toBeUndefined();
  });
});
