import { describe, expect, test } from "@jest/globals";
import { isReady, isSettled } from "../../../../src/resources/decisions.ts";
import { projectFlow, projectWhole } from "../../../../src/resources/flow/cache.ts";
import { ready, recorded, textOf } from "./support/observed.ts";

type RawFlow = Parameters<typeof projectFlow>[0];

function raw(spec: object, status?: object, metadata: object = {}): RawFlow {
  return {
    apiVersion: "kestraflow.dev/v1alpha1",
    kind: "KestraFlow",
    metadata: { name: "a", namespace: "team", uid: "u", resourceVersion: "1", generation: 1, ...metadata },
    spec,
    ...(status ? { status } : {}),
  } as RawFlow;
}

describe("what the cache keeps", () => {
  test("has the schema's defaults, which an older object lacks", () => {
    expect(projectFlow(raw({ source: "x" })).policy).toEqual({
      adoption: "IfIdentical",
      driftPolicy: "Correct",
      disabledDrift: "Report",
    });
    expect(projectFlow(raw({ source: "x", adoption: "Never" })).policy).toMatchObject({ adoption: "Never" });
  });

  test("has no foreign annotations, labels or managers, which can be large and secret", () => {
    const annotations = { "kubectl.kubernetes.io/last-applied-configuration": "{}", "kestraflow.dev/paused": "true" };
    const metadata = {
      annotations,
      labels: { a: "b" },
      finalizers: ["x"],
      deletionTimestamp: "t",
      creationTimestamp: "c",
    };
    expect(projectFlow(raw({ source: "x" }, undefined, { ...metadata, ownerReferences: [] })).metadata).toEqual({
      name: "a",
      namespace: "team",
      uid: "u",
      resourceVersion: "1",
      generation: 1,
      creationTimestamp: "c",
      deletionTimestamp: "t",
      finalizers: ["x"],
      annotations: { "kestraflow.dev/paused": "true" },
    });
  });

  test("has the content until it is in sync, and of a flow that is being edited again", () => {
    expect(projectFlow(raw({ source: "x" })).content).toEqual({ source: "x" });
    expect(projectFlow(raw({ flow: { id: "x" } })).content).toEqual({ flow: { id: "x" } });
    expect(projectFlow(raw({ source: "x" }, recorded()))).not.toHaveProperty("content");
    expect(projectFlow(raw({ source: "x" }, recorded(), { generation: 2 })).content).toEqual({ source: "x" });
    expect(projectFlow(raw({ sourceFrom: {} }))).not.toHaveProperty("content");
  });

  test("of ten thousand flows in sync fits in some twenty megabytes", () => {
    const big = { source: textOf("a", "x".repeat(5_000)) };
    const annotations = { "kubectl.kubernetes.io/last-applied-configuration": JSON.stringify(big) };
    expect(JSON.stringify(projectFlow(raw(big, recorded(), { annotations }))).length).toBeLessThan(1_200);
  });

  test("lives with a resource without spec, as an older version of it may be", () => {
    const bare = { apiVersion: "v", kind: "k", metadata: { name: "a", uid: "u", resourceVersion: "1" } };
    expect(projectFlow(bare).status).toEqual({});
  });
});

test("the whole has its content in any case", () => {
  expect(projectWhole(raw({ source: "x" }, recorded())).content).toEqual({ source: "x" });
  expect(projectWhole(raw({ flow: {} }, recorded())).content).toEqual({ flow: {} });
  expect(projectWhole(raw({ sourceFrom: {} }, recorded()))).not.toHaveProperty("content");
});

describe("in sync is", () => {
  test.each([
    ["ready, at this generation, with a flow", recorded(), 1, true],
    ["not another generation", recorded(), 2, false],
    ["not without a flow", { observedGeneration: 1, conditions: [ready("True", "Synced")] }, 1, false],
    ["not when not ready", recorded(textOf(), { conditions: [ready("False", "Contested")] }), 1, false],
    ["not without conditions", { ...recorded(), conditions: [] }, 1, false],
    ["not a new resource", {}, 1, false],
  ])("%s", (_what, status, generation, expected) => {
    expect(isSettled(projectFlow(raw({}, status, { generation })))).toBe(expected);
  });

  test("ready is what the condition says", () => {
    expect([
      isReady({}),
      isReady({ conditions: [ready("True", "x")] }),
      isReady({ conditions: [ready("False", "x")] }),
    ]).toEqual([false, true, false]);
  });
});
