import { afterAll, afterEach, beforeEach, expect, test } from "@jest/globals";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { KubernetesClient } from "../../../src/kubernetes/client.ts";
import { Informer } from "../../../src/kubernetes/informer.ts";
import { coreTypes, type AnyObject } from "../../../src/kubernetes/objects.ts";
import { silentLogger } from "../../../src/lib/log.ts";
import { until } from "../../unit/kubernetes/support/until.ts";

type ConfigMap = AnyObject & { data?: { writer?: string } };

const client = KubernetesClient.connect({ logger: silentLogger });
let name: string;
let replicas: ChildProcess[];
let informer: Informer<ConfigMap>;
/** Who wrote, in the order in which the API server took the writes. */
let writers: string[];
let round = 0;

beforeEach(async () => {
  name = `machinery-lease-${process.pid}-${round++}`;
  replicas = [];
  writers = [];
  await client.create(coreTypes.configMap, { metadata: { namespace: "default", name } });
  informer = new Informer<ConfigMap>({
    client,
    type: coreTypes.configMap,
    namespace: "default",
    fieldSelector: `metadata.name=${name}`,
    logger: silentLogger,
  });
  informer.addHandler(({ object }) => writers.push(object.data?.writer ?? ""));
  informer.start();
  await informer.synced;
});

afterEach(async () => {
  await Promise.all(replicas.map(end));
  await informer.stop();
  await client.delete(coreTypes.configMap, { namespace: "default", name });
  await client.delete(coreTypes.lease, { namespace: "default", name });
}, 90_000);

afterAll(() => client.close());

interface Replica {
  process: ChildProcess;
  said: string[];
}

function replica(identity: string, leaseSeconds = 3): Replica {
  const script = new URL("support/leader.ts", import.meta.url).pathname;
  const child = spawn(process.execPath, [script, identity, name, String(leaseSeconds)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const said: string[] = [];
  child.stdout.on("data", (chunk: Buffer) => said.push(...chunk.toString().trim().split("\n")));
  replicas.push(child);
  return { process: child, said };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGCONT");
  child.kill("SIGTERM");
  await exited;
}

const says = (who: Replica, what: string) => until(`it says ${what}`, () => who.said.includes(what), 60_000);
const count = (writer: string) => writers.filter((other) => other === writer).length;

test("of two replicas one writes; when it ends in good order the other takes over without waiting for the lease", async () => {
  const a = replica("a", 60);
  await says(a, "wrote");
  const b = replica("b", 60);
  await until("a has gone on writing for a while", () => count("a") > 300, 90_000);
  expect(count("b")).toBe(0);
  await end(a.process);
  await says(b, "wrote");
  expect(a.process.exitCode).toBe(0);
}, 240_000);

test("a leader that is killed is replaced when its lease has run out", async () => {
  const a = replica("a");
  await says(a, "wrote");
  const b = replica("b");
  a.process.kill("SIGKILL");
  await says(b, "wrote");
}, 240_000);

test("a leader that is frozen past its lease writes nothing when it wakes up", async () => {
  const a = replica("a");
  await says(a, "wrote");
  const b = replica("b");
  await until("a is in the middle of its writes", () => count("a") > 50, 90_000);
  a.process.kill("SIGUSR2");
  await says(b, "wrote");
  await until("b has written more", () => count("b") > 50, 90_000);
  a.process.kill("SIGCONT");
  await says(a, "lost");
  const seen = writers.length;
  await until("b goes on", () => writers.length > seen + 200, 90_000);
  const order = writers.filter((writer) => writer !== "");
  expect(order.lastIndexOf("a")).toBeLessThan(order.indexOf("b"));
  expect(b.said).not.toContain("lost");
}, 240_000);
