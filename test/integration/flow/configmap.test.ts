import { describe, expect, test } from "@jest/globals";
import { findCondition } from "../../../src/kubernetes/conditions.ts";
import { coreTypes } from "../../../src/kubernetes/objects.ts";
import type { KestraFlow } from "../../../src/resources/flow/schema.ts";
import { uniqueName } from "../../support/cluster.ts";
import { eventually } from "../../support/eventually.ts";
import { apiServerOf, ServiceAccount, SERVING } from "../process/access.ts";
import { Scene } from "./scene.ts";
import { wiretap } from "./wiretap.ts";

const scene = new Scene("configmap");
const { kestra, namespace } = scene;

const reading = (name: string, key = "flow.yaml") => ({ sourceFrom: { configMapKeyRef: { name, key } } });
const messageOf = ({ status }: KestraFlow): string => findCondition(status?.conditions, "Ready")?.message ?? "";

/** A KestraFlow in sync with the ConfigMap of its name. */
async function following(id: string): Promise<void> {
  await scene.cluster.putConfigMap(id, { "flow.yaml": scene.source(id), other: "x" });
  await scene.cluster.createFlow(id, reading(id));
  await scene.cluster.waitReady(id);
}

const waiting = (name: string) => scene.cluster.waitFor(name, "Reconciling", "True", "SourceMissing");

test("a change of the ConfigMap is followed, byte for byte", async () => {
  await following("followed");
  expect((await scene.stored("followed")).source).toBe(scene.source("followed"));
  const next = `${scene.source("followed", "a new message")}\r\n# no newline at the end`;
  await scene.cluster.putConfigMap("followed", { "flow.yaml": next });
  expect((await scene.waitStored("followed", next)).revision).toBe(2);
  await eventually(async () => {
    expect((await scene.cluster.waitReady("followed")).status?.flow?.revision).toBe(2);
  });
});

test("a change made while no operator runs is found by the next one", async () => {
  await following("offline");
  await scene.stopOperator();
  const next = scene.source("offline", "changed offline");
  await scene.cluster.putConfigMap("offline", { "flow.yaml": next });
  await scene.startOperator();
  expect((await scene.waitStored("offline", next)).revision).toBe(2);
});

describe("a resource whose ConfigMap", () => {
  test("is not there yet waits, names it, and goes on as soon as it is", async () => {
    await scene.cluster.createFlow("early", reading("early"));
    const flow = await waiting("early");
    expect(messageOf(flow)).toContain("Waiting for the ConfigMap early.");
    expect(findCondition(flow.status?.conditions, "Ready")?.status).toBe("False");
    expect(findCondition(flow.status?.conditions, "Stalled")).toBeUndefined();

    await scene.cluster.putConfigMap("early", { "flow.yaml": scene.source("early") });
    await scene.cluster.waitReady("early");
    expect((await scene.stored("early")).source).toBe(scene.source("early"));
  });

  test("lacks the key waits, names both, and goes on as soon as it is there", async () => {
    await scene.cluster.putConfigMap("keyless", { other: "x" });
    await scene.cluster.createFlow("keyless", reading("keyless"));
    expect(messageOf(await waiting("keyless"))).toContain("Waiting for the key flow.yaml in the ConfigMap keyless.");
    await scene.cluster.putConfigMap("keyless", { "flow.yaml": scene.source("keyless") });
    await scene.cluster.waitReady("keyless");
  });

  test("is deleted keeps its last good flow, and follows the ConfigMap when it is back", async () => {
    await following("deleted");
    await scene.cluster.deleteConfigMap("deleted");
    const flow = await waiting("deleted");
    expect(messageOf(flow)).toBe(`Waiting for the ConfigMap deleted. Kestra keeps revision 1 of ${namespace}/deleted.`);
    expect(await scene.stored("deleted")).toMatchObject({ revision: 1, source: scene.source("deleted") });

    const next = scene.source("deleted", "back");
    await scene.cluster.putConfigMap("deleted", { "flow.yaml": next });
    await scene.waitStored("deleted", next);
  });

  test.each([
    ["is emptied", "emptied", ""],
    ["holds nothing but blanks", "blank", "\n  \n"],
  ])("%s keeps its last good flow", async (_what, id, text) => {
    await following(id);
    await scene.cluster.putConfigMap(id, { "flow.yaml": text });
    expect(messageOf(await waiting(id))).toContain(`the key flow.yaml in the ConfigMap ${id}`);
    expect(await scene.stored(id)).toMatchObject({ revision: 1, source: scene.source(id) });
  });

  test("loses the key keeps its last good flow", async () => {
    await following("lost");
    const name = { namespace: scene.cluster.name, name: "lost" };
    await scene.cluster.client.mergePatch(coreTypes.configMap, name, { data: { "flow.yaml": null } });
    expect(messageOf(await waiting("lost"))).toContain("the key flow.yaml in the ConfigMap lost");
    expect((await scene.stored("lost")).revision).toBe(1);
  });

  test("turns invalid keeps its last good flow, and heals when it is put right", async () => {
    await following("spoiled");
    await scene.cluster.putConfigMap("spoiled", { "flow.yaml": "id: [" });
    expect(messageOf(await scene.cluster.waitFor("spoiled", "Stalled", "True", "InvalidSource"))).toContain(
      "Kestra keeps revision 1",
    );
    expect((await scene.stored("spoiled")).revision).toBe(1);
    const next = scene.source("spoiled", "healed");
    await scene.cluster.putConfigMap("spoiled", { "flow.yaml": next });
    await scene.waitStored("spoiled", next);
    await scene.cluster.waitReady("spoiled");
  });

  test("is gone can be deleted, with its flow", async () => {
    await following("leaving");
    await scene.cluster.deleteConfigMap("leaving");
    await waiting("leaving");
    await scene.cluster.deleteFlow("leaving");
    await scene.cluster.waitGone("leaving");
    expect(await kestra.flow(namespace, "leaving")).toBeUndefined();
  });
});

test("the flow of a ConfigMap is put right when it drifts", async () => {
  await following("drifting");
  await kestra.edit(namespace, "drifting", scene.source("drifting", "edited in the UI"));
  await scene.waitStored("drifting", scene.source("drifting"));
});

test("another id in the ConfigMap renames the flow", async () => {
  await following("renamed");
  await scene.cluster.putConfigMap("renamed", { "flow.yaml": scene.source("renamed-new") });
  await eventually(async () => {
    expect((await scene.cluster.waitReady("renamed")).status?.flow?.id).toBe("renamed-new");
  });
  expect(await kestra.flow(namespace, "renamed")).toBeUndefined();
});

test("labels and other keys of the ConfigMap may change ten times a second without a call to Kestra or a write", async () => {
  await following("churned");
  const [asked, writes] = [await scene.flowCalls(), await scene.operator.kubernetesWrites()];
  for (let beat = 0; beat < 20; beat++) {
    const next = new Promise((resolve) => setTimeout(resolve, 100));
    const patch = { metadata: { labels: { beat: String(beat) } }, data: { other: String(beat) } };
    await scene.cluster.client.mergePatch(
      coreTypes.configMap,
      { namespace: scene.cluster.name, name: "churned" },
      patch,
    );
    await next;
  }
  await scene.driftLooks(2);
  expect(await scene.flowCalls()).toBe(asked);
  expect(await scene.operator.kubernetesWrites()).toBe(writes);
  expect((await scene.stored("churned")).revision).toBe(1);
});

test("two resources can read one ConfigMap, each its own key", async () => {
  await scene.cluster.putConfigMap("shared", { a: scene.source("shared-a"), b: scene.source("shared-b") });
  await scene.cluster.createFlow("shared-a", reading("shared", "a"));
  await scene.cluster.createFlow("shared-b", reading("shared", "b"));
  await scene.cluster.waitReady("shared-a");
  await scene.cluster.waitReady("shared-b");

  const [a, b] = [scene.source("shared-a", "next"), scene.source("shared-b", "next")];
  await scene.cluster.putConfigMap("shared", { a });
  await scene.waitStored("shared-a", a);
  expect((await scene.stored("shared-b")).revision).toBe(1);
  await scene.cluster.putConfigMap("shared", { b });
  await scene.waitStored("shared-b", b);
  expect((await scene.stored("shared-a")).revision).toBe(2);
});

test("a resource can move from one ConfigMap to another, and to a source of its own", async () => {
  await following("mover");
  const next = scene.source("mover", "from the second");
  await scene.cluster.putConfigMap("mover-second", { "flow.yaml": next });
  await scene.cluster.patchSpec("mover", reading("mover-second"));
  await scene.waitStored("mover", next);

  const own = scene.source("mover", "my own");
  await scene.cluster.patchSpec("mover", { sourceFrom: null, source: own });
  await scene.waitStored("mover", own);
  await scene.cluster.waitReady("mover");
  await scene.cluster.putConfigMap("mover-second", { "flow.yaml": scene.source("mover", "not read any more") });
  await scene.driftLooks(2);
  expect((await scene.stored("mover")).source).toBe(own);
});

test("of other ConfigMaps the operator gets metadata only: what they hold never comes over the wire", async () => {
  const canary = uniqueName("canary");
  await scene.cluster.putConfigMap("somebody-elses", { "flow.yaml": canary });
  const account = await ServiceAccount.create(scene.cluster, "metadata");
  await account.grantIn(scene.cluster.name, SERVING);
  await account.waitAllowed("watch", "configmaps", scene.cluster.name);
  const tap = await wiretap(apiServerOf(scene.cluster));
  try {
    await scene.restartOperator({ KUBECONFIG: await account.kubeconfig({ url: tap.url }) });
    await following("tapped");
    await scene.cluster.putConfigMap("somebody-elses", { "flow.yaml": `${canary} changed` });
    const about = (pattern: RegExp) => tap.heard.filter(({ path }) => pattern.test(path));
    await eventually(() => {
      const watched = about(/\/configmaps\?.*watch=/).map(({ answer }) => answer);
      expect(watched.join("")).toContain('"name":"somebody-elses"');
    });

    const collections = about(/\/configmaps(\?|$)/);
    expect(collections.length).toBeGreaterThanOrEqual(2);
    for (const { accept } of collections) expect(accept).toContain("as=PartialObjectMetadata");
    expect(tap.heard.filter(({ answer }) => answer.includes(canary))).toEqual([]);
    expect(about(/\/configmaps\/tapped$/).map(({ answer }) => answer)).toContainEqual(
      expect.stringContaining("id: tapped"),
    );
    expect(about(/\/configmaps\/somebody-elses$/)).toEqual([]);
  } finally {
    await scene.stopOperator();
    await tap.close();
    await account.remove();
    await scene.startOperator();
  }
});
