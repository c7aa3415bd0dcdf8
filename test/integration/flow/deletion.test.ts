import { setTimeout } from "node:timers/promises";
import { describe, expect, test } from "@jest/globals";
import { kestraFlows } from "../../../src/resources/flow/schema.ts";
import type { FlowSpec } from "../../../src/resources/flow/schema.ts";
import { eventually } from "../../support/eventually.ts";
import { Scene } from "./scene.ts";

const scene = new Scene("deletion");
const { kestra, namespace } = scene;
const FOREIGN = "example.com/keep";
const OURS = "kestraflow.dev/finalizer";

async function inSync(id: string, spec: Partial<FlowSpec> = {}): Promise<void> {
  await scene.cluster.createFlow(id, { source: scene.source(id), ...spec });
  await scene.cluster.waitReady(id);
}

async function deleteAndWait(name: string): Promise<void> {
  await scene.cluster.deleteFlow(name);
  await scene.cluster.waitGone(name);
}

describe("a deleted resource", () => {
  test("takes its flow along by default, and an Event says so", async () => {
    await inSync("default");
    await deleteAndWait("default");
    expect(await kestra.flow(namespace, "default")).toBeUndefined();
    await eventually(async () => {
      const messages = (await scene.cluster.events("default")).map(({ message }) => message);
      expect(messages).toContain(`Deleted the flow ${namespace}/default (deleted).`);
    });
  });

  test("with deletionPolicy: Orphan leaves its flow as it is, to be adopted again", async () => {
    await inSync("orphan", { deletionPolicy: "Orphan" });
    await deleteAndWait("orphan");
    expect((await scene.stored("orphan")).revision).toBe(1);

    await inSync("orphan");
    expect((await scene.stored("orphan")).revision).toBe(1);
  });

  test("whose flow is gone from Kestra already goes", async () => {
    await inSync("gone", { driftPolicy: "Report" });
    await kestra.delete(namespace, "gone");
    await scene.cluster.waitFor("gone", "Drifted", "True", "Deleted");
    await deleteAndWait("gone");
    expect(await kestra.flow(namespace, "gone")).toBeUndefined();
  });

  test("in the very moment that it is made leaves no flow behind", async () => {
    const names = Array.from({ length: 40 }, (_, i) => `brief-${i}`);
    await Promise.all(
      names.map(async (name, i) => {
        await scene.cluster.createFlow(name, { source: scene.source(name) });
        // Over the time that it takes to put the finalizer on: now and then the API server removes one that has it by then.
        await setTimeout(i);
        await scene.cluster.deleteFlow(name);
      }),
    );
    await Promise.all(names.map((name) => scene.cluster.waitGone(name)));
    await scene.expectNoneLeft("brief-");
  });

  test("can be made again under its name", async () => {
    await inSync("again");
    const first = await scene.cluster.getFlow("again");
    await deleteAndWait("again");
    await inSync("again");
    const second = await scene.cluster.getFlow("again");
    expect(second.metadata.uid).not.toBe(first.metadata.uid);
    expect(second.status?.flow?.revision).toBe((await scene.stored("again")).revision);
  });

  test("that is paused goes, with its flow", async () => {
    await inSync("paused");
    await scene.cluster.annotate("paused", { "kestraflow.dev/paused": "true" });
    await scene.cluster.waitFor("paused", "Paused", "True");
    await deleteAndWait("paused");
    expect(await kestra.flow(namespace, "paused")).toBeUndefined();
  });

  test("that was edited a moment before takes the flow along all the same", async () => {
    await inSync("hasty");
    await scene.cluster.patchSpec("hasty", { source: scene.source("hasty", "edited") });
    await deleteAndWait("hasty");
    expect(await kestra.flow(namespace, "hasty")).toBeUndefined();
  });

  test("whose source was edited into something unreadable takes the last good flow along", async () => {
    await inSync("broken");
    await scene.cluster.patchSpec("broken", { source: "id: [" });
    await scene.cluster.waitFor("broken", "Stalled", "True", "InvalidSource");
    await deleteAndWait("broken");
    expect(await kestra.flow(namespace, "broken")).toBeUndefined();
  });
});

describe("a resource that never had a flow never deletes one:", () => {
  test("its source is invalid, and somebody makes a flow of this id", async () => {
    const invalid = scene.source("theirs").replace("log.Log", "log.Lug");
    await scene.cluster.createFlow("invalid", { source: invalid });
    await scene.cluster.waitFor("invalid", "Stalled", "True", "InvalidFlow");
    await kestra.create(scene.source("theirs"));
    await deleteAndWait("invalid");
    expect((await scene.stored("theirs")).revision).toBe(1);
  });

  test("it was paused from the start", async () => {
    await kestra.create(scene.source("untouched"));
    const source = scene.source("untouched");
    await scene.cluster.createFlow("untouched", { source }, { "kestraflow.dev/paused": "true" });
    await scene.cluster.waitFor("untouched", "Paused", "True");
    await deleteAndWait("untouched");
    expect((await scene.stored("untouched")).revision).toBe(1);
  });

  test("it was deleted before the operator saw it", async () => {
    await kestra.create(scene.source("unseen"));
    await scene.stopOperator();
    await scene.cluster.createFlow("unseen", { source: scene.source("unseen") });
    await scene.cluster.patchFlow("unseen", { metadata: { finalizers: [FOREIGN] } });
    await scene.cluster.deleteFlow("unseen");
    await scene.startOperator();
    await inSync("seen");
    await scene.cluster.patchFlow("unseen", { metadata: { finalizers: null } });
    await scene.cluster.waitGone("unseen");
    expect((await scene.stored("unseen")).revision).toBe(1);
  });
});

test("finalizers of others are kept, and our own goes once the flow is gone", async () => {
  await scene.cluster.client.create(kestraFlows, {
    metadata: { name: "guarded", namespace: scene.cluster.name, finalizers: [FOREIGN] },
    spec: { source: scene.source("guarded") },
  });
  const { metadata } = await scene.cluster.waitReady("guarded");
  expect(metadata.finalizers).toEqual([FOREIGN, OURS]);

  await scene.cluster.deleteFlow("guarded");
  await eventually(async () => {
    expect((await scene.cluster.getFlow("guarded")).metadata.finalizers).toEqual([FOREIGN]);
  });
  expect(await kestra.flow(namespace, "guarded")).toBeUndefined();
  await scene.cluster.patchFlow("guarded", { metadata: { finalizers: null } });
  await scene.cluster.waitGone("guarded");
});

test("DELETION_POLICY is what holds for resources that do not say", async () => {
  await scene.restartOperator({ DELETION_POLICY: "Orphan" });
  await inSync("unsaid");
  await inSync("said", { deletionPolicy: "Delete" });
  await deleteAndWait("unsaid");
  await deleteAndWait("said");
  expect((await scene.stored("unsaid")).revision).toBe(1);
  expect(await kestra.flow(namespace, "said")).toBeUndefined();
});
