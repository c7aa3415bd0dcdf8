import { describe, expect, test } from "@jest/globals";
import { NamespacePolicy, refusalOf } from "../../../src/operator/policy.ts";

describe("a namespace policy", () => {
  const rules = [
    { from: ["team-*", "ops"], to: ["team.*", "shared"] },
    { from: ["data?"], to: ["data"] },
  ];
  test.each([
    ["team-a", "team.a", true],
    ["team-a", "shared", true],
    ["ops", "team.a.b", true],
    ["team-", "team.", true],
    ["data1", "data", true],
    ["team-a", "teamXa", false],
    ["team-a", "team", false],
    ["team-a", "my.team.a", false],
    ["myteam-a", "team.a", false],
    ["data", "data", false],
    ["data12", "data", false],
    ["data1", "team.a", false],
    ["team-a", "data", false],
    ["team-a", "shared.x", false],
  ])("from %s to %s: %p", (from, to, allowed) => {
    expect(refusalOf(rules)(from, to) === undefined).toBe(allowed);
  });

  test("allows all when there is none, and nothing when it is empty", () => {
    expect(refusalOf(undefined)("a", "b")).toBeUndefined();
    expect(refusalOf([])("a", "b")).toMatch(
      /No rule .* lets the Kubernetes namespace a write to the Kestra namespace b: use/,
    );
  });

  test("takes nothing but * and ? for more than itself", () => {
    expect(refusalOf([{ from: ["a.b"], to: ["[x]+(y)|z$"] }])("a.b", "[x]+(y)|z$")).toBeUndefined();
    expect(refusalOf([{ from: ["a.b"], to: ["*"] }])("aXb", "n")).toBeDefined();
  });

  test("is read from JSON", () => {
    expect(NamespacePolicy.parse('[{"from":["*"],"to":["*"]}]')).toEqual([{ from: ["*"], to: ["*"] }]);
    for (const text of ["", "{}", '[{"from":["a"],"to":[""]}]', '[{"from":"a","to":"b"}]'])
      expect(NamespacePolicy.safeParse(text).success).toBe(false);
  });
});
