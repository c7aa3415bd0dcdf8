import { describe, expect, test } from "@jest/globals";
import type { FlowSpec } from "../../../src/resources/flow/schema.ts";
import { uniqueName } from "../../support/cluster.ts";
import { always, eventually } from "../../support/eventually.ts";
import { flowSource } from "../../support/flowSource.ts";
import { Scene } from "./scene.ts";

const scene = new Scene("rename");
const { kestra, namespace } = scene;

async function inSync(id: string, spec: Partial<FlowSpec> = {}): Promise<void> {
  await scene.cluster.createFlow(id, { source: scene.source(id), ...spec });
  await scene.cluster.waitReady(id);
}

describe("when the id is edited", () => {
  test("the new flow exists before the old one is removed", async () => {
    await inSync("before");
    const successor = (async () => {
      while (await kestra.flow(namespace, "before"));
      return kestra.flow(namespace, "after");
    })();
    await scene.cluster.patchSpec("before", { source: scene.source("after") });
    expect(await successor).toBeDefined();

    const { status } = await scene.cluster.waitReady("before");
    expect(status?.flow).toMatchObject({ namespace, id: "after", revision: 1 });
    expect(status?.flow?.url).toContain(`/${namespace}/after`);
    await eventually(async () => {
      const messages = (await scene.cluster.events("before")).map(({ message }) => message);
      expect(messages).toContainEqual(expect.stringContaining(`Created the flow ${namespace}/after`));
      expect(messages).toContain(`Deleted the flow ${namespace}/before (renamed).`);
    });
  });

  test("and edited back, the old flow is made again and the new one removed", async () => {
    await inSync("there");
    await scene.cluster.patchSpec("there", { source: scene.source("elsewhere") });
    await scene.cluster.waitReady("there");
    await scene.cluster.patchSpec("there", { source: scene.source("there") });
    const { status } = await scene.cluster.waitReady("there");

    expect(status?.flow?.id).toBe("there");
    expect((await scene.stored("there")).source).toBe(scene.source("there"));
    expect(await kestra.flow(namespace, "elsewhere")).toBeUndefined();
  });

  test("twice in a row, nothing is left behind", async () => {
    await inSync("first");
    await scene.cluster.patchSpec("first", { source: scene.source("second") });
    await scene.cluster.patchSpec("first", { source: scene.source("third") });
    const { status } = await scene.cluster.waitReady("first");
    expect(status?.flow?.id).toBe("third");
    await scene.waitAbsent("first");
    await scene.waitAbsent("second");
  });

  test("while no operator runs, it is done by the next one", async () => {
    await inSync("asleep");
    await scene.stopOperator();
    await scene.cluster.patchSpec("asleep", { source: scene.source("awake") });
    await scene.startOperator();
    const { status } = await scene.cluster.waitReady("asleep");
    expect(status?.flow?.id).toBe("awake");
    expect(await kestra.flow(namespace, "asleep")).toBeUndefined();
  });

  test("with deletionPolicy: Orphan the old flow stays, and is nobody's", async () => {
    await inSync("kept", { deletionPolicy: "Orphan" });
    await scene.cluster.patchSpec("kept", { source: scene.source("kept-new") });
    await scene.cluster.waitReady("kept");
    expect((await scene.stored("kept")).revision).toBe(1);

    await kestra.edit(namespace, "kept", scene.source("kept", "edited in the UI"));
    await always(async () => {
      expect((await scene.stored("kept")).revision).toBe(2);
    }, 900);
  });
});

test("when the namespace is edited, the flow moves", async () => {
  const target = uniqueName("rename-target");
  await inSync("mover");
  await scene.cluster.patchSpec("mover", { source: flowSource(target, "mover") });
  const { status } = await scene.cluster.waitReady("mover");
  expect(status?.flow).toMatchObject({ namespace: target, id: "mover", revision: 1 });
  expect(await kestra.flow(target, "mover")).toBeDefined();
  expect(await kestra.flow(namespace, "mover")).toBeUndefined();
});

describe("the old flow stays, and stays recorded,", () => {
  test("when a flow that somebody else made has the new id", async () => {
    await inSync("shy");
    const theirs = scene.source("taken", "made in the UI");
    await kestra.create(theirs);
    await scene.cluster.patchSpec("shy", { source: scene.source("taken", "ours") });
    const { status } = await scene.cluster.waitFor("shy", "Stalled", "True", "AdoptionRefused");

    expect(status?.flow).toMatchObject({ id: "shy", revision: 1 });
    expect((await scene.stored("shy")).revision).toBe(1);
    expect(await scene.stored("taken")).toMatchObject({ revision: 1, source: theirs });

    await scene.cluster.patchSpec("shy", { source: scene.source("shy") });
    await scene.cluster.waitReady("shy");
    expect((await scene.stored("shy")).revision).toBe(1);
    expect(await scene.stored("taken")).toMatchObject({ revision: 1, source: theirs });
  });

  test("and goes with its resource, while the refused one stays", async () => {
    await inSync("leaver");
    await kestra.create(scene.source("stayer", "made in the UI"));
    await scene.cluster.patchSpec("leaver", { source: scene.source("stayer", "ours") });
    await scene.cluster.waitFor("leaver", "Stalled", "True", "AdoptionRefused");
    await scene.cluster.deleteFlow("leaver");
    await scene.cluster.waitGone("leaver");
    expect(await kestra.flow(namespace, "leaver")).toBeUndefined();
    expect((await scene.stored("stayer")).revision).toBe(1);
  });

  test("when another resource has the new id", async () => {
    await inSync("mine");
    await inSync("yours");
    await scene.cluster.patchSpec("mine", { source: scene.source("yours", "mine now") });
    const { status } = await scene.cluster.waitFor("mine", "Stalled", "True", "Conflict");
    expect(status?.flow).toMatchObject({ id: "mine", revision: 1 });
    expect((await scene.stored("mine")).revision).toBe(1);
    expect(await scene.stored("yours")).toMatchObject({ revision: 1, source: scene.source("yours") });
  });

  test("when Kestra refuses the new flow", async () => {
    await inSync("valid");
    const invalid = scene.source("invalid").replace("log.Log", "log.Lug");
    await scene.cluster.patchSpec("valid", { source: invalid });
    const { status } = await scene.cluster.waitFor("valid", "Stalled", "True", "InvalidFlow");
    expect(status?.flow).toMatchObject({ id: "valid", revision: 1 });
    expect((await scene.stored("valid")).revision).toBe(1);
  });
});

test("two resources that swap their ids both keep what they have and name each other", async () => {
  await inSync("left");
  await inSync("right");
  await scene.cluster.patchSpec("left", { source: scene.source("right", "from left") });
  await scene.cluster.patchSpec("right", { source: scene.source("left", "from right") });
  for (const [name, other] of [
    ["left", "right"],
    ["right", "left"],
  ] as const) {
    const { status } = await scene.cluster.waitFor(name, "Stalled", "True", "Conflict");
    expect(status?.conditions?.[0]?.message).toContain(`belongs to the KestraFlow ${scene.cluster.name}/${other}:`);
    expect(status?.flow?.id).toBe(name);
    expect(await scene.stored(name)).toMatchObject({ revision: 1, source: scene.source(name) });
  }
});
