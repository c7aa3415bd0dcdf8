import { describe, expect, test } from "@jest/globals";
import type { KestraKv, KvSpec } from "../../../src/resources/kv/schema.ts";
import { always, eventually } from "../../support/eventually.ts";
import { fromSecret, KvScene, messageOf } from "./scene.ts";

const scene = new KvScene("conflict");
const { namespace } = scene;

type Pair = [Partial<KvSpec>, Partial<KvSpec>];

/** Two resources for one key, the first in sync before the second is made. */
async function rivals(key: string, [first, second]: Pair = [{ value: "x" }, { value: "x" }]) {
  const [winner, loser] = [`${key}-a`, `${key}-b`];
  await scene.inSync(winner, { key, ...first });
  await scene.create(loser, { key, ...second });
  const refused = await scene.kvs.waitFor(loser, "Stalled", "True", "Conflict");
  return { winner, loser, refused };
}

async function owner(name: string): Promise<KestraKv> {
  return eventually(async () => {
    const resource = await scene.kvs.waitReady(name);
    expect(resource.status?.entry).toBeDefined();
    return resource;
  });
}

async function handOver(winner: string, loser: string): Promise<void> {
  await scene.kvs.delete(winner);
  await scene.kvs.waitGone(winner);
  await owner(loser);
}

describe("of two resources for one key", () => {
  test("the one that has it keeps it, the other says whose it is, and neither flaps", async () => {
    const { winner, loser, refused } = await rivals("settled", [{ value: "first" }, { value: "second" }]);
    expect(messageOf(refused)).toBe(
      `The entry ${namespace}/settled belongs to the KestraKV ${scene.cluster.name}/${winner}: delete one of the two, or give this entry another key.`,
    );
    expect(refused.status?.entry).toBeUndefined();
    expect(refused.metadata.finalizers ?? []).toEqual([]);
    const kept = await scene.kvs.get(winner);
    await always(async () => {
      expect((await scene.stored("settled")).value).toBe("first");
      expect((await scene.kvs.get(loser)).metadata.resourceVersion).toBe(refused.metadata.resourceVersion);
      expect((await scene.kvs.get(winner)).metadata.resourceVersion).toBe(kept.metadata.resourceVersion);
    }, 1_000);
    expect(await scene.version("settled")).toBe(1);
  });

  test("the loser's edits change nothing in Kestra, and another key ends the conflict", async () => {
    const { loser } = await rivals("edits");
    await scene.kvs.patchSpec(loser, { value: "mine!", adoption: "Always" });
    await scene.kvs.waitFor(loser, "Stalled", "True", "Conflict");
    expect(await scene.version("edits")).toBe(1);
    await scene.kvs.patchSpec(loser, { key: "edits-other" });
    await scene.kvs.waitReady(loser);
    expect((await scene.stored("edits-other")).value).toBe("mine!");
    expect(await scene.version("edits")).toBe(1);
  });

  test("the loser can be deleted, and the entry stays", async () => {
    const { winner, loser } = await rivals("loser-goes");
    await scene.kvs.delete(loser);
    await scene.kvs.waitGone(loser);
    await scene.driftLooks(1);
    expect(await scene.version("loser-goes")).toBe(1);
    await scene.kvs.waitReady(winner);
  });

  test("the loser's Secret may rotate without a write", async () => {
    await scene.cluster.putSecret("unheard", { value: "1" });
    const { loser } = await rivals("unheard", [{ value: "x" }, fromSecret("unheard")]);
    await scene.cluster.putSecret("unheard", { value: "2" });
    await scene.driftLooks(3);
    await scene.kvs.waitFor(loser, "Stalled", "True", "Conflict");
    expect(await scene.version("unheard")).toBe(1);
  });
});

describe("when the winner is deleted, the other takes over:", () => {
  test("another value is written over the old one", async () => {
    const { winner, loser } = await rivals("other", [{ value: "first" }, { value: "second" }]);
    await handOver(winner, loser);
    await scene.waitValue("other", "second");
    expect(await scene.version("other")).toBe(2);
    await eventually(async () => {
      expect((await scene.cluster.events(winner)).map(({ reason }) => reason)).toContain("HandedOver");
    });
  });

  test("an equal value is not written, and its time to live goes on", async () => {
    const spec = { value: "x", ttl: "PT1H" };
    const { winner, loser } = await rivals("equal", [spec, spec]);
    const before = await scene.entry("equal");
    await handOver(winner, loser);
    await scene.driftLooks(2);
    expect(await scene.entry("equal")).toEqual(before);
  });

  test("what a flow made of it stays with writePolicy: CreateOnce", async () => {
    const spec: Partial<KvSpec> = { value: "x", writePolicy: "CreateOnce" };
    const { winner, loser } = await rivals("flows", [spec, spec]);
    await scene.kestra.putEntry(namespace, "flows", '"by a flow"');
    await handOver(winner, loser);
    expect((await scene.stored("flows")).value).toBe("by a flow");
  });

  test("and goes with it, the entry goes", async () => {
    const { winner, loser } = await rivals("last");
    await handOver(winner, loser);
    await scene.kvs.delete(loser);
    await scene.kvs.waitGone(loser);
    await scene.waitAbsent("last");
  });
});

test("when the winner turns to another key, the other takes over what it leaves", async () => {
  const { winner, loser } = await rivals("left", [{ value: "first" }, { value: "second" }]);
  await scene.kvs.patchSpec(winner, { key: "left-for" });
  await owner(loser);
  await scene.waitValue("left", "second");
  expect(await scene.version("left")).toBe(2);
  await scene.waitValue("left-for", "first");
});

test("two resources for one key made at once, of which one writes", async () => {
  const names = ["race-a", "race-b", "race-c"];
  await Promise.all(names.map((name) => scene.create(name, { key: "race", value: name })));
  await eventually(async () => {
    const reasons = await Promise.all(
      names.map(async (name) => (await scene.kvs.get(name)).status?.conditions?.[0]?.reason),
    );
    expect(reasons.toSorted()).toEqual(["Conflict", "Conflict", "Synced"]);
  });
  expect(await scene.version("race")).toBe(1);
});
