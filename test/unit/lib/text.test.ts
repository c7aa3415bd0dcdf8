import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { canonicalJson, digestOf, sameTree } from "../../../src/lib/digest.ts";
import { parseDuration } from "../../../src/lib/duration.ts";
import { truncate } from "../../../src/lib/text.ts";

describe("truncating", () => {
  test.each([
    ["", 3, ""],
    ["abc", 3, "abc"],
    ["abcd", 3, "ab…"],
    ["a🙂b", 3, "a…"],
    ["🙂🙂", 3, "🙂…"],
    ["a\ud83d", 3, "a\ufffd"],
  ])("%j to %d is %j", (text, limit, expected) => {
    expect(truncate(text, limit)).toBe(expected);
  });

  test("never exceeds the limit, breaks no character, and mends what was broken", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.integer({ min: 2, max: 20 }), (text, limit) => {
        const cut = truncate(text, limit);
        expect(cut.length).toBeLessThanOrEqual(limit);
        expect(cut.isWellFormed()).toBe(true);
        if (text.length <= limit) expect(cut).toBe(text.toWellFormed());
      }),
    );
  });
});

describe("a digest", () => {
  test("is SHA-256 and says so", () => {
    expect(digestOf("")).toBe("sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    expect(digestOf("ü")).not.toBe(digestOf("u"));
  });
});

describe("canonical JSON", () => {
  test("sorts the keys of every object, and keeps the order of lists", () => {
    expect(canonicalJson({ b: [{ d: 1, c: 2 }, 3], a: null })).toBe('{"a":null,"b":[{"c":2,"d":1},3]}');
  });

  test("keeps a key named __proto__", () => {
    const tree: unknown = JSON.parse('{"b": 1, "__proto__": {"d": 1, "c": 2}}');
    expect(canonicalJson(tree)).toBe('{"__proto__":{"c":2,"d":1},"b":1}');
  });

  test("of equal trees is equal, whatever the order of keys", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue(), { noNullPrototype: true }), (tree) => {
        const reversed = Object.fromEntries(Object.entries(tree).reverse());
        expect(sameTree(tree, reversed)).toBe(true);
        expect(JSON.parse(canonicalJson(tree))).toEqual(JSON.parse(JSON.stringify(tree)));
      }),
    );
  });

  test("of different trees is different", () => {
    expect(sameTree({ a: 1 }, { a: "1" })).toBe(false);
    expect(sameTree([1, 2], [2, 1])).toBe(false);
    expect(sameTree({ a: undefined }, {})).toBe(true);
  });
});

describe("a duration", () => {
  test.each([
    ["500ms", 500],
    ["60s", 60_000],
    ["1.5m", 90_000],
    ["1h", 3_600_000],
    [" 2s ", 2_000],
    ["0s", 0],
  ])("%j is %d ms", (text, milliseconds) => {
    expect(parseDuration(text)).toBe(milliseconds);
  });

  test.each(["", "5", "s", "1d", "-1s", "1 s", "1s1s", "Infinitys", "1e3s", "PT1S"])("%j is none", (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });
});
