import { expect, test } from "@jest/globals";
import { intern } from "../../../src/lib/intern.ts";

// Equal texts cannot be told apart from within the language: what is seen here is that none is changed or mixed up.
test("a text stays what it is, however many come, however long", () => {
  const texts = [...Array.from({ length: 2_500 }, (_, index) => `text ${index}`), "x".repeat(1_000), ""];
  expect([...texts, ...texts].map(intern)).toEqual([...texts, ...texts]);
});
