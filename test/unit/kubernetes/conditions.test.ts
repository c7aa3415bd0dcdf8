import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  boundedMessage,
  findCondition,
  isTrue,
  nextConditions,
  type Condition,
} from "../../../src/kubernetes/conditions.ts";
import { mergePatchBetween } from "../../../src/kubernetes/mergePatch.ts";
import { statusPatch } from "../../../src/kubernetes/status.ts";

const now = new Date("2026-01-02T03:04:05.678Z");
const earlier = "2025-12-31T00:00:00Z";
const owned = ["Ready", "Stalled"];

function condition(type: string, status: Condition["status"], more: Partial<Condition> = {}): Condition {
  return { type, status, reason: "R", message: "m", observedGeneration: 1, lastTransitionTime: earlier, ...more };
}

describe("conditions", () => {
  test("a condition whose status stays keeps its transition time, though its reason changes", () => {
    const current = [condition("Ready", "True")];
    const wanted = [{ type: "Ready", status: "True" as const, reason: "Other", message: "new" }];
    expect(nextConditions({ current, wanted, owned, generation: 2, now })).toEqual([
      condition("Ready", "True", { reason: "Other", message: "new", observedGeneration: 2 }),
    ]);
  });

  test("a change of status is dated now, in whole seconds", () => {
    const wanted = [{ type: "Ready", status: "False" as const, reason: "R", message: "m" }];
    const [ready] = nextConditions({ current: [condition("Ready", "True")], wanted, owned, generation: 1, now });
    expect(ready?.lastTransitionTime).toBe("2026-01-02T03:04:05Z");
  });

  test("ours that are not wanted go, others' stay untouched", () => {
    const foreign = condition("Audited", "Unknown", { observedGeneration: 7 });
    const current = [condition("Stalled", "True"), foreign, condition("Ready", "True")];
    const next = nextConditions({ current, wanted: [], owned, generation: 1, now });
    expect(next).toEqual([foreign]);
    expect(isTrue(next, "Ready")).toBe(false);
    expect(findCondition(next, "Audited")).toBe(foreign);
  });

  test("the same verdict about its own result changes nothing", () => {
    const wanted = fc.uniqueArray(
      fc.record({
        type: fc.constantFrom("Ready", "Stalled", "Drifted"),
        status: fc.constantFrom<Condition["status"]>("True", "False", "Unknown"),
        reason: fc.constantFrom("A", "B"),
        message: fc.string({ unit: "binary", maxLength: 1500 }),
      }),
      { selector: ({ type }) => type },
    );
    fc.assert(
      fc.property(wanted, wanted, (before, after) => {
        const current = nextConditions({ current: undefined, wanted: before, owned, generation: 1, now: new Date(0) });
        const once = nextConditions({ current, wanted: after, owned, generation: 2, now });
        const twice = nextConditions({ current: once, wanted: after, owned, generation: 2, now: new Date(9e12) });
        expect(twice).toEqual(once);
      }),
    );
  });
});

test("a message is bounded", () => {
  expect(boundedMessage("x".repeat(1024))).toBe("x".repeat(1024));
  expect(boundedMessage("x".repeat(1025))).toBe(`${"x".repeat(1023)}…`);
});

describe("status patch", () => {
  const metadata = { resourceVersion: "5" };

  test("is undefined when the status says so already", () => {
    const status = { flow: { id: "a", revision: 2 }, conditions: [condition("Ready", "True")] };
    expect(statusPatch({ metadata, status }, structuredClone(status))).toBeUndefined();
    expect(statusPatch({ metadata }, {})).toBeUndefined();
  });

  test("holds what changed, and null for what goes", () => {
    const status = { digest: "x", flow: { id: "a", revision: 1 }, warnings: ["w"] };
    const wanted = { digest: "x", flow: { id: "a", revision: 2 }, warnings: undefined };
    expect(statusPatch({ metadata, status }, wanted)).toEqual({
      metadata,
      status: { flow: { revision: 2 }, warnings: null },
    });
  });

  test("is guarded by the version unless told otherwise", () => {
    expect(statusPatch({ metadata }, { a: 1 })).toEqual({ metadata, status: { a: 1 } });
    expect(statusPatch({ metadata }, { a: 1 }, { guarded: false })).toEqual({ status: { a: 1 } });
  });

  test("a merge patch between two objects makes the one of the other, and nothing is left to patch then", () => {
    const json = fc.letrec((tie) => ({
      object: fc.dictionary(fc.constantFrom("a", "b", "c", "__proto__"), tie("value"), { noNullPrototype: true }),
      value: fc.oneof({ maxDepth: 4 }, fc.integer(), fc.string(), fc.array(fc.integer()), tie("object")),
    })).object;
    fc.assert(
      fc.property(json, json, (current, wanted) => {
        const patch = mergePatchBetween(current, wanted);
        const result = applyMergePatch(current, patch ?? {});
        expect(result).toEqual(wanted);
        expect(mergePatchBetween(result as object, wanted as object)).toBeUndefined();
      }),
    );
  });
});

/** RFC 7386, section 2, as it is written there. */
function applyMergePatch(target: unknown, patch: unknown): unknown {
  if (typeof patch !== "object" || patch === null || Array.isArray(patch)) return patch;
  const isObject = typeof target === "object" && target !== null && !Array.isArray(target);
  const result = new Map(isObject ? Object.entries(target) : []);
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) result.delete(name);
    else result.set(name, applyMergePatch(result.get(name), value));
  }
  return Object.fromEntries(result);
}
