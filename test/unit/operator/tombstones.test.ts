import { beforeEach, describe, expect, test } from "@jest/globals";
import type { AnyObject } from "../../../src/kubernetes/objects.ts";
import { FINALIZER } from "../../../src/resources/annotations.ts";
import { Tombstones } from "../../../src/operator/tombstones.ts";
import { projectFlow } from "../../../src/resources/flow/cache.ts";
import type { CachedFlow } from "../../../src/resources/flow/cache.ts";

const NOW = new Date("2026-01-01T00:00:00Z");
const KEY = "apps/hello";

function flow(metadata: Partial<AnyObject["metadata"]> = {}): CachedFlow {
  const whole = { name: "hello", namespace: "apps", uid: "u", resourceVersion: "1", finalizers: [FINALIZER] };
  return projectFlow({ apiVersion: "v1", kind: "KestraFlow", metadata: { ...whole, ...metadata } });
}

const live = new Map<string, CachedFlow>();
const learned: string[] = [];
const forgotten: string[] = [];
const cache = { get: (key: string) => live.get(key), learn: ({ metadata }: AnyObject) => learned.push(metadata.name) };
let tombstones: Tombstones<CachedFlow>;
beforeEach(() => {
  for (const list of [learned, forgotten]) list.length = 0;
  live.clear();
  tombstones = new Tombstones(cache, (key) => forgotten.push(key));
});

test("a resource that was removed with our finalizer on it stays, as one that is being deleted", () => {
  tombstones.bury({ object: flow(), missed: false }, NOW);
  expect(tombstones.get(KEY)?.metadata).toMatchObject({
    deletionTimestamp: NOW.toISOString(),
    finalizers: [FINALIZER],
  });
  expect([...tombstones.keys()]).toEqual([KEY]);
});

describe("not kept is one that", () => {
  test.each<[string, Partial<AnyObject["metadata"]>, boolean]>([
    ["we let go", { deletionTimestamp: "2025-12-31T23:59:59Z" }, false],
    ["never had our finalizer", { finalizers: ["example.com/other"] }, false],
    ["never had any", { finalizers: [] }, false],
    ["went unseen: somebody may have taken the finalizer off", {}, true],
  ])("%s", (_what, metadata, missed) => {
    expect(tombstones.bury({ object: flow(metadata), missed }, NOW)).toBeUndefined();
    expect(tombstones.get(KEY)).toBeUndefined();
  });
});

test("what is alive is seen as it is, and learnt of; what was made under the name of a tombstone, after that", () => {
  live.set(KEY, flow({ uid: "new" }));
  expect(tombstones.get(KEY)?.metadata.uid).toBe("new");
  tombstones.bury({ object: flow(), missed: false }, NOW);
  expect(tombstones.get(KEY)).toMatchObject({ removed: true, metadata: { uid: "u" } });
  tombstones.forget(KEY);
  expect(tombstones.get(KEY)?.metadata.uid).toBe("new");
  tombstones.learn({ apiVersion: "v1", kind: "KestraFlow", metadata: flow().metadata });
  expect(learned).toEqual(["hello"]);
});

test("one that is forgotten is told of once, and all at the end", () => {
  tombstones.bury({ object: flow(), missed: false }, NOW);
  tombstones.bury({ object: flow({ name: "bye" }), missed: false }, NOW);
  tombstones.forget(KEY);
  tombstones.forget(KEY);
  expect(forgotten).toEqual([KEY]);
  tombstones.clear();
  expect(forgotten).toEqual([KEY, "apps/bye"]);
  expect([...tombstones.keys()]).toEqual([]);
});
