import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { uniqueName } from "../../support/cluster.ts";
import { eventually } from "../../support/eventually.ts";
import { FaultProxy } from "../../support/faultProxy.ts";
import type { KestraEntry } from "../../support/kestra.ts";
import { fromConfigMap, fromSecret, KvScene } from "./scene.ts";

/** In three Kestra namespaces: literals, references, some for an hour, some for good. */
const scene = new KvScene("steady", { REREAD_INTERVAL: "1h" });
const { kestra } = scene;
const namespaces = [1, 2, 3].map(() => uniqueName("steady"));
const INTERVAL_MS = 300;

let tap: FaultProxy;
let before: KestraEntry[];

/** Everything that Kestra lists, with versions, dates and ends. */
async function listed(): Promise<KestraEntry[]> {
  return (await Promise.all(namespaces.map((namespace) => kestra.entries(namespace)))).flat();
}

beforeAll(async () => {
  tap = await FaultProxy.before({ url: process.env.KESTRA_URL ?? "" });
  await scene.restartOperator({ KESTRA_URL: tap.url });
  await scene.cluster.putSecret("source", { value: "a secret" });
  await scene.cluster.putConfigMap("source", { value: "mapped" });
  for (const [index, namespace] of namespaces.entries()) {
    await scene.create(`literal-${index}`, { namespace, value: [1.5, null, { at: "x" }], description: "größer" });
    await scene.create(`timed-${index}`, { namespace, value: "x", ttl: "PT1H" });
    await scene.create(`renewed-${index}`, { namespace, value: 1, ttl: "P1D", ttlPolicy: "Renew" });
    await scene.create(`secret-${index}`, { namespace, ...fromSecret("source"), ttl: "PT1H" });
    await scene.create(`map-${index}`, { namespace, ...fromConfigMap("source") });
    await scene.create(`dated-${index}`, { namespace, value: "2024-05-01T03:02:03+02:00", type: "DATETIME" });
    await scene.create(`once-${index}`, { namespace, value: "x", writePolicy: "CreateOnce" });
  }
  for (const { metadata } of await scene.kvs.list()) await scene.kvs.waitReady(metadata.name);
  before = await listed();
  expect(before).toHaveLength(21);
});

afterAll(() => tap.close());

test("in steady state there is one list for each Kestra namespace and interval, and no other call", async () => {
  await scene.driftLooks(2, namespaces.length);
  const [writes, start] = [await scene.operator.kubernetesWrites(), performance.now()];
  tap.log.length = 0;
  await scene.driftLooks(5, namespaces.length);
  const rounds = Math.ceil((performance.now() - start) / INTERVAL_MS) + 1;

  const calls = tap.log.filter(({ path }) => !path.includes("/configs"));
  const lists = calls.filter(({ path }) => path.startsWith("/api/v1/main/kv?"));
  expect(calls.filter((call) => !lists.includes(call)).map(({ method, path }) => `${method} ${path}`)).toEqual([]);
  expect(lists.filter(({ path }) => path.includes("filters[q]") || path.includes("filters%5Bq%5D"))).toEqual([]);
  for (const namespace of namespaces) {
    const own = lists.filter(({ path }) => path.includes(namespace)).length;
    expect(own).toBeGreaterThanOrEqual(4);
    expect(own).toBeLessThanOrEqual(rounds);
  }
  expect(await scene.operator.kubernetesWrites()).toBe(writes);
  expect(await listed()).toEqual(before);
});

test("a resync on request reads each entry once and writes nothing", async () => {
  tap.log.length = 0;
  for (const { metadata } of await scene.kvs.list())
    await scene.kvs.annotate(metadata.name, { "kestraflow.dev/reconcile-requested-at": "now" });
  await eventually(async () => {
    for (const { status } of await scene.kvs.list()) expect(status?.handledReconcileAt).toBe("now");
  });
  expect(tap.log.filter(({ method }) => method !== "GET")).toEqual([]);
  const values = tap.log.filter(({ path }) => path.includes("/namespaces/")).map(({ path }) => path);
  expect(values.length).toBe(new Set(values).size);
  expect(await listed()).toEqual(before);
});

test("an operator that starts reads each entry once and writes nothing, in Kestra or in Kubernetes", async () => {
  const resources = await scene.kvs.list();
  await scene.stopOperator();
  tap.log.length = 0;
  await scene.startOperator({ KESTRA_URL: tap.url });
  const reads = () => tap.log.filter(({ path }) => path.includes("/namespaces/")).map(({ path }) => path);
  await eventually(() => {
    expect(reads()).toHaveLength(18);
  });
  await scene.driftLooks(2, namespaces.length);

  expect(await scene.operator.kestraWrites()).toBe(0);
  expect(await scene.operator.kubernetesWrites()).toBe(0);
  expect(tap.log.filter(({ method }) => method !== "GET")).toEqual([]);
  expect(reads()).toHaveLength(18);
  expect(new Set(reads()).size).toBe(18);
  expect(await listed()).toEqual(before);
  expect(await scene.kvs.list()).toEqual(resources);
});
