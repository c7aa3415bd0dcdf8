import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { spawn } from "node:child_process";
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
}, 120_000);

afterAll(async () => {
  await deleteCrd(client, type);
  await client.close();
}, 120_000);

async function clear(): Promise<void> {
  const { items } = await client.list<AnyObject>(type, { metadataOnly: true });
  await inParallel(items, ({ metadata }) => client.delete(type, metadata));
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  const rest = items.values();
  const worker = async () => {
    for (const item of rest) await work(item);
  };
  await Promise.all(Array.from({ length: 16 }, worker));
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
    await startServer("kube-apiserver");
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

describe("memory", () => {
  test("10,000 objects, kept as what matters of them, cost at most 40 MB", async () => {
    const source = "x".repeat(5_000);
    const names = Array.from({ length: 10_000 }, (_, i) => `object-number-${i}`);
    await inParallel(names, (name) => client.create(type, widget(name, { source })));
    const { count, emptyMb, fullMb } = await measure(type.group);
    process.stderr.write(`informer with ${count} objects: ${fullMb} MB RSS, ${emptyMb} MB without\n`);
    expect(count).toBe(10_000);
    expect(fullMb - emptyMb).toBeLessThan(40);
  }, 300_000);
});

/** Runs the informer in a process of its own, which has nothing else to remember. */
function measure(group: string): Promise<{ count: number; emptyMb: number; fullMb: number }> {
  const script = new URL("support/memory.ts", import.meta.url).pathname;
  const child = spawn(process.execPath, ["--expose-gc", script, group], { stdio: ["ignore", "pipe", "inherit"] });
  return new Promise((resolve, reject) => {
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) resolve(JSON.parse(output) as { count: number; emptyMb: number; fullMb: number });
      else reject(new Error(`the measurement ended with ${code}`));
    });
  });
}
