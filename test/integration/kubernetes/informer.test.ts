import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import { KubernetesClient } from "../../../src/kubernetes/client.ts";
import { Informer, type InformerOptions } from "../../../src/kubernetes/informer.ts";
import { coreTypes, type AnyObject, type Identified } from "../../../src/kubernetes/objects.ts";
import { silentLogger } from "../../../src/lib/log.ts";
import { hasSandbox, startServer, stopServer } from "../../support/sandbox.ts";
import { until } from "../../unit/kubernetes/support/until.ts";
import { createCrd, deleteCrd, widget, widgetType, type Widget } from "./support/widgets.ts";

const type = widgetType("informer");
const client = KubernetesClient.connect({ logger: silentLogger });
const informers: { stop(): Promise<void> }[] = [];

beforeAll(() => createCrd(client, type), 60_000);

afterEach(async () => {
  await Promise.all(informers.splice(0).map((informer) => informer.stop()));
  await clear();
}, 60_000);

afterAll(async () => {
  await deleteCrd(client, type);
  await client.close();
}, 60_000);

async function clear(): Promise<void> {
  const { items } = await client.list<AnyObject>(type, { metadataOnly: true });
  await Promise.all(items.map(({ metadata }) => client.delete(type, metadata)));
}

function inform<T extends Identified>(options: Partial<InformerOptions<T>> = {}) {
  const informer = new Informer<T>({ client, type, logger: silentLogger, ...options });
  const told: string[] = [];
  informer.addHandler(({ type: what, object }) => told.push(`${what} ${object.metadata.name}`));
  informers.push(informer);
  informer.start();
  return { informer, told };
}

test("follows a type through pages, edits, deletions and a new object under an old name", async () => {
  for (let i = 0; i < 5; i++) await client.create(type, widget(`w${i}`));
  const { informer, told } = inform<Widget>({ pageSize: 2 });
  await informer.synced;
  expect(informer.store.size).toBe(5);
  expect(informer.get("default/w0")).toMatchObject({ kind: "Widget", apiVersion: `${type.group}/v1` });
  told.length = 0;
  await client.mergePatch(type, { namespace: "default", name: "w1" }, { spec: { source: "new" } });
  await client.delete(type, { namespace: "default", name: "w2" });
  await client.create(type, widget("w2", { source: "second" }));
  await until("the new w2", () => informer.get("default/w2")?.spec.source === "second");
  expect(told).toEqual(["updated w1", "deleted w2", "added w2"]);
});

test("keeps metadata only of what it was asked to, one namespace and one name", async () => {
  const one = { namespace: "default", name: "machinery-one" };
  const remove = () =>
    Promise.all(["machinery-one", "machinery-two"].map((name) => client.delete(coreTypes.configMap, { ...one, name })));
  await client.create(coreTypes.configMap, { metadata: { ...one, name: "machinery-two" }, data: { a: "b" } });
  const { informer, told } = inform<AnyObject>({
    type: coreTypes.configMap,
    namespace: "default",
    fieldSelector: "metadata.name=machinery-one",
    metadataOnly: true,
  });
  await informer.synced;
  await client.create(coreTypes.configMap, { metadata: one, data: { a: "b" } });
  await client.mergePatch(coreTypes.configMap, one, { data: { a: "c" } });
  await until("both events", () => told.length === 2);
  expect(told).toEqual(["added machinery-one", "updated machinery-one"]);
  expect(Object.keys(informer.get("default/machinery-one") ?? {}).sort()).toEqual(["apiVersion", "kind", "metadata"]);
  expect(informer.get("default/machinery-one")?.kind).toBe("ConfigMap");
  await remove();
});

test("learns the answer to a write of its own at once", async () => {
  const made = await client.create<Widget>(type, widget("own"));
  const { informer, told } = inform<Widget>();
  await informer.synced;
  const answer = await client.patchStatus<Widget>(type, made.metadata, { status: { revision: 1 } });
  informer.learn(answer);
  expect(informer.get("default/own")?.status).toEqual({ revision: 1 });
  await client.patchStatus(type, made.metadata, { status: { revision: 2 } });
  await until("the second write", () => informer.get("default/own")?.status?.revision === 2);
  expect(told).toEqual(["added own", "updated own", "updated own"]);
});

test("is not synced while its CRD is away, and recovers with what is there then", async () => {
  const passing = { ...type, group: `passing.${type.group}` };
  const { informer, told } = inform<Widget>({ type: passing, backoff: { baseMs: 50, capMs: 500 } });
  await until("a failure", () => informer.lastError !== undefined);
  expect(informer.hasSynced).toBe(false);
  await createCrd(client, passing);
  await informer.synced;
  await client.create(passing, widget("first"));
  await until("first", () => told.length === 1);
  await deleteCrd(client, passing);
  await until("not synced", () => !informer.hasSynced, 30_000);
  await createCrd(client, passing);
  await client.create(passing, widget("second"));
  await until("recovered", () => informer.hasSynced && informer.get("default/second") !== undefined, 30_000);
  expect(informer.get("default/first")).toBeUndefined();
  await deleteCrd(client, passing);
}, 90_000);

const withSandbox = hasSandbox() ? test : test.skip;

withSandbox(
  "an API server that is killed and comes back costs nothing but time",
  async () => {
    await client.create(type, widget("before"));
    const { informer, told } = inform<Widget>({ backoff: { baseMs: 100, capMs: 1000 } });
    await informer.synced;
    await stopServer("kube-apiserver", { kill: true });
    await until("the cut was noticed", () => informer.lastError !== undefined, 20_000);
    // The system may take a moment to give the port of the killed process free.
    const start = () => startServer("kube-apiserver");
    await until(
      "it runs again",
      () =>
        start().then(
          () => true,
          () => false,
        ),
      60_000,
    );
    await until(
      "calls work again",
      () =>
        client.create(type, widget("after")).then(
          () => true,
          () => false,
        ),
      30_000,
    );
    await until("after", () => told.includes("added after"), 30_000);
    expect(informer.get("default/before")).toBeDefined();
    expect(told.filter((line) => line.startsWith("deleted"))).toEqual([]);
  },
  120_000,
);
