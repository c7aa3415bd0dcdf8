import { expect, test } from "@jest/globals";
import { addFinalizer, classifyFinalizer, removeFinalizer } from "../../../src/kubernetes/finalizer.ts";

const ours = "test/ours";
const deletionTimestamp = "2026-01-01T00:00:00Z";

test.each([
  ["absent", {}],
  ["absent", { finalizers: ["other"] }],
  ["held", { finalizers: ["other", ours] }],
  ["deleting", { finalizers: [ours], deletionTimestamp }],
  ["released", { finalizers: ["other"], deletionTimestamp }],
  ["released", { deletionTimestamp }],
] as const)("an object is %s with %j", (state, { ...metadata }: object) => {
  expect(classifyFinalizer(metadata, ours)).toBe(state);
});

test("finalizer and intent are set in one guarded patch that keeps others' finalizers", () => {
  expect(addFinalizer({ resourceVersion: "5", finalizers: ["other"] }, ours, { intent: "a", old: null })).toEqual({
    metadata: { resourceVersion: "5", finalizers: ["other", ours], annotations: { intent: "a", old: null } },
  });
});

test("a finalizer that is there is not added again", () => {
  expect(addFinalizer({ resourceVersion: "5", finalizers: [ours] }, ours, { intent: "a" })).toEqual({
    metadata: { resourceVersion: "5", annotations: { intent: "a" } },
  });
});

test("removal keeps others' finalizers and is guarded", () => {
  expect(removeFinalizer({ resourceVersion: "5", finalizers: ["x", ours, "y"] }, ours)).toEqual({
    metadata: { resourceVersion: "5", finalizers: ["x", "y"] },
  });
});
