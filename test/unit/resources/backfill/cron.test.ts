import { describe, expect, test } from "@jest/globals";
import { UnsupportedCron, parseCron } from "../../../../src/resources/backfill/cron.ts";

const sorted = (values: ReadonlySet<number> | undefined) => values && [...values].sort((a, b) => a - b);
const minutes = (text: string) => sorted(parseCron(`${text} * * * *`, false).minutes);
const daysOfWeek = (text: string) => sorted(parseCron(`0 0 * * ${text}`, false).daysOfWeek);

describe("a field", () => {
  test.each([
    ["7", [7]],
    ["07", [7]],
    ["1,3,2", [1, 2, 3]],
    ["58-59", [58, 59]],
    ["*/20", [0, 20, 40]],
    ["/20", [0, 20, 40]],
    ["50/5", [50, 55]],
    ["10-20/5", [10, 15, 20]],
    ["0-3/2,30", [0, 2, 30]],
    ["*/59", [0, 59]],
  ])("%s", (text, expected) => {
    expect(minutes(text)).toEqual(expected);
  });

  test("with names, in any case", () => {
    expect(sorted(parseCron("0 0 * jan,MAR-May *", false).months)).toEqual([1, 3, 4, 5]);
    expect(daysOfWeek("mon-FRI")).toEqual([1, 2, 3, 4, 5]);
  });

  test.each([
    ["0", [0]],
    ["7", [0]],
    ["SUN", [0]],
    ["SAT-SUN", [0, 6]],
    ["5-7", [0, 5, 6]],
    ["7/2", [0, 2, 4, 6]],
    ["6/2", [6]],
    ["*/2", [0, 2, 4, 6]],
    ["*/7", [0]],
    ["*/3", [0, 3, 6]],
    ["*,1", [0, 1, 2, 3, 4, 5, 6]],
    ["/1", [0, 1, 2, 3, 4, 5, 6]],
    ["*", undefined],
    ["*/1", undefined],
  ])("day of week %s", (text, expected) => {
    expect(daysOfWeek(text)).toEqual(expected);
  });
});

describe("an expression", () => {
  test("of six fields begins with the seconds", () => {
    expect(sorted(parseCron("*/30 1 2 3 4 5", true).seconds)).toEqual([0, 30]);
    expect(sorted(parseCron("1 2 3 4 5", false).seconds)).toEqual([0]);
  });

  test("may have blanks of any kind around and between its fields", () => {
    expect(parseCron("  0\t0  * * *\n", false)).toEqual(parseCron("0 0 * * *", false));
  });

  test.each([
    ["@yearly", "0 0 1 1 *"],
    ["@annually", "0 0 1 1 *"],
    ["@monthly", "0 0 1 * *"],
    ["@weekly", "0 0 * * 0"],
    ["@daily", "0 0 * * *"],
    ["@midnight", "0 0 * * *"],
    ["@hourly", "0 * * * *"],
  ])("%s is %s, with seconds or without", (nickname, cron) => {
    expect(parseCron(nickname, false)).toEqual(parseCron(cron, false));
    expect(parseCron(nickname, true)).toEqual(parseCron(`0 ${cron}`, true));
  });

  test.each([
    ["", 'the cron expression "" has 0 fields instead of 5'],
    ["0 0 * * * *", 'the cron expression "0 0 * * * *" has 6 fields instead of 5'],
    ["@reboot", 'the cron expression "@reboot" has 1 fields instead of 5'],
    ["@Daily", 'the cron expression "@Daily" has 1 fields instead of 5'],
    ["60 0 * * *", '"60" is no minute, which goes from 0 to 59'],
    ["0 24 * * *", '"24" is no hour, which goes from 0 to 23'],
    ["0 0 0 * *", '"0" is no day of month, which goes from 1 to 31'],
    ["0 0 * FOO *", '"FOO" is no month, which goes from 1 to 12'],
    ["0 0 * * 8", '"8" is no day of week, which goes from 0 to 7'],
    ["0 22-2 * * *", '"22-2" in the hour goes backwards'],
    ["0 0 * * SUN-MON", '"SUN-MON" in the day of week goes backwards'],
    ["*/0 * * * *", 'the step of "*/0" in the minute is not from 1 to 59'],
    ["*/60 * * * *", 'the step of "*/60" in the minute is not from 1 to 59'],
    ["0 0 * * 1-5/7", 'the step of "1-5/7" in the day of week is not from 1 to 6'],
    ["0 0 ? * 1", '"?" is no day of month'],
    ["0 0 L * *", '"L" is no day of month'],
    ["0 0 15W * *", '"15W" is no day of month'],
    ["0 0 * * 5L", '"5L" is no day of week'],
    ["0 0 * * 1#2", '"1#2" is no day of week'],
    ["1,,2 * * * *", '"" is no minute'],
    ["1, * * * *", '"" is no minute'],
    ["1- * * * *", '"1-" is no minute'],
    ["0 0|12 * * *", 'the cron expression "0 0|12 * * *" joins several with "|"'],
  ])("%j is refused: %s", (cron, message) => {
    expect(() => parseCron(cron, false)).toThrow(UnsupportedCron);
    expect(() => parseCron(cron, false)).toThrow(message);
  });
});
