import { describe, expect, test } from "@jest/globals";
import { YamlPlaces } from "../../../src/lib/yamlPlaces.ts";

const TEXT = `kind: KestraFlow
"spec":
  source: |
    id: x

    namespace: y
  list:
  - a: 1
    b: 2
  - [3, {c: 4}]
  folded: >
    one
  empty:
  &anchor named: *anchor
`;

describe("a part of a document", () => {
  const places = new YamlPlaces(TEXT);

  test.each([
    [[], 1, 1],
    [["kind"], 1, 1],
    [["spec"], 2, 1],
    [["spec", "list"], 7, 3],
    [["spec", "list", 0], 8, 5],
    [["spec", "list", 0, "b"], 9, 5],
    [["spec", "list", 1, 1, "c"], 10, 10],
    [["spec", "named"], 14, 11],
    [["spec", "empty"], 13, 3],
  ])("stands where its key does: %j", (path, line, column) => {
    expect(places.of(path)).toEqual({ line, column });
  });

  test("that is missing stands where it is missing", () => {
    expect(places.of(["spec", "list", 0, "nope", "deeper"])).toEqual({ line: 8, column: 5 });
    expect(places.of(["kind", "x"])).toEqual({ line: 1, column: 1 });
  });

  test("is found within a literal block, and by its key within any other text", () => {
    expect(places.within(["spec", "source"], { line: 3, column: 12 })).toEqual({ line: 6, column: 16 });
    expect(places.within(["spec", "folded"], { line: 1, column: 2 })).toEqual({ line: 11, column: 3 });
  });
});

test("every kind of line end counts", () => {
  const places = new YamlPlaces("a: 1\r\nb: 2\rc: 3\nd: 4");
  expect(["a", "b", "c", "d"].map((key) => places.of([key]).line)).toEqual([1, 2, 3, 4]);
});
