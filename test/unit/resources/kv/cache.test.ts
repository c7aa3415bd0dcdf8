import { describe, expect, test } from "@jest/globals";
import { isSettled } from "../../../../src/resources/decisions.ts";
import { projectKv, projectWhole } from "../../../../src/resources/kv/cache.ts";
import { identity, ready, recorded, referring } from "./support/observed.ts";

type RawKv = Parameters<typeof projectKv>[0];

function raw(spec: object, status?: object, metadata: object = {}): RawKv {
  return {
    apiVersion: "kestraflow.dev/v1alpha1",
    kind: "KestraKV",
    metadata: { name: "a", namespace: "team", uid: "u", resourceVersion: "1", generation: 1, ...metadata },
    spec: { namespace: "n", key: "key", ...spec },
    ...(status ? { status } : {}),
  } as RawKv;
}

describe("what the cache keeps", () => {
  test("has the schema's defaults, which an older object lacks", () => {
    expect(projectKv(raw({ value: 1 })).policy).toEqual({
      namespace: "n",
      key: "key",
      adoption: "IfIdentical",
      driftPolicy: "Correct",
      ttlPolicy: "Once",
      writePolicy: "Always",
    });
    expect(projectKv(raw({ value: 1, ttlPolicy: "Renew" })).policy).toMatchObject({ ttlPolicy: "Renew" });
  });

  test("has no foreign annotations: the one that kubectl leaves holds the value", () => {
    const annotations = { "kubectl.kubernetes.io/last-applied-configuration": "{}", "kestraflow.dev/paused": "true" };
    expect(projectKv(raw({ value: 1 }, undefined, { annotations })).metadata.annotations).toEqual({
      "kestraflow.dev/paused": "true",
    });
  });

  test.each([["text"], [0], [false], [""], [null], [[]], [{ a: null }]])(
    "has the literal %j until it is in sync",
    (value) => {
      const cached = projectKv(raw({ value }));
      expect(cached.content).toEqual({ value });
      expect(cached.policy).not.toHaveProperty("value");
      expect(projectKv(raw({ value }, recorded()))).not.toHaveProperty("content");
      expect(projectKv(raw({ value }, recorded(), { generation: 2 })).content).toEqual({ value });
      expect(projectWhole(raw({ value }, recorded())).content).toEqual({ value });
    },
  );

  test("has nothing of a value that is referred to", () => {
    for (const project of [projectKv, projectWhole]) {
      expect(project(raw({ valueFrom: referring.valueFrom }))).not.toHaveProperty("content");
      expect(project(raw({ valueFrom: referring.valueFrom })).policy.valueFrom).toEqual(referring.valueFrom);
    }
  });

  test("knows what the status records as its own", () => {
    expect(projectKv(raw({ value: 1 }, recorded())).owned).toEqual(identity());
    expect(projectKv(raw({ value: 1 }))).not.toHaveProperty("owned");
  });

  test("of ten thousand large entries in sync fits in some twenty megabytes", () => {
    const big = { value: "x".repeat(100_000) };
    const annotations = { "kubectl.kubernetes.io/last-applied-configuration": JSON.stringify(big) };
    expect(JSON.stringify(projectKv(raw(big, recorded(), { annotations }))).length).toBeLessThan(1_400);
  });
});

describe("in sync is", () => {
  test.each([
    ["ready, at this generation, with an entry", recorded(), 1, true],
    ["not another generation", recorded(), 2, false],
    ["not without an entry", { observedGeneration: 1, conditions: [ready("True", "OptionalMissing")] }, 1, false],
    ["not when not ready", recorded({}, { conditions: [ready("False", "Contested")] }), 1, false],
    ["not a new resource", {}, 1, false],
  ])("%s", (_what, status, generation, expected) => {
    expect(isSettled(projectKv(raw({ value: 1 }, status, { generation })))).toBe(expected);
  });
});
