import { describe, expect, test } from "@jest/globals";
import { ApiError } from "../../../../src/kubernetes/errors.ts";
import { coreTypes } from "../../../../src/kubernetes/objects.ts";
import type { CachedKv } from "../../../../src/resources/kv/cache.ts";
import type { Observed } from "../../../../src/resources/kv/model.ts";
import { observe, read } from "../../../../src/resources/kv/observe.ts";
import type { KvSpec, KvStatus } from "../../../../src/resources/kv/schema.ts";
import { ResourceGone } from "../../../../src/resources/ownership/observe.ts";
import { identity, ready, recorded, valueOf } from "./support/observed.ts";
import { CANARY, KvWorld } from "./support/world.ts";

const { signal } = new AbortController();
const place = { namespace: "n", key: "key" };
const ref = { name: "source", key: "value" };
const bySecret: Partial<KvSpec> = { ...place, valueFrom: { secretKeyRef: ref } };
const byConfigMap: Partial<KvSpec> = { ...place, valueFrom: { configMapKeyRef: ref } };

function worldOf(spec: Partial<KvSpec>, status?: KvStatus): KvWorld {
  const world = new KvWorld();
  world.kubernetes.apply("ours", spec);
  const resource = world.kubernetes.resources.get("team/ours");
  if (resource && status) resource.status = status;
  return world;
}

function cached(world: KvWorld): CachedKv {
  const found = world.context.resources.get("team/ours");
  if (found === undefined) throw new Error("there is no resource");
  return found;
}

/** What is declared, as far as the caches tell. */
function known(world: KvWorld): Observed["desired"] {
  return observe(world.kvContext, cached(world)).desired;
}

/** What is declared, once it is read. */
async function content(world: KvWorld): Promise<Observed["desired"]> {
  const seen = observe(world.kvContext, cached(world));
  await read(world.kvContext, seen, "content", signal);
  return seen.desired;
}

async function stored(world: KvWorld): Promise<Observed["stored"]> {
  const seen = observe(world.kvContext, cached(world));
  await read(world.kvContext, seen, "stored", signal);
  return seen.stored;
}

function refuse(world: KvWorld, plural: string, status: number): void {
  const { kubernetes } = world.context;
  const get = kubernetes.get.bind(kubernetes);
  kubernetes.get = (type, name, options) =>
    type.plural === plural ? Promise.reject(new ApiError("get", status)) : get(type, name, options);
}

describe("without asking anybody", () => {
  test("a literal is known until it is in sync, and its digest from then on", () => {
    expect(known(worldOf({ ...place, value: "hi" }))).toMatchObject({ identity: identity(), value: valueOf("hi") });
    const { applied } = recorded();
    expect(known(worldOf({ ...place, value: "hi" }, recorded()))).toEqual({ identity: identity(), ...applied });
  });

  test("a flaw in the spec or its literal is known", () => {
    expect(known(worldOf({ ...place, value: 1, ttl: "P1M" }))).toMatchObject({ reason: "InvalidTtl" });
    expect(known(worldOf({ ...place, value: 1, type: "STRING" }))).toMatchObject({ reason: "InvalidValue" });
  });

  test("a reference has to be read, unless it is in sync with what is known of its object", () => {
    const inSync = recorded(bySecret);
    expect(known(worldOf(bySecret))).toBeUndefined();
    // Of a Secret that is not known yet there will be news.
    expect(known(worldOf(bySecret, inSync))).toEqual({ identity: identity(), ...inSync.applied });
    expect(known(worldOf(byConfigMap, recorded(byConfigMap)))).toBeUndefined();
  });

  test("an optional reference that was missing has to be read, whatever was applied before", () => {
    const status = recorded(bySecret, { conditions: [ready("True", "OptionalMissing")] });
    expect(known(worldOf(bySecret, status))).toBeUndefined();
  });
});

describe("a reference", () => {
  test.each([
    ["Secret", bySecret],
    ["ConfigMap", byConfigMap],
  ] as const)("to a %s gives text, with the version of the object", async (kind, spec) => {
    const world = worldOf(spec);
    world.kubernetes.applyData(kind, "source", {
      value: kind === "Secret" ? Buffer.from("ü🙂\n").toString("base64") : "ü🙂\n",
    });
    const objects = kind === "Secret" ? world.kubernetes.secrets : world.kubernetes.configMaps;
    expect(await content(world)).toMatchObject({
      identity: identity(),
      value: valueOf("ü🙂\n"),
      sourceVersion: objects.get("team/source")?.metadata.resourceVersion,
    });
  });

  test("names the object and the key that is missing", async () => {
    const world = worldOf(bySecret);
    const gone = { reason: "ReferenceMissing", optional: false };
    expect(await content(world)).toEqual({ ...gone, missing: "the Secret source" });
    world.kubernetes.applyData("Secret", "source", { other: "eA==" });
    expect(await content(world)).toEqual({ ...gone, missing: "the key value in the Secret source" });
    world.changeSecret("source", "");
    expect(await content(world)).toMatchObject({
      missing: "a value under the key value in the Secret source, which is empty",
    });
  });

  test("that is optional says so", async () => {
    const world = worldOf({ ...place, valueFrom: { configMapKeyRef: { ...ref, optional: true } } });
    expect(await content(world)).toEqual({
      missing: "the ConfigMap source",
      reason: "ReferenceMissing",
      optional: true,
    });
  });

  test("that may not be read says so, and is not taken for optional", async () => {
    const world = worldOf({ ...place, valueFrom: { secretKeyRef: { ...ref, optional: true } } });
    refuse(world, coreTypes.secret.plural, 403);
    expect(await content(world)).toMatchObject({
      reason: "ReferenceForbidden",
      optional: false,
      missing: expect.stringMatching(/Secret source.*namespace team/),
    });
  });

  test("that fails otherwise is tried again", async () => {
    const world = worldOf(bySecret);
    refuse(world, coreTypes.secret.plural, 500);
    await expect(content(world)).rejects.toThrow(ApiError);
  });

  test("to what is no text, or not of its type, is refused without a word of it", async () => {
    const world = worldOf(bySecret);
    world.kubernetes.applyData("Secret", "source", { value: Buffer.from([0xff, 0xfe]).toString("base64") });
    expect(await content(world)).toMatchObject({
      reason: "InvalidValue",
      message: expect.stringMatching(/not text in UTF-8/),
    });
    for (const type of ["NUMBER", "BOOLEAN", "DATE", "DATETIME", "DURATION", "JSON"] as const) {
      const typed = worldOf({ ...bySecret, type });
      typed.changeSecret("source", CANARY);
      const refused = await content(typed);
      expect(refused).toMatchObject({ reason: "InvalidValue" });
      expect(JSON.stringify(refused)).not.toContain(CANARY);
    }
  });
});

describe("a literal that the cache dropped", () => {
  test("is read again", async () => {
    expect(await content(worldOf({ ...place, value: "hi" }, recorded()))).toMatchObject({ value: valueOf("hi") });
  });

  test("and has become a reference meanwhile is read on", async () => {
    const world = worldOf({ ...place, value: "hi" }, recorded());
    const seen = observe(world.kvContext, cached(world));
    world.kubernetes.apply("ours", bySecret);
    await read(world.kvContext, seen, "content", signal);
    expect(seen).not.toHaveProperty("desired");
    await read(world.kvContext, seen, "content", signal);
    expect(seen.desired).toMatchObject({ missing: "the Secret source" });
  });

  test("is left alone when the resource is gone, or another one took its name", async () => {
    const world = worldOf({ ...place, value: "hi" }, recorded());
    const seen = observe(world.kvContext, cached(world));
    world.kubernetes.resources.clear();
    await expect(read(world.kvContext, seen, "content", signal)).rejects.toThrow(ResourceGone);
    world.kubernetes.apply("ours", { ...place, value: "hi" });
    await expect(read(world.kvContext, seen, "content", signal)).rejects.toThrow(ResourceGone);
  });
});

describe("an entry", () => {
  const entry = { body: '"hi"', description: "what it is", ttl: "PT1H" };

  test("is read with its row", async () => {
    const world = worldOf({ ...place, value: "hi" });
    expect(await stored(world)).toBe("missing");
    world.kestra.save(identity(), entry);
    expect(await stored(world)).toMatchObject({
      version: 1,
      description: "what it is",
      stored: { type: "STRING", json: '"hi"' },
    });
  });

  test("that has expired is so once: reading it deletes it", async () => {
    const world = worldOf({ ...place, value: "hi" });
    world.kestra.save(identity(), entry);
    world.clock.freeze(3_600_000);
    expect([await stored(world), await stored(world)]).toEqual(["expired", "missing"]);
  });

  test("that the search misses is looked for in the list", async () => {
    const world = worldOf({ ...place, value: "hi" });
    world.kestra.save(identity(), entry);
    const search = world.kestra.search.bind(world.kestra);
    world.kestra.search = () => Promise.resolve(undefined);
    world.kestra.find = search;
    expect(await stored(world)).toMatchObject({ version: 1 });
    world.kestra.find = () => Promise.resolve(undefined);
    await expect(stored(world)).rejects.toThrow("the list of entries does not show n/key, which can be read");
  });
});

test.each([
  ["holds", "Synced", true],
  ["does not hold after a refusal", "Rejected", false],
])("a claim %s", async (_what, reason, expected) => {
  const world = worldOf({ ...place, value: "hi" }, { conditions: [ready("False", reason)] });
  const seen = observe(world.kvContext, cached(world));
  await read(world.kvContext, seen, "claimed", signal);
  expect(seen.claimProved).toBe(expected);
});
