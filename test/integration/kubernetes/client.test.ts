import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { KubernetesClient, type CallReport } from "../../../src/kubernetes/client.ts";
import { nextConditions } from "../../../src/kubernetes/conditions.ts";
import { isAlreadyExists, isConflict, isGone, isInvalid, isNotFound } from "../../../src/kubernetes/errors.ts";
import { EventRecorder } from "../../../src/kubernetes/events.ts";
import { addFinalizer, classifyFinalizer, patchFinalizer, removeFinalizer } from "../../../src/kubernetes/finalizer.ts";
import { coreTypes, referenceTo, type AnyObject } from "../../../src/kubernetes/objects.ts";
import { statusPatch } from "../../../src/kubernetes/status.ts";
import { silentLogger } from "../../../src/lib/log.ts";
import { until } from "../../unit/kubernetes/support/until.ts";
import { createCrd, deleteCrd, widget, widgetType, type Widget } from "./support/widgets.ts";

const type = widgetType("client");
const calls: CallReport[] = [];
const client = KubernetesClient.connect({ logger: silentLogger, onCall: (call) => calls.push(call) });

beforeAll(() => createCrd(client, type), 60_000);

afterAll(async () => {
  await deleteCrd(client, type);
  await client.close();
}, 60_000);

const fails = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

async function make(name: string): Promise<Widget> {
  return client.create<Widget>(type, widget(name, { source: "a" }));
}

describe("objects", () => {
  test("are made, read, changed and deleted", async () => {
    const made = await make("life");
    expect(isAlreadyExists(await fails(make("life")))).toBe(true);
    const changed = await client.mergePatch<Widget>(type, made.metadata, { spec: { source: "b" } });
    expect(changed.metadata.generation).toBe(2);
    expect(await client.get<Widget>(type, made.metadata)).toEqual(changed);
    expect(isConflict(await fails(client.replace(type, { ...made, spec: { source: "c" } })))).toBe(true);
    const replaced = await client.replace<Widget>(type, { ...changed, spec: { source: "c" } });
    expect(replaced.spec).toEqual({ source: "c" });
    expect(isConflict(await fails(client.delete(type, made.metadata, { preconditions: { uid: "other" } })))).toBe(true);
    await client.delete(type, made.metadata, { preconditions: { uid: made.metadata.uid } });
    expect(isNotFound(await fails(client.get(type, made.metadata)))).toBe(true);
  });

  test("are listed page by page, and as metadata only", async () => {
    await Promise.all(["p1", "p2", "p3"].map(make));
    const first = await client.list<Widget>(type, { namespace: "default", limit: 2 });
    expect(first.items).toHaveLength(2);
    const rest = await client.list<Widget>(type, {
      namespace: "default",
      limit: 2,
      continue: first.metadata.continue ?? "",
      metadataOnly: true,
    });
    expect(rest.items[0]).not.toHaveProperty("spec");
    const [named] = (await client.list<AnyObject>(type, { fieldSelector: "metadata.name=p2" })).items;
    expect(named?.metadata.name).toBe("p2");
    const partial = await client.get(type, { namespace: "default", name: "p1" }, { metadataOnly: true });
    expect(partial.kind).toBe("PartialObjectMetadata");
  });

  test("that are invalid are refused with what is wrong", async () => {
    const error = await fails(client.create(type, widget("Not A Name")));
    expect(isInvalid(error)).toBe(true);
    expect(error).toMatchObject({ message: expect.stringContaining("metadata.name") as unknown });
  });
});

describe("status", () => {
  test("is patched once, then there is nothing left to patch; the spec and others' conditions stay", async () => {
    const made = await make("status");
    const foreign = {
      type: "Audited",
      status: "True",
      reason: "R",
      message: "m",
      lastTransitionTime: "2026-01-01T00:00:00Z",
    };
    const audited = await client.patchStatus<Widget>(type, made.metadata, { status: { conditions: [foreign] } });
    const conditions = nextConditions({
      current: audited.status?.conditions,
      wanted: [{ type: "Ready", status: "True", reason: "Synced", message: "all is well" }],
      owned: ["Ready"],
      generation: 1,
      now: new Date(),
    });
    const patch = statusPatch(audited, { revision: 1, conditions });
    const ready = await client.patchStatus<Widget>(type, made.metadata, patch ?? { status: {} });
    expect(ready.status?.conditions?.map((condition) => condition.type)).toEqual(["Audited", "Ready"]);
    expect(ready.metadata.generation).toBe(1);
    expect(statusPatch(ready, { revision: 1, conditions })).toBeUndefined();
    const late = statusPatch(audited, { revision: 2 }) ?? { status: {} };
    expect(isConflict(await fails(client.patchStatus(type, made.metadata, late)))).toBe(true);
  });

  test("of an object that was deleted does not land on its successor", async () => {
    const first = await make("reborn");
    await client.delete(type, first.metadata);
    await make("reborn");
    const patch = statusPatch(first, { revision: 1 }) ?? { status: {} };
    expect(isConflict(await fails(client.patchStatus(type, first.metadata, patch)))).toBe(true);
  });
});

test("a finalizer holds an object until it is removed, beside others' and with the intent on record", async () => {
  const finalizer = "machinery.test/ours";
  const foreign = { metadata: { ...widget("held").metadata, finalizers: ["machinery.test/foreign"] } };
  const made = await client.create<Widget>(type, foreign);
  const patch = addFinalizer(made.metadata, finalizer, { "machinery.test/intent": "create" });
  const held = await patchFinalizer<Widget>(client, type, made, patch);
  expect(held.metadata.finalizers).toEqual(["machinery.test/foreign", finalizer]);
  expect(held.metadata.annotations).toEqual({ "machinery.test/intent": "create" });
  expect(isConflict(await fails(patchFinalizer(client, type, made, removeFinalizer(made.metadata, finalizer))))).toBe(
    true,
  );

  await client.delete(type, made.metadata);
  const deleting = await client.get<Widget>(type, made.metadata);
  expect(classifyFinalizer(deleting.metadata, finalizer)).toBe("deleting");
  const released = await patchFinalizer<Widget>(client, type, deleting, removeFinalizer(deleting.metadata, finalizer));
  expect(classifyFinalizer(released.metadata, finalizer)).toBe("released");
  await client.mergePatch(type, made.metadata, { metadata: { finalizers: null } });
  expect(isNotFound(await fails(client.get(type, made.metadata)))).toBe(true);
});

test("an Event is accepted and shows up under its object", async () => {
  const about = await make("eventful");
  const recorder = new EventRecorder({ client, component: "machinery-test", logger: silentLogger });
  recorder.record(referenceTo(about), { type: "Warning", reason: "Odd", message: "ü".repeat(3000) });
  await recorder.stop();
  const selection = { namespace: "default", fieldSelector: `involvedObject.uid=${about.metadata.uid}` };
  const { items } = await client.list<AnyObject & { message: string; reason: string }>(coreTypes.event, selection);
  expect(items).toMatchObject([{ reason: "Odd", type: "Warning", involvedObject: { name: "eventful" } }]);
  expect(items[0]?.message).toHaveLength(1024);
});

test("a watch from a version that is long gone is refused or ended as gone", async () => {
  const options = { resourceVersion: "1", timeoutSeconds: 5, quietMs: 5_000 };
  const outcome = await fails(
    (async () => {
      for await (const event of await client.watch(coreTypes.configMap, options)) return event;
      return undefined;
    })(),
  );
  // An API server that still has the whole history may serve it.
  expect(outcome === undefined || isGone(outcome)).toBe(true);
});

test("writes through a fence that opens and closes", async () => {
  let leader = true;
  const fenced = client.withFence(() => {
    if (!leader) throw new Error("not the leader");
  });
  const made = await fenced.create<Widget>(type, widget("fenced", { source: "x".repeat(200_000) }));
  await fenced.mergePatch(type, made.metadata, { spec: { more: 1 } });
  await fenced.patchStatus(type, made.metadata, { status: { revision: 1 } });
  leader = false;
  expect(await fails(fenced.delete(type, made.metadata))).toMatchObject({ message: "not the leader" });
  await expect(client.get<Widget>(type, made.metadata)).resolves.toMatchObject({ status: { revision: 1 } });
  leader = true;
  await fenced.delete(type, made.metadata);
});

test("calls are counted with their codes", async () => {
  calls.length = 0;
  await fails(client.get(type, { namespace: "default", name: "nobody" }));
  await until("the call was reported", () => calls.length === 1);
  expect(calls).toMatchObject([{ verb: "get", resource: "widgets", code: 404 }]);
});
