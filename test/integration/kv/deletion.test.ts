import { describe, expect, test } from "@jest/globals";
import { findCondition } from "../../../src/kubernetes/conditions.ts";
import { eventually } from "../../support/eventually.ts";
import { KvScene, messageOf } from "./scene.ts";

const scene = new KvScene("deletion");
const { kestra, namespace } = scene;
const PAUSED = "kestraflow.dev/paused";

async function deleteAndWait(name: string): Promise<void> {
  await scene.kvs.delete(name);
  await scene.kvs.waitGone(name);
}

describe("a deleted resource", () => {
  test("takes its entry along by default, and an Event says so", async () => {
    await scene.inSync("default", { value: "x" });
    await deleteAndWait("default");
    expect(await kestra.value(namespace, "default")).toBeUndefined();
    await eventually(async () => {
      const messages = (await scene.cluster.events("default")).map(({ message }) => message);
      expect(messages).toContain(`Deleted the entry ${namespace}/default (deleted).`);
    });
  });

  test("with deletionPolicy: Orphan leaves its entry as it is, to be adopted again", async () => {
    const spec = { value: "x", ttl: "PT1H", deletionPolicy: "Orphan" } as const;
    await scene.inSync("orphan", spec);
    const before = await scene.entry("orphan");
    await deleteAndWait("orphan");
    expect(await scene.entry("orphan")).toEqual(before);
    await scene.inSync("orphan", spec);
    expect(await scene.entry("orphan")).toEqual(before);
  });

  test("whose entry is gone from Kestra already, or expired, goes", async () => {
    await scene.inSync("gone", { value: "x", driftPolicy: "Report" });
    await kestra.deleteEntry(namespace, "gone");
    await scene.kvs.waitFor("gone", "Drifted", "True", "Deleted");
    await scene.inSync("expired", { value: "x", ttl: "PT3S" });
    await scene.kvs.waitFor("expired", "Ready", "True", "Expired");
    for (const name of ["gone", "expired"]) await deleteAndWait(name);
  });

  test("can be made again under its name", async () => {
    await scene.inSync("again", { value: "x" });
    await deleteAndWait("again");
    const { status } = await scene.inSync("again", { value: "y" });
    expect((await scene.stored("again")).value).toBe("y");
    expect(status?.entry?.version).toBe(await scene.version("again"));
  });

  test("that was edited a moment before takes the entry along all the same", async () => {
    await scene.inSync("hasty", { value: "x" });
    await scene.kvs.patchSpec("hasty", { value: "y" });
    await deleteAndWait("hasty");
    expect(await kestra.value(namespace, "hasty")).toBeUndefined();
  });

  test("whose value was edited into an invalid one takes the last good entry along", async () => {
    await scene.inSync("broken", { value: "x" });
    await scene.kvs.patchSpec("broken", { type: "NUMBER" });
    await scene.kvs.waitFor("broken", "Stalled", "True", "InvalidValue");
    await deleteAndWait("broken");
    expect(await kestra.value(namespace, "broken")).toBeUndefined();
  });

  test("that never had an entry deletes none", async () => {
    await scene.create("invalid", { value: "x", type: "NUMBER" });
    await scene.kvs.waitFor("invalid", "Stalled", "True", "InvalidValue");
    await kestra.putEntry(namespace, "invalid", '"theirs"');
    await deleteAndWait("invalid");
    expect((await scene.stored("invalid")).value).toBe("theirs");
  });
});

describe("a paused resource", () => {
  test("is left alone and says so, its edits wait, and taking the annotation off applies them", async () => {
    await scene.following("paused", "one");
    await scene.kvs.annotate("paused", { [PAUSED]: "true" });
    await scene.kvs.waitFor("paused", "Paused", "True", "Paused");
    await scene.cluster.putSecret("paused", { value: "two" });
    await scene.kvs.patchSpec("paused", { description: "edited while paused" });
    await scene.inSync("awake", { value: "x" });
    await scene.driftLooks(3);
    expect(await scene.entry("paused")).toMatchObject({ version: 1 });

    await scene.kvs.annotate("paused", { [PAUSED]: null });
    await scene.waitValue("paused", "two");
    expect(await scene.entry("paused")).toMatchObject({ version: 2, description: "edited while paused" });
    const { status } = await scene.kvs.waitReady("paused");
    expect(findCondition(status?.conditions, "Paused")).toBeUndefined();
  });

  test("made so from the start creates nothing until it is resumed", async () => {
    await scene.create("dormant", { value: "x" }, { [PAUSED]: "true" });
    const { metadata } = await scene.kvs.waitFor("dormant", "Paused", "True");
    expect(metadata.finalizers ?? []).toEqual([]);
    expect(await kestra.value(namespace, "dormant")).toBeUndefined();
    await scene.kvs.annotate("dormant", { [PAUSED]: null });
    await scene.waitValue("dormant", "x");
  });

  test("is not corrected, and goes with its entry when it is deleted", async () => {
    await scene.inSync("drifting", { value: "x" });
    await scene.kvs.annotate("drifting", { [PAUSED]: "true" });
    await scene.kvs.waitFor("drifting", "Paused", "True");
    await kestra.putEntry(namespace, "drifting", '"edited"');
    await scene.driftLooks(3);
    expect((await scene.stored("drifting")).value).toBe("edited");
    await deleteAndWait("drifting");
    expect(await kestra.value(namespace, "drifting")).toBeUndefined();
  });
});

test("a namespace that the policy does not allow is refused, for new entries, edits and adoption", async () => {
  await scene.inSync("moved", { value: "x" });
  const policy = JSON.stringify([{ from: ["*"], to: [namespace] }]);
  await scene.restartOperator({ NAMESPACE_POLICY: policy });
  const forbidden = `${namespace}.forbidden`;
  await kestra.putEntry(forbidden, "adopted", '"x"');
  await scene.create("made", { namespace: forbidden, value: "x" });
  await scene.create("adopted", { namespace: forbidden, value: "x", adoption: "Always" });
  await scene.kvs.patchSpec("moved", { namespace: forbidden });
  try {
    for (const name of ["made", "adopted", "moved"]) {
      const resource = await scene.kvs.waitFor(name, "Stalled", "True", "NamespaceNotAllowed");
      expect(messageOf(resource)).toContain(`to the Kestra namespace ${forbidden}`);
    }
    expect((await kestra.entries(forbidden)).map(({ key, version }) => [key, version])).toEqual([["adopted", 1]]);
    expect((await scene.stored("moved")).value).toBe("x");
    for (const name of ["made", "adopted", "moved"]) await deleteAndWait(name);
    expect((await kestra.entries(forbidden)).map(({ key }) => key)).toEqual(["adopted"]);
    expect(await kestra.value(namespace, "moved")).toBeUndefined();
  } finally {
    await kestra.deleteEntry(forbidden, "adopted");
    await scene.restartOperator();
  }
});

test("DELETION_POLICY is what holds for resources that do not say", async () => {
  await scene.restartOperator({ DELETION_POLICY: "Orphan" });
  await scene.inSync("unsaid", { value: "x" });
  await scene.inSync("said", { value: "x", deletionPolicy: "Delete" });
  await deleteAndWait("unsaid");
  await deleteAndWait("said");
  expect((await scene.stored("unsaid")).value).toBe("x");
  expect(await kestra.value(namespace, "said")).toBeUndefined();
});
