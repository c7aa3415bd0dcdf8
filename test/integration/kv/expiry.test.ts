import { describe, expect, test } from "@jest/globals";
import type { KestraKv } from "../../../src/resources/kv/schema.ts";
import { always, eventually } from "../../support/eventually.ts";
import { fromSecret, KvScene, messageOf } from "./scene.ts";

const scene = new KvScene("expiry", { STALLED_RETRY_INTERVAL: "1h" });
const { kestra, namespace } = scene;

const expired = (name: string): Promise<KestraKv> => scene.kvs.waitFor(name, "Ready", "True", "Expired");

async function isListed(key: string): Promise<boolean> {
  return (await kestra.entries(namespace)).some((entry) => entry.key === key);
}

describe("an entry with a ttl", () => {
  test("ends in Kestra when its resource says", async () => {
    const before = Date.now();
    const { status } = await scene.inSync("timed", { value: "x", ttl: "PT1H", description: "für eine Stunde" });
    const { expirationDate = "", updateDate, description } = await scene.entry("timed");
    expect(description).toBe("für eine Stunde");
    expect(Date.parse(expirationDate)).toBeGreaterThanOrEqual(before + 3_590_000);
    expect(Date.parse(expirationDate) - Date.parse(updateDate)).toBeLessThanOrEqual(3_601_000);
    expect(Date.parse(status?.entry?.expiresAt ?? "")).toBe(Date.parse(expirationDate));
  });

  test("expires, which its resource says, and is not made again, not even by the next operator", async () => {
    await scene.inSync("once", { value: "x", ttl: "PT2S" });
    const resource = await expired("once");
    expect(messageOf(resource)).toMatch(/^The entry reached the end of its time to live at .*; spec\.ttlPolicy Renew/);
    const writes = await scene.operator.kestraWrites();
    await scene.inSync("once-other", { value: "keeps the list going" });
    await scene.driftLooks(3);
    expect(await isListed("once")).toBe(false);
    expect((await scene.operator.kestraWrites()) - writes).toBe(1);

    await scene.restartOperator();
    await scene.driftLooks(2);
    expect(await isListed("once")).toBe(false);
    expect(await scene.operator.kestraWrites()).toBe(0);
    await expired("once");
  });

  test("that expired is written again when its resource changes", async () => {
    await scene.inSync("edited", { value: "one", ttl: "PT3S" });
    await expired("edited");
    await scene.kvs.patchSpec("edited", { value: "two", ttl: "PT1H" });
    await scene.waitValue("edited", "two");
    await scene.kvs.waitFor("edited", "Ready", "True", "Synced");
  });

  test("that expired is written again when its Secret is rotated", async () => {
    await scene.following("rotated", "one", { ttl: "PT2S" });
    await expired("rotated");
    await scene.cluster.putSecret("rotated", { value: "two" });
    await scene.waitValue("rotated", "two");
    await expired("rotated");
  });

  test("that expired while no operator ran is known to have expired", async () => {
    await scene.inSync("offline", { value: "x", ttl: "PT3S" });
    await scene.stopOperator();
    await eventually(async () => {
      expect(await isListed("offline")).toBe(false);
    });
    await scene.startOperator();
    await expired("offline");
    expect(await scene.operator.kestraWrites()).toBe(0);
  });

  test("that somebody deletes before its end is made again", async () => {
    await scene.inSync("deleted", { value: "x", ttl: "PT1H" });
    await kestra.deleteEntry(namespace, "deleted");
    await scene.waitValue("deleted", "x");
    expect((await scene.kvs.waitReady("deleted")).status?.drift?.kind ?? "Deleted").toBe("Deleted");
  });
});

test("with ttlPolicy: Renew it is written again before it expires, and is never absent", async () => {
  await scene.cluster.putSecret("renewed", { value: "secret" });
  await scene.inSync("renewed", { ...fromSecret("renewed"), ttl: "PT10S", ttlPolicy: "Renew" });
  const first = await scene.entry("renewed");
  await eventually(async () => {
    expect(await scene.version("renewed")).toBe(2);
  });
  const second = await scene.entry("renewed");
  expect(Date.parse(second.updateDate)).toBeLessThan(Date.parse(first.expirationDate ?? ""));
  expect(Date.parse(second.updateDate) - Date.parse(first.updateDate)).toBeGreaterThan(6_000);
  await eventually(async () => {
    const { status } = await scene.kvs.waitFor("renewed", "Ready", "True", "Synced");
    expect(status?.entry).toMatchObject({ version: 2 });
    expect(Date.parse(status?.entry?.expiresAt ?? "")).toBe(Date.parse(second.expirationDate ?? ""));
    expect(status?.drift).toBeUndefined();
  });
  await eventually(async () => {
    const reasons = (await scene.cluster.events("renewed")).map(({ reason }) => reason);
    expect(reasons).toEqual(["Applied", "Renewed"]);
  });
  expect((await scene.stored("renewed")).value).toBe("secret");
});

test("with ttlPolicy: Renew what expired while no operator ran is made again, and is no drift", async () => {
  await scene.inSync("woken", { value: "x", ttl: "PT10S", ttlPolicy: "Renew" });
  await scene.stopOperator();
  const end = Date.parse((await scene.entry("woken")).expirationDate ?? "");
  await eventually(() => {
    expect(Date.now()).toBeGreaterThan(end);
  });
  await scene.startOperator();
  await scene.waitValue("woken", "x");
  expect((await scene.kvs.waitReady("woken")).status?.drift).toBeUndefined();
});

describe("an edit of the", () => {
  test("ttl is written, and so is taking it away", async () => {
    await scene.inSync("ttl", { value: "x" });
    expect(await scene.entry("ttl")).not.toHaveProperty("expirationDate");
    await scene.kvs.patchSpec("ttl", { ttl: "PT1H" });
    await scene.kvs.waitReady("ttl");
    expect(await scene.entry("ttl")).toMatchObject({ version: 2, expirationDate: expect.any(String) });
    await scene.kvs.patchSpec("ttl", { ttl: null });
    const { status } = await scene.kvs.waitReady("ttl");
    const entry = await scene.entry("ttl");
    expect(entry.version).toBe(3);
    expect(entry).not.toHaveProperty("expirationDate");
    expect(status?.entry).not.toHaveProperty("expiresAt");
  });

  test("description is written, and so is taking it away", async () => {
    await scene.inSync("described", { value: "x", description: "Größe: ½" });
    expect(await scene.entry("described")).toMatchObject({ version: 1, description: "Größe: ½" });
    await scene.kvs.patchSpec("described", { description: "another" });
    await scene.kvs.waitReady("described");
    expect(await scene.entry("described")).toMatchObject({ version: 2, description: "another" });
    await scene.kvs.patchSpec("described", { description: null });
    await scene.kvs.waitReady("described");
    expect((await scene.entry("described")).description ?? undefined).toBeUndefined();
  });

  test("policies that Kestra does not know of writes nothing", async () => {
    await scene.inSync("policies", { value: "x", ttl: "PT1H" });
    const { expirationDate } = await scene.entry("policies");
    await scene.kvs.patchSpec("policies", {
      ttlPolicy: "Renew",
      driftPolicy: "Report",
      adoption: "Never",
      deletionPolicy: "Orphan",
    });
    await scene.kvs.waitReady("policies");
    expect(await scene.entry("policies")).toMatchObject({ version: 1, expirationDate });
  });
});

test.each([
  ["weeks", { ttl: "P1W" }],
  ["nothing", { ttl: "PT0S" }],
  ["a negative time", { ttl: "-PT5M" }],
  ["less than is renewed", { ttl: "PT5S", ttlPolicy: "Renew" }],
] as const)("a ttl of %s is refused", async (what, spec) => {
  const name = `refused-${what.replaceAll(" ", "-")}`;
  await scene.create(name, { value: "x", ...spec });
  await scene.kvs.waitFor(name, "Stalled", "True", "InvalidTtl");
  expect(await kestra.value(namespace, name)).toBeUndefined();
});

describe("with writePolicy: CreateOnce an entry is made, and", () => {
  test("what flows make of it stays, whatever its resource says later", async () => {
    await scene.inSync("owned", { value: 1, writePolicy: "CreateOnce" });
    await kestra.putEntry(namespace, "owned", "2", { description: "by a flow" });
    await scene.inSync("owned-other", { value: "keeps the list going" });
    await scene.driftLooks(3);
    expect((await scene.stored("owned")).value).toBe(2);
    await scene.kvs.patchSpec("owned", { value: 3 });
    await scene.kvs.waitFor("owned", "Ready", "True", "CreatedOnce");
    await scene.restartOperator();
    await scene.driftLooks(2);
    expect(await scene.stored("owned")).toMatchObject({ value: 2 });
    expect(await scene.entry("owned")).toMatchObject({ version: 2, description: "by a flow" });
  });

  test("it is not made again after somebody deleted it or it expired", async () => {
    await scene.inSync("gone", { value: "x", writePolicy: "CreateOnce" });
    await scene.inSync("gone-timed", { value: "x", writePolicy: "CreateOnce", ttl: "PT3S" });
    await kestra.deleteEntry(namespace, "gone");
    await scene.restartOperator();
    await always(async () => {
      expect(await isListed("gone")).toBe(false);
    }, 1_500);
    await eventually(async () => {
      expect(await isListed("gone-timed")).toBe(false);
    });
    for (const name of ["gone", "gone-timed"]) await scene.kvs.waitReady(name);
  });

  test("it goes with its resource", async () => {
    await scene.inSync("leaving", { value: "x", writePolicy: "CreateOnce" });
    await kestra.putEntry(namespace, "leaving", '"by a flow"');
    await scene.kvs.delete("leaving");
    await scene.kvs.waitGone("leaving");
    expect(await kestra.value(namespace, "leaving")).toBeUndefined();
  });

  test("with Always again, it is kept as declared", async () => {
    await scene.inSync("kept", { value: "x", writePolicy: "CreateOnce" });
    await kestra.putEntry(namespace, "kept", '"by a flow"');
    await scene.kvs.patchSpec("kept", { writePolicy: "Always" });
    await scene.waitValue("kept", "x");
    await scene.kvs.waitReady("kept");
  });
});
