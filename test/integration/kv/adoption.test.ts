import { describe, expect, test } from "@jest/globals";
import type { KestraKv, KvSpec } from "../../../src/resources/kv/schema.ts";
import { fromSecret, KvScene, messageOf } from "./scene.ts";

const scene = new KvScene("adoption", { STALLED_RETRY_INTERVAL: "1h" });
const { kestra, namespace } = scene;

/** Makes an entry in Kestra as somebody else would. */
async function elsewhere(key: string, ion = '"made in the UI"', headers: Record<string, string> = {}): Promise<void> {
  await kestra.putEntry(namespace, key, ion, headers);
}

async function refused(name: string, spec: Partial<KvSpec>): Promise<KestraKv> {
  await scene.create(name, spec);
  const resource = await scene.kvs.waitFor(name, "Stalled", "True", "AdoptionRefused");
  expect(await scene.version(name)).toBe(1);
  return resource;
}

describe("an entry that exists in Kestra as it is declared", () => {
  test("is adopted by default, and nothing is written", async () => {
    await elsewhere("same", "{ a: 1.0, b: null }", { description: "theirs", ttl: "PT1H" });
    const { expirationDate } = await scene.entry("same");
    const before = await scene.operator.kestraWrites();
    const { status } = await scene.inSync("same", { value: { a: 1 }, description: "theirs", ttl: "PT1H" });
    expect(status?.entry).toMatchObject({ version: 1, type: "JSON" });
    expect(await scene.operator.kestraWrites()).toBe(before);
    expect(await scene.entry("same")).toMatchObject({ version: 1, expirationDate });
  });

  test("is adopted by a resource that takes its value from a Secret, and follows it from then on", async () => {
    await elsewhere("secret", '"known"');
    await scene.following("secret", "known");
    expect(await scene.version("secret")).toBe(1);
    await scene.cluster.putSecret("secret", { value: "rotated" });
    await scene.waitValue("secret", "rotated");
  });

  test("is deleted with the resource that adopted it", async () => {
    await elsewhere("adopted");
    await scene.inSync("adopted", { value: "made in the UI" });
    await scene.kvs.delete("adopted");
    await scene.kvs.waitGone("adopted");
    expect(await kestra.value(namespace, "adopted")).toBeUndefined();
  });

  test("is left alone with adoption: Never, and the condition names the remedy", async () => {
    await elsewhere("never");
    const resource = await refused("never", { value: "made in the UI", adoption: "Never" });
    expect(messageOf(resource)).toContain(`The entry ${namespace}/never exists in Kestra and was not made`);
    expect(messageOf(resource)).toContain("delete it there, or set spec.adoption");
    expect(resource.status?.entry).toBeUndefined();
  });
});

describe("an entry that exists in Kestra with another", () => {
  test("value is refused by default: nothing is written, no finalizer stays, neither value is told", async () => {
    await elsewhere("other", '"their-value"');
    const before = await scene.operator.kestraWrites();
    await scene.cluster.putSecret("other", { value: "our-value" });
    const resource = await refused("other", fromSecret("other"));
    expect(messageOf(resource)).toMatch(
      /with another value, description or time to live .*: make the two identical, delete it there, or set spec\.adoption to Always\./,
    );
    expect(JSON.stringify(resource)).not.toMatch(/their-value|our-value/);
    expect(resource.metadata.finalizers ?? []).toEqual([]);
    expect(Object.keys(resource.metadata.annotations ?? {})).toEqual([]);
    expect(await scene.operator.kestraWrites()).toBe(before);
    expect((await scene.stored("other")).value).toBe("their-value");
  });

  test("type is refused", async () => {
    await elsewhere("type", "1");
    await refused("type", { value: "1" });
  });

  test("description is refused", async () => {
    await elsewhere("description", '"x"', { description: "theirs" });
    await refused("description", { value: "x" });
  });

  test("time to live is refused", async () => {
    await elsewhere("ttl", '"x"', { ttl: "PT1H" });
    await refused("ttl", { value: "x", ttl: "PT2H" });
  });

  test("value is overwritten as soon as adoption says Always", async () => {
    await elsewhere("always");
    await refused("always", { value: "ours" });
    await scene.kvs.patchSpec("always", { adoption: "Always" });
    const { status } = await scene.kvs.waitReady("always");
    expect(status?.entry?.version).toBe(2);
    expect((await scene.stored("always")).value).toBe("ours");
  });

  test("value is overwritten at once by a resource that comes with Always", async () => {
    await elsewhere("at-once");
    await scene.inSync("at-once", { value: "ours", adoption: "Always" });
    expect((await scene.stored("at-once")).value).toBe("ours");
    expect(await scene.version("at-once")).toBe(2);
  });

  test("value is adopted as it is with Always by a resource that would only make it once", async () => {
    await elsewhere("once");
    await scene.inSync("once", { value: "ours", adoption: "Always", writePolicy: "CreateOnce" });
    expect((await scene.stored("once")).value).toBe("made in the UI");
    expect(await scene.version("once")).toBe(1);
  });

  test("value is adopted once the resource is made identical to it", async () => {
    await elsewhere("agreed");
    await refused("agreed", { value: "ours" });
    await scene.kvs.patchSpec("agreed", { value: "made in the UI" });
    await scene.kvs.waitReady("agreed");
    expect(await scene.version("agreed")).toBe(1);
  });

  test("value is adopted once the Secret is made identical to it", async () => {
    await elsewhere("met");
    await scene.cluster.putSecret("met", { value: "ours" });
    await refused("met", fromSecret("met"));
    await scene.cluster.putSecret("met", { value: "made in the UI" });
    await scene.kvs.waitReady("met");
    expect(await scene.version("met")).toBe(1);
  });

  test("value is replaced once somebody deleted it there and asks to look again", async () => {
    await elsewhere("cleared");
    await refused("cleared", { value: "ours" });
    await kestra.deleteEntry(namespace, "cleared");
    await scene.kvs.annotate("cleared", { "kestraflow.dev/reconcile-requested-at": "now" });
    await scene.kvs.waitReady("cleared");
    expect((await scene.stored("cleared")).value).toBe("ours");
  });

  test("value stays when the refused resource is deleted", async () => {
    await elsewhere("survivor");
    await refused("survivor", { value: "ours" });
    await scene.kvs.delete("survivor");
    await scene.kvs.waitGone("survivor");
    expect((await scene.stored("survivor")).value).toBe("made in the UI");
  });
});
