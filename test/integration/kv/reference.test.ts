import { describe, expect, test } from "@jest/globals";
import { findCondition } from "../../../src/kubernetes/conditions.ts";
import { coreTypes } from "../../../src/kubernetes/objects.ts";
import type { KestraKv } from "../../../src/resources/kv/schema.ts";
import { uniqueName } from "../../support/cluster.ts";
import { eventually } from "../../support/eventually.ts";
import { wiretap } from "../flow/wiretap.ts";
import { apiServerOf, ServiceAccount, SERVING } from "../process/access.ts";
import { fromConfigMap, fromSecret, KvScene, messageOf } from "./scene.ts";

const scene = new KvScene("reference", { STALLED_RETRY_INTERVAL: "1h" });
const { kestra, namespace } = scene;

/** How soon a change is seen in Kestra where its watch is allowed, in milliseconds. */
const SOON = 2_000;

function report(what: string, milliseconds: number[]): void {
  process.stderr.write(`${what}: seen in Kestra after ${milliseconds.map(Math.round).join(", ")} ms\n`);
}

const waiting = (name: string): Promise<KestraKv> => scene.kvs.waitFor(name, "Reconciling", "True", "ReferenceMissing");

describe("a rotation is seen in Kestra within two seconds, and written once,", () => {
  test("of a Secret", async () => {
    await scene.following("rotated", "value 1");
    const times: number[] = [];
    for (let round = 2; round <= 6; round++) {
      const next = `value ${round}`;
      const rotate = () => scene.cluster.putSecret("rotated", { value: next });
      times.push(await scene.timeUntil("rotated", next, rotate));
    }
    report("a Secret", times);
    expect(Math.max(...times)).toBeLessThan(SOON);
    expect(await scene.version("rotated")).toBe(6);
    await eventually(async () => {
      expect((await scene.kvs.waitReady("rotated")).status?.entry?.version).toBe(6);
    });
  });

  test("of a ConfigMap", async () => {
    await scene.cluster.putConfigMap("mapped", { value: "value 1" });
    await scene.inSync("mapped", fromConfigMap("mapped"));
    const times: number[] = [];
    for (let round = 2; round <= 6; round++) {
      const next = `value ${round}`;
      times.push(await scene.timeUntil("mapped", next, () => scene.cluster.putConfigMap("mapped", { value: next })));
    }
    report("a ConfigMap", times);
    expect(Math.max(...times)).toBeLessThan(SOON);
    expect(await scene.version("mapped")).toBe(6);
  });

  test("of a Secret that is replaced by another of its name", async () => {
    await scene.following("replaced", "one");
    const replace = async () => {
      await scene.cluster.deleteSecret("replaced");
      await scene.cluster.putSecret("replaced", { value: "two" });
    };
    expect(await scene.timeUntil("replaced", "two", replace)).toBeLessThan(SOON);
    await scene.kvs.waitReady("replaced");
  });

  test("while no operator runs, by the next one", async () => {
    await scene.following("offline", "one");
    await scene.stopOperator();
    await scene.cluster.putSecret("offline", { value: "two" });
    await scene.startOperator();
    await scene.waitValue("offline", "two");
    expect(await scene.version("offline")).toBe(2);
  });
});

describe.each([
  [
    "Secret",
    fromSecret,
    (name: string, data: Record<string, string>) => scene.cluster.putSecret(name, data),
    (name: string) => scene.cluster.deleteSecret(name),
  ],
  [
    "ConfigMap",
    fromConfigMap,
    (name: string, data: Record<string, string>) => scene.cluster.putConfigMap(name, data),
    (name: string) => scene.cluster.deleteConfigMap(name),
  ],
] as const)("a resource whose %s", (kind, from, put, remove) => {
  const named = (name: string) => `${kind.toLowerCase()}-${name}`;

  async function following(name: string, text: string): Promise<void> {
    await put(name, { value: text, other: "x" });
    await scene.inSync(name, from(name));
  }

  test("is not there yet waits, names it, and goes on as soon as it is", async () => {
    const name = named("early");
    await scene.create(name, from(name));
    const resource = await waiting(name);
    expect(messageOf(resource)).toBe(`Waiting for the ${kind} ${name}.`);
    expect(findCondition(resource.status?.conditions, "Ready")?.status).toBe("False");
    expect(findCondition(resource.status?.conditions, "Stalled")).toBeUndefined();
    expect(await scene.timeUntil(name, "there", () => put(name, { value: "there" }))).toBeLessThan(SOON);
    await scene.kvs.waitReady(name);
  });

  test("lacks the key waits, names both, and goes on as soon as it is there", async () => {
    const name = named("keyless");
    await put(name, { other: "a-value-of-another-key" });
    await scene.create(name, from(name));
    const resource = await waiting(name);
    expect(messageOf(resource)).toBe(`Waiting for the key value in the ${kind} ${name}.`);
    expect(JSON.stringify(resource.status)).not.toContain("a-value-of-another-key");
    await put(name, { value: "there" });
    await scene.waitValue(name, "there");
  });

  test("is deleted keeps its last good value, and follows when it is back", async () => {
    const name = named("deleted");
    await following(name, "last-good-value");
    await remove(name);
    const resource = await waiting(name);
    expect(messageOf(resource)).toBe(
      `Waiting for the ${kind} ${name}. Kestra keeps version 1 of ${namespace}/${name}.`,
    );
    expect(JSON.stringify(resource.status)).not.toContain("last-good-value");
    await scene.driftLooks(2);
    expect((await scene.stored(name)).value).toBe("last-good-value");
    expect(await scene.version(name)).toBe(1);

    await put(name, { value: "back" });
    await scene.waitValue(name, "back");
    await scene.kvs.waitReady(name);
  });

  test("comes back with the same value is in sync again, and nothing is written", async () => {
    const name = named("restored");
    await following(name, "the same");
    await remove(name);
    await waiting(name);
    await put(name, { value: "the same" });
    await scene.kvs.waitReady(name);
    expect(await scene.version(name)).toBe(1);
  });

  test("is emptied keeps its last good value", async () => {
    const name = named("emptied");
    await following(name, "good");
    await put(name, { value: "" });
    expect(messageOf(await waiting(name))).toContain(
      `a value under the key value in the ${kind} ${name}, which is empty`,
    );
    expect((await scene.stored(name)).value).toBe("good");
  });

  test("loses the key keeps its last good value", async () => {
    const name = named("lost");
    await following(name, "good");
    const type = kind === "Secret" ? coreTypes.secret : coreTypes.configMap;
    await scene.cluster.client.mergePatch(type, { namespace: scene.cluster.name, name }, { data: { value: null } });
    expect(messageOf(await waiting(name))).toContain(`the key value in the ${kind} ${name}`);
    expect((await scene.stored(name)).value).toBe("good");
  });

  test("turns invalid keeps its last good value, and heals when it is put right", async () => {
    const name = named("spoiled");
    await following(name, "good");
    await scene.kvs.patchSpec(name, { type: "STRING" });
    await scene.kvs.waitReady(name);
    await put(name, { value: "PT55M" });
    const resource = await scene.kvs.waitFor(name, "Stalled", "True", "InvalidValue");
    expect(messageOf(resource)).toMatch(/takes a text like this for a duration.*Kestra keeps version \d of/);
    expect(JSON.stringify(resource.status)).not.toContain("PT55M");
    expect((await scene.stored(name)).value).toBe("good");
    await put(name, { value: "healed" });
    await scene.waitValue(name, "healed");
    await scene.kvs.waitReady(name);
  });

  test("is optional is Ready without it, and follows it when it comes", async () => {
    const name = named("optional");
    const [[what, ref] = ["none", undefined]] = Object.entries(from(name).valueFrom ?? {});
    await scene.create(name, { valueFrom: { [what]: { name, key: "value", ...ref, optional: true } } });
    const resource = await scene.kvs.waitFor(name, "Ready", "True", "OptionalMissing");
    expect(messageOf(resource)).toBe(`Waiting for the ${kind} ${name}.`);
    expect(await kestra.value(namespace, name)).toBeUndefined();
    await put(name, { value: "there" });
    await scene.waitValue(name, "there");
    await scene.kvs.waitFor(name, "Ready", "True", "Synced");
    await remove(name);
    await scene.kvs.waitFor(name, "Ready", "True", "OptionalMissing");
    await scene.driftLooks(2);
    expect((await scene.stored(name)).value).toBe("there");
  });

  test("is gone can be deleted, with its entry", async () => {
    const name = named("leaving");
    await following(name, "x");
    await remove(name);
    await waiting(name);
    await scene.kvs.delete(name);
    await scene.kvs.waitGone(name);
    expect(await kestra.value(namespace, name)).toBeUndefined();
  });

  test("has an entry that drifts has it put right", async () => {
    const name = named("drifting");
    await following(name, "declared");
    await kestra.putEntry(namespace, name, '"edited by a person"');
    await scene.waitValue(name, "declared");
  });
});

describe("data that is no text in UTF-8 is refused, and the last good value stays,", () => {
  const binary = Buffer.from([0x66, 0xff, 0xfe, 0x00]);

  test("of a Secret", async () => {
    await scene.following("binary", "good");
    await scene.cluster.putSecret("binary", { value: binary });
    const resource = await scene.kvs.waitFor("binary", "Stalled", "True", "InvalidValue");
    expect(messageOf(resource)).toMatch(
      /^The key value in the Secret binary is not text in UTF-8.*Kestra keeps version 1/,
    );
    expect((await scene.stored("binary")).value).toBe("good");
  });

  test("of a ConfigMap's binaryData; text in it is taken", async () => {
    const data = (value: Buffer) => ({ binaryData: { value: value.toString("base64") } });
    const name = { namespace: scene.cluster.name, name: "binary-map" };
    await scene.cluster.client.create(coreTypes.configMap, { metadata: name, ...data(Buffer.from("Größe")) });
    await scene.inSync("binary-map", fromConfigMap("binary-map"));
    expect((await scene.stored("binary-map")).value).toBe("Größe");
    await scene.cluster.client.mergePatch(coreTypes.configMap, name, data(binary));
    await scene.kvs.waitFor("binary-map", "Stalled", "True", "InvalidValue");
    expect((await scene.stored("binary-map")).value).toBe("Größe");
  });
});

test("labels and other keys of a Secret may change without a write", async () => {
  await scene.following("churned", "kept");
  const name = { namespace: scene.cluster.name, name: "churned" };
  const writes = await scene.operator.kestraWrites();
  let changed = "";
  for (let beat = 0; beat < 10; beat++) {
    const patch = { metadata: { labels: { beat: String(beat) } }, stringData: { other: String(beat) } };
    changed = (await scene.cluster.client.mergePatch(coreTypes.secret, name, patch)).metadata.resourceVersion ?? "";
  }
  await eventually(async () => {
    expect((await scene.kvs.waitReady("churned")).status?.applied?.sourceVersion).toBe(changed);
  });
  expect(await scene.operator.kestraWrites()).toBe(writes);
  expect(await scene.version("churned")).toBe(1);
});

test("two resources can follow one Secret, each its own key", async () => {
  await scene.cluster.putSecret("shared", { a: "1", b: "1" });
  await scene.inSync("shared-a", fromSecret("shared", "a"));
  await scene.inSync("shared-b", fromSecret("shared", "b"));
  await scene.cluster.putSecret("shared", { a: "2" });
  await scene.waitValue("shared-a", "2");
  await scene.cluster.putSecret("shared", { b: "2" });
  await scene.waitValue("shared-b", "2");
  await scene.driftLooks(1);
  expect([await scene.version("shared-a"), await scene.version("shared-b")]).toEqual([2, 2]);
});

test("a resource can move from one Secret to another, to a ConfigMap, to a literal and back", async () => {
  await scene.following("mover", "first");
  await scene.cluster.putSecret("mover-second", { value: "second" });
  await scene.cluster.putConfigMap("mover-map", { value: "third" });

  await scene.kvs.patchSpec("mover", fromSecret("mover-second"));
  await scene.waitValue("mover", "second");
  await scene.kvs.patch("mover", {
    spec: { valueFrom: { secretKeyRef: null, ...fromConfigMap("mover-map").valueFrom } },
  });
  await scene.waitValue("mover", "third");
  await scene.kvs.patchSpec("mover", { valueFrom: null, value: { own: true } });
  await scene.waitValue("mover", { own: true });
  await scene.kvs.waitReady("mover");
  const version = await scene.version("mover");

  await scene.cluster.putSecret("mover", { value: "not read any more" });
  await scene.cluster.putSecret("mover-second", { value: "nor this" });
  await scene.cluster.putConfigMap("mover-map", { value: "nor this" });
  await scene.driftLooks(2);
  expect(await scene.version("mover")).toBe(version);

  await scene.kvs.patchSpec("mover", { value: null, ...fromSecret("mover") });
  await scene.waitValue("mover", "not read any more");
  await scene.kvs.waitReady("mover");
});

test("of Secrets the operator watches only those that are referred to, by name and without their data", async () => {
  const canary = uniqueName("canary");
  await scene.cluster.putSecret("somebody-elses", { value: canary });
  const account = await ServiceAccount.create(scene.cluster, "by-name");
  await account.grantIn(scene.cluster.name, SERVING);
  await account.waitAllowed("watch", "secrets", scene.cluster.name);
  const tap = await wiretap(apiServerOf(scene.cluster));
  try {
    await scene.restartOperator({ KUBECONFIG: await account.kubeconfig({ url: tap.url }) });
    await scene.following("tapped", "one");
    await scene.create("tapped-too", { ...fromSecret("tapped") });
    await scene.kvs.waitReady("tapped-too");
    await scene.cluster.putSecret("somebody-elses", { value: `${canary} changed` });
    await scene.cluster.putSecret("tapped", { value: "two" });
    await scene.waitValue("tapped-too", "two");

    const about = (pattern: RegExp) => tap.heard.filter(({ path }) => pattern.test(path));
    const collections = about(/\/secrets(\?|$)/);
    for (const { path, accept } of collections) {
      expect(path).toContain("fieldSelector=metadata.name%3D");
      expect(accept).toContain("as=PartialObjectMetadata");
    }
    expect(collections.filter(({ path }) => path.includes("name%3Dtapped&") && path.includes("watch="))).toHaveLength(
      1,
    );
    expect(collections.filter(({ path }) => path.includes("somebody-elses"))).toEqual([]);
    expect(tap.heard.filter(({ answer }) => answer.includes(Buffer.from(canary).toString("base64")))).toEqual([]);
    expect(about(/\/secrets\/somebody-elses/)).toEqual([]);
    expect(about(/\/secrets\/tapped$/).length).toBeGreaterThan(0);
  } finally {
    await scene.stopOperator();
    await tap.close();
    await account.remove();
    await scene.startOperator();
  }
});
