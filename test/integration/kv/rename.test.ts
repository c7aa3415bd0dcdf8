import { describe, expect, test } from "@jest/globals";
import { uniqueName } from "../../support/cluster.ts";
import { eventually } from "../../support/eventually.ts";
import { fromSecret, KvScene } from "./scene.ts";

const scene = new KvScene("rename");
const { kestra, namespace } = scene;

describe("when the key is edited", () => {
  test("the new entry exists before the old one is removed", async () => {
    await scene.inSync("before", { value: "x" });
    const successor = (async () => {
      while (await kestra.value(namespace, "before"));
      return scene.stored("after");
    })();
    await scene.kvs.patchSpec("before", { key: "after" });
    expect((await successor).value).toBe("x");
    const { status } = await scene.kvs.waitReady("before");
    expect(status?.entry).toMatchObject({ namespace, key: "after", version: 1 });
    await eventually(async () => {
      const messages = (await scene.cluster.events("before")).map(({ message }) => message);
      expect(messages).toEqual([
        `Wrote the entry ${namespace}/before.`,
        `Wrote the entry ${namespace}/after.`,
        `Deleted the entry ${namespace}/before (renamed).`,
      ]);
    });
  });

  test("the value of a Secret goes along", async () => {
    await scene.following("secret", "hidden");
    await scene.kvs.patchSpec("secret", { key: "secret-new" });
    await scene.waitValue("secret-new", "hidden");
    await scene.waitAbsent("secret");
    await scene.cluster.putSecret("secret", { value: "rotated" });
    await scene.waitValue("secret-new", "rotated");
  });

  test("and edited back, the old entry is made again and the new one removed", async () => {
    await scene.inSync("there", { value: "x" });
    await scene.kvs.patchSpec("there", { key: "elsewhere" });
    await scene.kvs.waitReady("there");
    await scene.kvs.patchSpec("there", { key: "there" });
    await scene.kvs.waitReady("there");
    expect((await scene.stored("there")).value).toBe("x");
    expect(await kestra.value(namespace, "elsewhere")).toBeUndefined();
  });

  test("twice in a row, nothing is left behind", async () => {
    await scene.inSync("first", { value: "x" });
    await scene.kvs.patchSpec("first", { key: "second" });
    await scene.kvs.patchSpec("first", { key: "third" });
    const { status } = await scene.kvs.waitReady("first");
    expect(status?.entry?.key).toBe("third");
    await scene.waitAbsent("first");
    await scene.waitAbsent("second");
  });

  test("while no operator runs, it is done by the next one", async () => {
    await scene.inSync("asleep", { value: "x" });
    await scene.stopOperator();
    await scene.kvs.patchSpec("asleep", { key: "awake" });
    await scene.startOperator();
    const { status } = await scene.kvs.waitReady("asleep");
    expect(status?.entry?.key).toBe("awake");
    expect(await kestra.value(namespace, "asleep")).toBeUndefined();
  });

  test("with deletionPolicy: Orphan the old entry stays, and is nobody's", async () => {
    await scene.inSync("kept", { value: "x", deletionPolicy: "Orphan" });
    await scene.kvs.patchSpec("kept", { key: "kept-new" });
    await scene.kvs.waitReady("kept");
    await kestra.putEntry(namespace, "kept", '"edited in the UI"');
    await scene.driftLooks(3);
    expect((await scene.stored("kept")).value).toBe("edited in the UI");
  });

  test("with writePolicy: CreateOnce the new entry is made once", async () => {
    await scene.inSync("once", { value: "x", writePolicy: "CreateOnce" });
    await scene.kvs.patchSpec("once", { key: "once-new" });
    await scene.waitValue("once-new", "x");
    await scene.waitAbsent("once");
    await kestra.putEntry(namespace, "once-new", '"by a flow"');
    await scene.driftLooks(2);
    expect((await scene.stored("once-new")).value).toBe("by a flow");
  });
});

test("when the namespace is edited, the entry moves", async () => {
  const target = uniqueName("rename-target");
  await scene.inSync("mover", { value: "x", description: "moves" });
  await scene.kvs.patchSpec("mover", { namespace: target });
  const { status } = await scene.kvs.waitReady("mover");
  expect(status?.entry).toMatchObject({ namespace: target, key: "mover", version: 1 });
  expect(await scene.entry("mover", target)).toMatchObject({ description: "moves" });
  expect(await kestra.value(namespace, "mover")).toBeUndefined();
});

describe("the old entry stays, and stays recorded,", () => {
  test("when an entry that somebody else made has the new key", async () => {
    await scene.inSync("shy", { value: "x" });
    await kestra.putEntry(namespace, "taken", '"theirs"');
    await scene.kvs.patchSpec("shy", { key: "taken" });
    const { status } = await scene.kvs.waitFor("shy", "Stalled", "True", "AdoptionRefused");
    expect(status?.entry).toMatchObject({ key: "shy", version: 1 });
    expect((await scene.stored("shy")).value).toBe("x");
    expect((await scene.stored("taken")).value).toBe("theirs");

    await scene.kvs.delete("shy");
    await scene.kvs.waitGone("shy");
    expect(await kestra.value(namespace, "shy")).toBeUndefined();
    expect((await scene.stored("taken")).value).toBe("theirs");
  });

  test("when another resource has the new key", async () => {
    await scene.inSync("mine", { value: "x" });
    await scene.inSync("yours", { value: "y" });
    await scene.kvs.patchSpec("mine", { key: "yours" });
    const { status } = await scene.kvs.waitFor("mine", "Stalled", "True", "Conflict");
    expect(status?.entry).toMatchObject({ key: "mine", version: 1 });
    expect((await scene.stored("yours")).value).toBe("y");
  });

  test("while the new value is not there", async () => {
    await scene.inSync("patient", { value: "x" });
    await scene.kvs.patchSpec("patient", { key: "patient-new", value: null, ...fromSecret("patient") });
    await scene.kvs.waitFor("patient", "Reconciling", "True", "ReferenceMissing");
    expect((await scene.stored("patient")).value).toBe("x");
    await scene.cluster.putSecret("patient", { value: "there" });
    await scene.waitValue("patient-new", "there");
    await scene.waitAbsent("patient");
  });
});
