import { describe, expect, test } from "@jest/globals";
import { findCondition } from "../../../src/kubernetes/conditions.ts";
import type { FlowSpec, KestraFlow } from "../../../src/resources/flow/schema.ts";
import { always } from "../../support/eventually.ts";
import { Scene } from "./scene.ts";

const scene = new Scene("adoption", { STALLED_RETRY_INTERVAL: "1h" });
const { kestra, namespace } = scene;

/** Makes a flow in Kestra as somebody else would, and returns its source. */
async function elsewhere(id: string, message = "made in the UI"): Promise<string> {
  const source = scene.source(id, message);
  await kestra.create(source);
  return source;
}

async function refused(id: string, spec: Partial<FlowSpec>): Promise<KestraFlow> {
  await scene.cluster.createFlow(id, spec);
  return scene.cluster.waitFor(id, "Stalled", "True", "AdoptionRefused");
}

/** Changes that Kestra made for the operator; a create that it answered with "exists" is none. */
const changes = (): Promise<number> =>
  scene.operator.metric("kestraflow_kestra_calls_total", { operation: /^(create|update|delete)Flow$/, code: /^2/ });

const messageOf = ({ status }: KestraFlow): string => findCondition(status?.conditions, "Ready")?.message ?? "";

describe("a flow that exists in Kestra with the same source", () => {
  test("is adopted by default, and nothing is written", async () => {
    const source = await elsewhere("same");
    const before = await changes();
    await scene.cluster.createFlow("same", { source });
    const { status } = await scene.cluster.waitReady("same");

    expect(status?.flow?.revision).toBe(1);
    expect(await changes()).toBe(before);
    expect((await scene.stored("same")).revision).toBe(1);
  });

  test("is adopted by a flow object that is the same tree, whatever its layout", async () => {
    const source = `# made by hand\n${await elsewhere("tree")}`;
    await kestra.edit(namespace, "tree", source);
    const tasks = [{ type: "io.kestra.plugin.core.log.Log", id: "log", message: "made in the UI" }];
    await scene.cluster.createFlow("tree", { flow: { id: "tree", namespace, tasks } });
    const { status } = await scene.cluster.waitReady("tree");

    expect(status?.flow?.revision).toBe(2);
    expect(await scene.stored("tree")).toMatchObject({ revision: 2, source });
  });

  test("is deleted with the resource that adopted it", async () => {
    await scene.cluster.createFlow("adopted", { source: await elsewhere("adopted") });
    await scene.cluster.waitReady("adopted");
    await scene.cluster.deleteFlow("adopted");
    await scene.cluster.waitGone("adopted");
    expect(await kestra.flow(namespace, "adopted")).toBeUndefined();
  });

  test("is left alone with adoption: Never, and the condition names the remedy", async () => {
    const source = await elsewhere("never");
    const flow = await refused("never", { source, adoption: "Never" });
    expect(messageOf(flow)).toContain(`The flow ${namespace}/never exists in Kestra`);
    expect(messageOf(flow)).toContain("delete it there, or set spec.adoption");
    expect(flow.status?.flow).toBeUndefined();
    expect((await scene.stored("never")).revision).toBe(1);
  });
});

describe("a flow that exists in Kestra with another source", () => {
  test("is refused by default: nothing is written, no finalizer stays, and the condition names the remedy", async () => {
    const theirs = await elsewhere("other");
    const before = await changes();
    const flow = await refused("other", { source: scene.source("other", "ours") });

    expect(messageOf(flow)).toMatch(
      /exists in Kestra with another source .*: make the two identical, delete it there, or set spec\.adoption to Always\./,
    );
    expect(flow.metadata.finalizers ?? []).toEqual([]);
    expect(Object.keys(flow.metadata.annotations ?? {})).toEqual([]);
    expect(flow.status?.flow).toBeUndefined();
    expect(await changes()).toBe(before);
    expect(await scene.stored("other")).toMatchObject({ source: theirs, revision: 1 });
  });

  test("is overwritten as soon as adoption says Always", async () => {
    await elsewhere("always");
    const ours = scene.source("always", "ours");
    await refused("always", { source: ours });
    await scene.cluster.patchSpec("always", { adoption: "Always" });
    const { status } = await scene.cluster.waitReady("always");

    expect(status?.flow?.revision).toBe(2);
    expect((await scene.stored("always")).source).toBe(ours);
  });

  test("is overwritten at once by a resource that comes with Always", async () => {
    await elsewhere("at-once");
    const ours = scene.source("at-once", "ours");
    await scene.cluster.createFlow("at-once", { source: ours, adoption: "Always" });
    await scene.cluster.waitReady("at-once");
    expect(await scene.stored("at-once")).toMatchObject({ source: ours, revision: 2 });
  });

  test("is adopted once the resource is made identical to it", async () => {
    const theirs = await elsewhere("agreed");
    await refused("agreed", { source: scene.source("agreed", "ours") });
    await scene.cluster.patchSpec("agreed", { source: theirs });
    await scene.cluster.waitReady("agreed");
    expect((await scene.stored("agreed")).revision).toBe(1);
  });

  test("is replaced once somebody deleted it there and asks to look again", async () => {
    await elsewhere("cleared");
    const ours = scene.source("cleared", "ours");
    await refused("cleared", { source: ours });
    await kestra.delete(namespace, "cleared");
    await scene.cluster.annotate("cleared", { "kestraflow.dev/reconcile-requested-at": "now" });
    await scene.cluster.waitReady("cleared");
    expect((await scene.stored("cleared")).source).toBe(ours);
  });

  test("stays when the refused resource is deleted", async () => {
    const theirs = await elsewhere("survivor");
    await refused("survivor", { source: scene.source("survivor", "ours") });
    await scene.cluster.deleteFlow("survivor");
    await scene.cluster.waitGone("survivor");
    await always(async () => {
      expect(await scene.stored("survivor")).toMatchObject({ source: theirs, revision: 1 });
    }, 600);
  });
});
