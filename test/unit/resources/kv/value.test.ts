import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { KvType } from "../../../../src/kestra/types.ts";
import { truncate } from "../../../../src/lib/text.ts";
import { fromLiteral, fromText, holds } from "../../../../src/resources/kv/value.ts";
import type { Encoded, Refused } from "../../../../src/resources/kv/value.ts";

const TYPES: KvType[] = ["STRING", "NUMBER", "BOOLEAN", "DATETIME", "DATE", "DURATION", "JSON"];

function encoded(outcome: Encoded | Refused): Encoded {
  if ("reason" in outcome) throw new Error(outcome.message);
  return outcome;
}

function refusal(outcome: Encoded | Refused): string {
  if (!("reason" in outcome)) throw new Error("it was taken");
  expect(outcome.reason).toBe("InvalidValue");
  return outcome.message;
}

describe("a literal", () => {
  test.each<[unknown, KvType | undefined, KvType, string]>([
    ["hello world", undefined, "STRING", '"hello world"'],
    ["", undefined, "STRING", '""'],
    ["true", undefined, "STRING", '"true"'],
    ["42", "NUMBER", "NUMBER", "42"],
    ["2024-05-01", "DATE", "DATE", "2024-05-01"],
    ['{"a": 1.10}', "JSON", "JSON", '{"a":1.10}'],
    [42, undefined, "NUMBER", "42"],
    [42, "NUMBER", "NUMBER", "42"],
    [-0.5, undefined, "NUMBER", "-0.5"],
    [2 ** 53 - 1, undefined, "NUMBER", "9007199254740991"],
    [123456789012.345, undefined, "NUMBER", "123456789012.345"],
    [1e-7, undefined, "NUMBER", "1e-7"],
    [true, undefined, "BOOLEAN", "true"],
    [false, "BOOLEAN", "BOOLEAN", "false"],
    [{ a: [1, null, "x"] }, undefined, "JSON", '{"a":[1,null,"x"]}'],
    [[], "JSON", "JSON", "[]"],
    [null, undefined, "STRING", "null"],
    [null, "STRING", "STRING", "null"],
  ])("%j with type %s is a %s: %s", (literal, type, expected, body) => {
    expect(fromLiteral(literal, type)).toEqual({ type: expected, body });
  });

  test.each<[unknown, KvType, string]>([
    [42, "STRING", "a number"],
    [true, "STRING", "a boolean"],
    [1, "BOOLEAN", "a number"],
    [{ a: 1 }, "STRING", "an object"],
    [[1], "NUMBER", "a list"],
    [null, "JSON", "null"],
    [5, "JSON", "a number"],
    [20240501, "DATE", "a number"],
  ])("%j is no %s", (literal, type, name) => {
    expect(refusal(fromLiteral(literal, type))).toBe(
      `The literal is ${name}, which is no ${type}: write it in quotes, as text of that type, or change the type.`,
    );
  });

  test.each<[unknown, RegExp]>([
    [2 ** 53, /^The number has more digits than JSON keeps: give it as text, with type NUMBER\.$/],
    [1e21, /as text, with type NUMBER/],
    [0.1234567890123456, /as text, with type NUMBER/],
    [{ a: { b: [1, 2 ** 60] } }, /^The number at a\.b\[1\] has more digits .* with type JSON\.$/],
    [5e-324, /without the exponent/],
    [[{ x: 1.2345678901234567 }], /at \[0\]\.x /],
  ])("%j has digits that nobody can vouch for", (literal, message) => {
    expect(refusal(fromLiteral(literal))).toMatch(message);
  });
});

describe("a text", () => {
  test.each<[string, KvType, string]>([
    ["hello world\n", "STRING", '"hello world\\n"'],
    [" 42 ", "STRING", '" 42 "'],
    ['a"b\\c\u0000\u2028🙂', "STRING", '"a\\"b\\\\c\\u0000\u2028🙂"'],
    ["P1Y", "STRING", '"P1Y"'],
    ["pt5m", "STRING", '"pt5m"'],
    ["PT5.5S", "STRING", '"PT5.5S"'],
    ["PT5M ", "STRING", '"PT5M "'],
    ["P", "STRING", '"P"'],
    ["PT", "STRING", '"PT"'],
    ["42\n", "NUMBER", "42"],
    ["-0", "NUMBER", "-0"],
    ["1.10", "NUMBER", "1.10"],
    [
      "123456789012345678901234567890123456789012345678901234567890",
      "NUMBER",
      "123456789012345678901234567890123456789012345678901234567890",
    ],
    ["0.1234567890123456789012345678901234567890", "NUMBER", "0.1234567890123456789012345678901234567890"],
    ["1e3", "NUMBER", "1e3"],
    ["1.5E-10", "NUMBER", "1.5E-10"],
    [" true\r\n", "BOOLEAN", "true"],
    ["false", "BOOLEAN", "false"],
    ["2024-02-29\n", "DATE", "2024-02-29"],
    ["1582-10-15", "DATE", "1582-10-15"],
    ["9999-12-31", "DATE", "9999-12-31"],
    ["2024-05-01T01:02:03Z\n", "DATETIME", "2024-05-01T01:02:03.000Z"],
    ["2024-05-01T01:02:03.12300+02:00", "DATETIME", "2024-04-30T23:02:03.123Z"],
    ["P1DT2H3M4S", "DURATION", '"P1DT2H3M4S"'],
    ["PT0S\n", "DURATION", '"PT0S"'],
    [' {"b" : 1.10, "a": [ 1e3, "x" ]}\n', "JSON", '{"b":1.10,"a":[1e3,"x"]}'],
    ['{"n": 123456789012345678901234567890.5}', "JSON", '{"n":123456789012345678901234567890.5}'],
    ['{"a":{"b":1},"b":{"a":1}}', "JSON", '{"a":{"b":1},"b":{"a":1}}'],
  ])("%j is a %s: %s", (text, type, body) => {
    expect(fromText(text, type)).toEqual({ type, body });
  });

  test("is a STRING unless told otherwise", () => {
    expect(fromText("42")).toEqual({ type: "STRING", body: '"42"' });
  });

  const refusals: [string, KvType, RegExp][] = [
    ["PT5M", "STRING", /takes a text like this for a duration/],
    ["P1D", "STRING", /use type DURATION/],
    ["PD", "STRING", /duration/],
    ["PTHMS", "STRING", /duration/],
    ["a\ud83d", "STRING", /half of a surrogate pair/],
    ["007", "NUMBER", /not a number/],
    ["+1", "NUMBER", /not a number/],
    ["1.2.3", "NUMBER", /not a number/],
    ["0x1F", "NUMBER", /not a number/],
    ["NaN", "NUMBER", /not a number/],
    ["Infinity", "NUMBER", /not a number/],
    ["", "NUMBER", /not a number/],
    ["1 2", "NUMBER", /not a number/],
    ["1_000", "NUMBER", /not a number/],
    ["1e400", "NUMBER", /without the exponent/],
    ["1e-400", "NUMBER", /without the exponent/],
    ["5e-324", "NUMBER", /without the exponent/],
    ["1.2345678901234567890e1", "NUMBER", /without the exponent/],
    ["9".repeat(1_001), "NUMBER", /longer than 1000 characters/],
    ["True", "BOOLEAN", /true or false/],
    ["1", "BOOLEAN", /true or false/],
    ["2024-02-30", "DATE", /existing day/],
    ["1582-10-14", "DATE", /before 1582-10-15/],
    ["1582-10-14T23:59:59Z", "DATETIME", /before 1582-10-15/],
    ["0000-01-01", "DATE", /existing day/],
    ["2023-02-29", "DATE", /existing day/],
    ["2024-05-01T01:02:03Z", "DATE", /existing day/],
    ["01.05.2024", "DATE", /YYYY-MM-DD/],
    ["2024-05-01T01:02:03", "DATETIME", /with its offset/],
    ["2024-02-30T01:02:03Z", "DATETIME", /existing day/],
    ["2024-05-01T24:00:00Z", "DATETIME", /existing day/],
    ["2024-05-01T01:02:03.0001Z", "DATETIME", /finer than the milliseconds/],
    ["2024-05-01T00:00:00Z", "DATETIME", /makes a DATE of .* midnight in UTC/],
    ["2024-05-01T02:00:00+02:00", "DATETIME", /midnight in UTC/],
    ["P1Y", "DURATION", /not a DURATION/],
    ["PT1.5S", "DURATION", /whole numbers/],
    ["-PT1S", "DURATION", /not a DURATION/],
    ["pt1s", "DURATION", /capitals/],
    ["PD", "DURATION", /not a DURATION/],
    ["P99999999999999999999D", "DURATION", /not a DURATION/],
    ["{", "JSON", /not JSON/],
    ["42", "JSON", /an object or a list/],
    ['"x"', "JSON", /an object or a list/],
    ["null", "JSON", /an object or a list/],
    ['{"a":1,"a":1}', "JSON", /same key twice/],
    ['["\\ud83d"]', "JSON", /surrogate/],
    ['{"\\udc00":1}', "JSON", /surrogate/],
    ['{"a":[1e400]}', "JSON", /exponent/],
    [`${"[".repeat(201)}${"]".repeat(201)}`, "JSON", /nested deeper than 200/],
    [`${"[".repeat(100_000)}${"]".repeat(100_000)}`, "JSON", /not JSON|nested/],
  ];
  test.each(refusals.map(([text, ...more]) => [truncate(JSON.stringify(text), 40), text, ...more] as const))(
    "%s is refused",
    (_shown, text, type, message) => {
      expect(refusal(fromText(text, type))).toMatch(message);
    },
  );

  test("that is refused is not told", () => {
    const near = fc.constantFrom("2024-02-30", "1e999", "PT5M", '{"a":1', "0", '{"a":1,"a":2}', "[1e999]");
    const secret = fc.string({ minLength: 6, maxLength: 20 });
    fc.assert(
      fc.property(fc.tuple(near, secret), fc.constantFrom(...TYPES), ([start, end], type) => {
        for (const text of [start, end, start + end, JSON.stringify({ [end]: start }).replace('"', '"\\ud800')]) {
          const outcome = fromText(text, type);
          if (!("reason" in outcome)) continue;
          expect(outcome.message).not.toContain(end);
          if (start.length > 3) expect(outcome.message).not.toContain(start);
        }
      }),
    );
  });
});

describe("what Kestra gave back", () => {
  test.each<[string, KvType, { type: string; json: string }]>([
    ["x", "STRING", { type: "STRING", json: '"\\u0078"' }],
    ["1.10", "NUMBER", { type: "NUMBER", json: "1.1" }],
    ["1e3", "NUMBER", { type: "NUMBER", json: "1000.0" }],
    ["-0", "NUMBER", { type: "NUMBER", json: "0" }],
    ["true", "BOOLEAN", { type: "BOOLEAN", json: "true" }],
    ["2024-05-01", "DATE", { type: "DATE", json: '"2024-05-01"' }],
    ["2024-05-01T03:02:03.500+02:00", "DATETIME", { type: "DATETIME", json: '"2024-05-01T01:02:03.5Z"' }],
    ["2024-05-01T01:02:03Z", "DATETIME", { type: "DATETIME", json: '"2024-05-01T01:02:03.000000Z"' }],
    ["P1DT60M", "DURATION", { type: "DURATION", json: '"PT25H"' }],
    ['{"a":1,"b":[2.50]}', "JSON", { type: "JSON", json: '{"b":[2.5],"a":1.0}' }],
    ['{"a":null,"b":[null,{"c":null}]}', "JSON", { type: "JSON", json: '{"b":[null,{}]}' }],
  ])("holds %s as %s: %j", (text, type, stored) => {
    expect(holds(encoded(fromText(text, type)), stored)).toBe(true);
  });

  test.each<[unknown, KvType | undefined, { type: string; json: string }]>([
    ["x", undefined, { type: "STRING", json: '"X"' }],
    ["null", undefined, { type: "STRING", json: "null" }],
    [null, undefined, { type: "STRING", json: '"null"' }],
    ["", undefined, { type: "STRING", json: "null" }],
    ["42", undefined, { type: "NUMBER", json: "42" }],
    ["12345678901234567890", "NUMBER", { type: "NUMBER", json: "12345678901234567891" }],
    ["1", "NUMBER", { type: "NUMBER", json: '"1"' }],
    ["1", "NUMBER", { type: "NUMBER", json: '"NaN"' }],
    [true, undefined, { type: "BOOLEAN", json: "false" }],
    ["2024-05-01", "DATE", { type: "DATE", json: '"2024-05-02"' }],
    ["2024-05-01", "DATE", { type: "DATETIME", json: '"2024-05-01T00:00:00Z"' }],
    ["2024-05-01T01:02:03Z", "DATETIME", { type: "DATETIME", json: '"2024-05-01T01:02:03.001Z"' }],
    ["2024-05-01T01:02:03Z", "DATETIME", { type: "DATETIME", json: '"2024-05-01T01:02:03.0000001Z"' }],
    ["2024-05-01T01:02:03Z", "DATETIME", { type: "DATETIME", json: '"2024-05-01T01:02:03"' }],
    ["PT1H", "DURATION", { type: "DURATION", json: '"PT1H0.5S"' }],
    ["PT1H", "DURATION", { type: "DURATION", json: "3600.0" }],
    [{ a: 1 }, undefined, { type: "JSON", json: '{"a":1,"b":0}' }],
    [[null], undefined, { type: "JSON", json: "[]" }],
    [[1, 2], undefined, { type: "JSON", json: "[2,1]" }],
    [{ a: 1 }, undefined, { type: "JSON", json: "{" }],
  ])("does not hold %j as %s: %j", (literal, type, stored) => {
    expect(holds(encoded(fromLiteral(literal, type)), stored)).toBe(false);
  });

  test("holds null only as null", () => {
    expect(holds(encoded(fromLiteral(null)), { type: "STRING", json: "null" })).toBe(true);
  });
});
