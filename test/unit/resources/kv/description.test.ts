import { describe, expect, test } from "@jest/globals";
import { flawOfDescription } from "../../../../src/resources/kv/description.ts";

describe("a description", () => {
  test.each(["", "a", "a  b", 'für "alle", ½; a=b', "\u00a0x\u00a0", "x".repeat(4_000)])("is kept", (text) => {
    expect(flawOfDescription(text)).toBeUndefined();
  });

  test.each([
    [" a", /begins or ends with a blank/],
    ["a\t", /begins or ends with a blank/],
    ["a\nb", /several lines/],
    ["a\rb", /several lines/],
    ["日本", /of Latin-1/],
    ["a – b", /of Latin-1/],
    ["🙂", /of Latin-1/],
    ["a\tb", /without tabs/],
    ["a\u0000b", /controls/],
    ["a\u007fb", /controls/],
    ["x".repeat(4_001), /longer than 4000/],
  ])("with a flaw is told why", (text, message) => {
    expect(flawOfDescription(text)).toMatch(message);
  });
});
