import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { readDecimal, sameDecimal } from "../../../src/lib/decimal.ts";
import { parseExactJson, repeatsKey, sameExactJson, writeExactJson } from "../../../src/lib/exactJson.ts";
import type { ExactJson } from "../../../src/lib/exactJson.ts";

function parsed(text: string): ExactJson {
  const tree = parseExactJson(text);
  if (tree === undefined) throw new Error(`not read: ${text}`);
  return tree;
}

describe("decimals", () => {
  test.each([
    ["1.10", "1.1"],
    ["1.1", "11e-1"],
    ["0", "-0.000"],
    ["0e99", "0"],
    ["100", "1e2"],
    ["1E+2", "1e2"],
    ["-0.5", "-5e-1"],
    ["12345678901234567890123456789012345678901234567890", "1.2345678901234567890123456789012345678901234567890e49"],
    ["1e999999999999999999999", "10e999999999999999999998"],
  ])("%s is %s", (a, b) => {
    expect(sameDecimal(a, b)).toBe(true);
    expect(sameDecimal(b, a)).toBe(true);
  });

  test.each([
    ["1", "-1"],
    ["1", "10"],
    ["1.0000000000000000000000000001", "1"],
    ["9007199254740993", "9007199254740992"],
    ["1e999999999999999999999", "1e999999999999999999998"],
    ["x", "y"],
  ])("%s is not %s", (a, b) => {
    expect(sameDecimal(a, b)).toBe(false);
  });

  test.each(["", "007", "+1", "1.", ".5", "1.2.3", "0x10", "NaN", "Infinity", "1e", "1_000", " 1", "1\n", "١"])(
    "%j is none",
    (text) => {
      expect(readDecimal(text)).toBeUndefined();
    },
  );

  test("of a million zeros are read in passing", () => {
    expect(sameDecimal(`1${"0".repeat(1_000_000)}.${"0".repeat(1_000_000)}`, "1e1000000")).toBe(true);
  });
});

describe("exact JSON", () => {
  test.each([
    "123456789012345678901234567890.12345678901234567890",
    '{"b":1.10,"a":[1e400,-0,{"n":0.1000}],"s":"x"}',
    '{"__proto__":{"a":1}}',
    '"\\ud83d"',
    "null",
    "[]",
  ])("%s is written as it was read", (text) => {
    expect(writeExactJson(parsed(text))).toBe(text);
  });

  test.each(["", "hello", "{", "01", "[1,]", "'a'", "undefined"])(
    "is not read from %j, and nothing is thrown",
    (text) => {
      expect(parseExactJson(text)).toBeUndefined();
    },
  );

  test("is not read from 100,000 levels, and nothing is thrown", () => {
    expect(parseExactJson(`${"[".repeat(100_000)}${"]".repeat(100_000)}`)).toBeUndefined();
  });

  test("loses nothing of any JSON value", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value);
        expect(writeExactJson(parsed(text))).toBe(text);
        expect(sameExactJson(parsed(text), parsed(JSON.stringify(value, undefined, 2)))).toBe(true);
      }),
    );
  });
});

describe("two trees", () => {
  test.each([
    ['{"a":1,"b":[2,3]}', '{"b":[2.0,3e0],"a":1.00}'],
    ["[]", " [ ] "],
    ['"\\u0041"', '"A"'],
    ['{"a":null}', '{ "a" : null }'],
  ])("%s and %s mean the same", (a, b) => {
    expect(sameExactJson(parsed(a), parsed(b))).toBe(true);
  });

  test.each([
    ["[1,2]", "[2,1]"],
    ["[1]", "[1,null]"],
    ['{"a":1}', '{"b":1}'],
    ['{"a":null}', "{}"],
    ['{"a":null}', '{"b":null}'],
    ["{}", "[]"],
    ["{}", "null"],
    ["1", '"1"'],
    ['{"rawJSON":"1"}', "1"],
    ["0", "false"],
    ["9007199254740993", "9007199254740992"],
    ['"\\u00e9"', '"e\\u0301"'],
    ['{"toString":1}', '{"valueOf":1}'],
  ])("%s and %s do not", (a, b) => {
    expect(sameExactJson(parsed(a), parsed(b))).toBe(false);
    expect(sameExactJson(parsed(b), parsed(a))).toBe(false);
  });
});

describe("a repeated key", () => {
  test.each([
    ['{"a":1,"a":2}', true],
    ['[{"x":{"a":1,"b":2,"a":{}}}]', true],
    ['{"a":1,"\\u0061":2}', true],
    ['{"a":{"a":{"a":[]}},"b":"a\\":"}', false],
    ['["a","a"]', false],
    ['{"__proto__":1,"a":"\\\\"}', false],
  ])("in %s: %s", (text, expected) => {
    expect(repeatsKey(text, parsed(text))).toBe(expected);
  });
});
