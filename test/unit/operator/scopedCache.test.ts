import { describe, expect, test } from "@jest/globals";
import { ApiError } from "../../../src/kubernetes/errors.ts";
import type { Informer } from "../../../src/kubernetes/informer.ts";
import type { AnyObject, Identified } from "../../../src/kubernetes/objects.ts";
import { Store } from "../../../src/kubernetes/store.ts";
import { ScopedCache } from "../../../src/operator/scopedCache.ts";

interface Knows {
  hasSynced?: boolean;
  lastError?: unknown;
}

function informer(namespace: string, { hasSynced = true, lastError }: Knows = {}) {
  const store = new Store<Identified>();
  store.set({ metadata: { namespace, name: "one", uid: `uid-${namespace}`, resourceVersion: "1" } });
  const learned: string[] = [];
  const fake = {
    type: { plural: "kestraflows" },
    store,
    hasSynced,
    lastError,
    learned,
    get: (key: string) => store.get(key),
    learn: (object: AnyObject) => learned.push(object.metadata.uid),
  };
  return fake as typeof fake & Informer<Identified>;
}

function cacheOf(informers: Record<string, Informer<Identified>>): ScopedCache<Identified> {
  return new ScopedCache(new Map(Object.entries(informers)));
}

test("objects of all namespaces that are served are found, and of no other", () => {
  const cache = cacheOf({ a: informer("a"), b: informer("b") });
  expect(cache.get("a/one")?.metadata.uid).toBe("uid-a");
  expect(cache.get("c/one")).toBeUndefined();
  expect([[...cache.keys()], [...cache.values()].length, cache.size]).toEqual([["a/one", "b/one"], 2, 2]);
});

test("one informer can serve all namespaces", () => {
  expect(cacheOf({ "": informer("a") }).get("a/one")?.metadata.uid).toBe("uid-a");
});

test("an answer to a write of ours reaches the informer of its namespace", () => {
  const [a, b] = [informer("a"), informer("b")];
  const metadata = { namespace: "b", name: "x", uid: "u", resourceVersion: "2" };
  cacheOf({ a, b }).learn({ apiVersion: "v1", kind: "K", metadata });
  expect([a.learned, b.learned]).toEqual([[], ["u"]]);
});

describe("complete is", () => {
  const forbidden = { hasSynced: false, lastError: new ApiError("list kestraflows", 403, { message: "no" }) };
  const listing = { hasSynced: false };
  test.each<[string, Knows[], boolean]>([
    ["when all lists are in", [{}, {}], true],
    ["not while one is not", [{}, listing], false],
    ["though one is forbidden: a closed namespace must not stop the others", [{}, forbidden], true],
    ["not when all are forbidden", [forbidden, forbidden], false],
  ])("%s", (_what, known, expected) => {
    const cache = cacheOf(Object.fromEntries(known.map((knows, i) => [`n${i}`, informer(`n${i}`, knows)])));
    expect(cache.hasSynced).toBe(expected);
    expect(cache.problem === undefined).toBe(expected);
  });

  test("told apart by which list is not in, and why", () => {
    expect(cacheOf({ a: informer("a"), b: informer("b", listing) }).problem).toBe(
      "the list of kestraflows in b is not in yet",
    );
    expect(cacheOf({ "": informer("", forbidden) }).problem).toMatch(
      /^the list of kestraflows in all namespaces is not in yet: list kestraflows: HTTP 403: no$/,
    );
  });
});
