import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inParallel } from "../../../src/lib/async.ts";
import { silentLogger } from "../../../src/lib/log.ts";
import { KubernetesClient } from "../../../src/kubernetes/client.ts";
import { Informer } from "../../../src/kubernetes/informer.ts";
import { NamedObjects } from "../../../src/kubernetes/namedObjects.ts";
import { coreTypes } from "../../../src/kubernetes/objects.ts";
import { uniqueName } from "../../support/cluster.ts";
import { until } from "../../unit/kubernetes/support/until.ts";
import { TcpProxy } from "./support/tcpProxy.ts";

jest.setTimeout(60_000);

const type = coreTypes.configMap;
const direct = KubernetesClient.connect({ logger: silentLogger });
let namespace: string;
let proxy: TcpProxy;
let client: KubernetesClient;
let folder: string;
let running: { stop(): Promise<void> }[];

beforeEach(async () => {
  running = [];
  namespace = uniqueName("multiplexed");
  await direct.create(coreTypes.namespace, { metadata: { name: namespace } });
  proxy = await TcpProxy.before(direct.kubeConfig.getCurrentCluster()?.server ?? "");
  folder = await mkdtemp(join(tmpdir(), "kestraflow-test-"));
  client = KubernetesClient.connect({ kubeconfig: await kubeconfig(), logger: silentLogger });
});

afterEach(async () => {
  await Promise.all(running.map((each) => each.stop()));
  await client.close();
  await proxy.close();
  await rm(folder, { recursive: true });
  await direct.delete(coreTypes.namespace, { name: namespace });
  await direct.close();
});

/** The run's own kubeconfig, with the proxy's port. */
async function kubeconfig(): Promise<string> {
  const config = JSON.parse(direct.kubeConfig.exportConfig()) as { clusters: { cluster: { server: string } }[] };
  for (const { cluster } of config.clusters) cluster.server = `https://127.0.0.1:${proxy.port}`;
  const path = join(folder, "kubeconfig");
  await writeFile(path, JSON.stringify(config), { mode: 0o600 });
  return path;
}

const put = (name: string) => direct.create(type, { metadata: { namespace, name }, data: {} });

/** An informer with a watch that is open, and taken for dead after a second of silence. */
async function watching(): Promise<Informer> {
  const informer = new Informer({ client, type, namespace, multiplexed: true, quietMs: 1_000, logger: silentLogger });
  running.push(informer);
  informer.start();
  await until("the watch is open", () => informer.state === "watching", 10_000);
  return informer;
}

test("250 objects are followed over few connections, which go when nobody follows them", async () => {
  const names = Array.from({ length: 250 }, (_, i) => `object-${i}`);
  const told = new Set<string>();
  const onChange = (follower: string) => told.add(follower);
  const objects = new NamedObjects({ client, type, pollMs: 60_000, logger: silentLogger, onChange });
  running.push(objects);
  for (const name of names) objects.follow(name, `${namespace}/${name}`);
  await until("all are known", () => told.size === names.length, 30_000);
  told.clear();
  await inParallel(names, 16, async (name) => {
    await put(name);
  });
  await until("all are told", () => told.size === names.length, 10_000);
  expect(proxy.connections).toBeLessThanOrEqual(6);
  await objects.stop();
  await until("the connections are closed", () => proxy.connections === 0, 20_000);
});

test("a watch is resumed when its shared connection is half open", async () => {
  const informer = await watching();
  proxy.freeze();
  await put("made-after");
  await until("it is known", () => informer.get(`${namespace}/made-after`) !== undefined, 20_000);
});

test("a watch is resumed when its shared connection is cut", async () => {
  const informer = await watching();
  proxy.cut();
  await put("made-after");
  await until("it is known", () => informer.get(`${namespace}/made-after`) !== undefined, 20_000);
});

test("reads that share a half-open connection go over another one soon", async () => {
  await put("there");
  const read = () =>
    client.get(type, { namespace, name: "there" }, { multiplexed: true, metadataOnly: true, deadlineMs: 2_000 });
  await read();
  proxy.freeze();
  await expect(read()).rejects.toMatchObject({ name: "UnreachableError" });
  await until("it is read", () => read().then(Boolean, () => false), 10_000);
});
