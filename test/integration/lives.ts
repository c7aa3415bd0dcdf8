import { expect } from "@jest/globals";
import type { TestNamespace } from "../support/cluster.ts";
import { uniqueName } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { flowSource } from "../support/flowSource.ts";
import { TestKestra } from "../support/kestra.ts";
import { HOURLY, hours, scheduledFlow, sleeping } from "./backfill/scene.ts";

const kestra = new TestKestra();

/** Leads a flow of a Kubernetes namespace through everything that the operator does for one. */
export async function flowLives(cluster: TestNamespace, kestraNamespace: string): Promise<void> {
  const [id, heir, mapped] = [uniqueName("flow"), uniqueName("heir"), uniqueName("mapped")];
  const source = (message: string) => flowSource(kestraNamespace, id, message);
  await cluster.createFlow(id, { source: source("made") });
  await cluster.waitReady(id);
  await cluster.patchSpec(id, { source: source("edited") });
  await cluster.waitReady(id);
  await kestra.edit(kestraNamespace, id, source("edited by a person"));
  await eventually(async () => {
    expect((await kestra.flow(kestraNamespace, id))?.source).toBe(source("edited"));
  });
  await cluster.createFlow(heir, { source: source("edited") });
  await cluster.waitFor(heir, "Ready", "False", "Conflict");
  await cluster.deleteFlow(id);
  await cluster.waitReady(heir);
  await cluster.deleteFlow(heir);
  await cluster.waitGone(heir);
  expect(await kestra.flow(kestraNamespace, id)).toBeUndefined();

  await cluster.putConfigMap(mapped, { "flow.yaml": flowSource(kestraNamespace, mapped, "one") });
  await cluster.createFlow(mapped, { sourceFrom: { configMapKeyRef: { name: mapped, key: "flow.yaml" } } });
  await cluster.waitReady(mapped);
  await cluster.putConfigMap(mapped, { "flow.yaml": flowSource(kestraNamespace, mapped, "two") });
  await eventually(async () => {
    expect((await kestra.flow(kestraNamespace, mapped))?.source).toBe(flowSource(kestraNamespace, mapped, "two"));
  });
  await eventually(async () => {
    expect((await cluster.events(id)).map(({ reason }) => reason)).toEqual(
      expect.arrayContaining(["Applied", "DriftCorrected", "HandedOver"]),
    );
  });
}

/** Leads an entry that follows a Secret, and one that has its value in itself, through the same. */
export async function entryLives(cluster: TestNamespace, kestraNamespace: string): Promise<void> {
  const [key, heir, literal] = [uniqueName("entry"), uniqueName("heir"), uniqueName("literal")];
  const holds = (value: string) =>
    eventually(async () => {
      expect(await kestra.value(kestraNamespace, key)).toMatchObject({ value });
    });
  const spec = { namespace: kestraNamespace, key, valueFrom: { secretKeyRef: { name: key, key: "value" } } };
  await cluster.putSecret(key, { value: "one" });
  await cluster.kvs.create(key, spec);
  await cluster.kvs.waitReady(key);
  await cluster.putSecret(key, { value: "two" });
  await holds("two");
  // A person who edits between the write and its reading back has it stall as not stored as meant.
  await eventually(async () => {
    const { status } = await cluster.kvs.get(key);
    expect(status?.entry?.version).toBe(2);
  });
  await kestra.putEntry(kestraNamespace, key, '"edited by a person"');
  await holds("two");
  await cluster.kvs.create(heir, spec);
  await cluster.kvs.waitFor(heir, "Ready", "False", "Conflict");
  await cluster.kvs.delete(key);
  await cluster.kvs.waitReady(heir);
  await cluster.kvs.delete(heir);
  await cluster.kvs.waitGone(heir);
  expect(await kestra.value(kestraNamespace, key)).toBeUndefined();

  await cluster.kvs.create(literal, { namespace: kestraNamespace, key: literal, value: "as it stands" });
  await cluster.kvs.waitReady(literal);
  await kestra.putEntry(kestraNamespace, literal, '"edited by a person"');
  await eventually(async () => {
    expect(await kestra.value(kestraNamespace, literal)).toMatchObject({ value: "as it stands" });
  });
  await cluster.kvs.delete(literal);
  await cluster.kvs.waitGone(literal);
}

/** Leads Backfills through the same: one that is complete and whose time is over, one that is deleted while it runs. */
export async function backfillLives(cluster: TestNamespace, kestraNamespace: string): Promise<void> {
  const [flow, done, cancelled] = [uniqueName("scheduled"), uniqueName("done"), uniqueName("cancelled")];
  const source = scheduledFlow(kestraNamespace, flow, HOURLY, { tasks: sleeping(1) });
  await cluster.createFlow(flow, { source });
  await cluster.waitReady(flow);
  const target = { flowRef: { name: flow } };
  const slot = (hour: number) => hours(hour, hour)[0] ?? "";
  await cluster.backfills.create(done, { target, start: slot(0), end: slot(1), ttlSecondsAfterFinished: 600 });
  const isState = (state: string) => (backfill: { status?: { state?: string | undefined } }) =>
    backfill.status?.state === state;
  await cluster.backfills.waitUntil(done, isState("Complete"), { within: 45_000 });
  await cluster.backfills.patchSpec(done, { ttlSecondsAfterFinished: 0 });
  await cluster.backfills.waitGone(done);

  await cluster.backfills.create(cancelled, { target, start: slot(2), end: slot(9) });
  await cluster.backfills.waitUntil(cancelled, isState("Running"));
  await cluster.backfills.patchSpec(cancelled, { suspend: true });
  await cluster.backfills.waitUntil(cancelled, isState("Suspended"), { within: 45_000 });
  await cluster.backfills.patchSpec(cancelled, { suspend: false });
  await cluster.backfills.waitUntil(cancelled, isState("Running"), { within: 45_000 });
  await cluster.backfills.delete(cancelled);
  await cluster.backfills.waitGone(cancelled);
  expect((await kestra.trigger(kestraNamespace, flow, "tick"))?.backfill).toBeUndefined();
  await cluster.deleteFlow(flow);
  await cluster.waitGone(flow);
}
