import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { kestraFlows } from "../../../src/resources/flow/schema.ts";
import type { KestraFlow } from "../../../src/resources/flow/schema.ts";
import { installCrds, kubectl, TestNamespace, uniqueName } from "../../support/cluster.ts";
import { eventually } from "../../support/eventually.ts";
import { changesKestra, FaultProxy } from "../../support/faultProxy.ts";
import type { Exchange } from "../../support/faultProxy.ts";
import { flowSource } from "../../support/flowSource.ts";
import { TestKestra } from "../../support/kestra.ts";
import { OperatorProcess } from "../../support/operator.ts";
import { counterparts, hasSandbox } from "../../support/sandbox.ts";

jest.setTimeout(120_000);

const kestra = new TestKestra();
const kestraNamespace = uniqueName("lifecycle");
/** Longer than the longest pause between two attempts. */
const RECOVERY = { within: 60_000 };
const source = (id: string, message?: string) => flowSource(kestraNamespace, id, message);
let cluster: TestNamespace;
let proxy: FaultProxy;
let operator: OperatorProcess;

beforeAll(async () => {
  cluster = await TestNamespace.create("lifecycle");
  proxy = await FaultProxy.before(counterparts().kestra);
});

afterEach(async () => {
  await operator.kill("SIGKILL");
  proxy.heal();
});

afterAll(async () => {
  await proxy.close();
  await cluster.destroy();
});

/** Starts an operator whose calls to Kestra go through the proxy. */
async function start(settings: Record<string, string> = {}): Promise<void> {
  operator = await OperatorProcess.start(cluster.name, { settings: { KESTRA_URL: proxy.url, ...settings } });
}

async function waitEnded(): Promise<number | undefined> {
  await eventually(() => {
    if (operator.running) throw new Error(`it still runs: ${operator.output.slice(-2000)}`);
  });
  return operator.exitCode;
}

const isCreation = ({ method, path }: Exchange) => method === "POST" && path.endsWith("/flows");

describe("SIGTERM in the middle of a reconcile", () => {
  test("lets the reconcile end, and exits with 0", async () => {
    await start();
    const held = proxy.hold("after", isCreation);
    await cluster.createFlow("drained", { source: source("drained") });
    await held.reached;
    expect(await operator.metric("kestraflow_reconciles_active", { kind: "KestraFlow" })).toBe(1);
    const exit = operator.stop();
    await eventually(async () => {
      expect((await operator.get("/readyz")).status).toBe(503);
    });
    held.release();
    expect(await exit).toBe(0);
    const { status } = await cluster.waitReady("drained", { within: 0 });
    expect(status?.flow?.revision).toBe(1);
  });

  test("cuts what does not end within the grace period, exits with 0, and the next operator completes it", async () => {
    await start({ SHUTDOWN_GRACE: "500ms" });
    const held = proxy.hold("after", isCreation);
    await cluster.createFlow("cut-off", { source: source("cut-off") });
    await held.reached;
    expect(await operator.stop()).toBe(0);
    expect(operator.output).toContain("work under way was cut off");
    held.release();

    await start();
    await cluster.waitReady("cut-off");
    expect((await kestra.flow(kestraNamespace, "cut-off"))?.revision).toBe(1);
  });
});

describe("a configuration that cannot be used", () => {
  const wrong = {
    KESTRA_URL: "kestra:8080",
    DRIFT_INTERVAL: "often",
    CONCURRENCY: "0",
    LOG_LEVEL: "loud",
    NAMESPACE_POLICY: "team-*",
    LEASE_DURATION: "0s",
  };

  test.each([
    wrong,
    { KESTRA_URL: "" },
    { KESTRA_PASSWORD: "" },
    { KESTRA_PASSWORD_FILE: "/somewhere" },
    { KESTRA_PASSWORD_FILE: "/nowhere/password", KESTRA_PASSWORD: "" },
    { KESTRA_CA_FILE: "/nowhere/ca.pem" },
    { LEASE_NAMESPACE: "", LEADER_ELECTION: "true" },
    { KUBECONFIG: "/nowhere/kubeconfig" },
    { KUBE_CONTEXT: "unheard-of" },
  ] as Record<string, string>[])("is told by its variables, with exit code 2: %j", async (settings) => {
    operator = await OperatorProcess.start(cluster.name, { ready: false, settings });
    expect(await waitEnded()).toBe(2);
    const variables = settings === wrong ? Object.keys(wrong) : Object.keys(settings).slice(0, 1);
    for (const variable of variables) expect(operator.output).toContain(variable);
    expect(operator.output).not.toContain("    at ");
    expect(operator.output).not.toContain(counterparts().kestra.password);
  });
});

test("healthz, readyz and metrics are served, and nothing else", async () => {
  await start();
  expect(await operator.get("/healthz")).toEqual({ status: 200, body: "ok\n" });
  expect(await operator.get("/readyz")).toEqual({ status: 200, body: "ok\n" });
  const { status, body } = await operator.get("/metrics");
  expect(status).toBe(200);
  for (const name of [
    "reconciles_total",
    "reconciles_active",
    "queue_depth",
    "kestra_calls_total",
    "resources",
    "kestra_up",
    "leader",
  ]) {
    expect(body).toContain(`# TYPE kestraflow_${name} `);
  }
  expect(body).not.toContain(cluster.name);
  expect((await operator.get("/")).status).toBe(404);
});

test("a port that is taken is said in one line", async () => {
  await start();
  const taken = /"port":(\d+)/.exec(operator.output)?.[1] ?? "";
  const first = operator;
  operator = await OperatorProcess.start(cluster.name, { ready: false, settings: { HTTP_PORT: taken } });
  try {
    expect(await waitEnded()).toBe(2);
    expect(operator.output).toMatch(/HTTP_PORT: .*EADDRINUSE.*\n$/);
  } finally {
    await first.stop();
  }
});

test("a restart with everything in sync writes nothing, to Kubernetes or to Kestra", async () => {
  const ids = Array.from({ length: 100 }, (_, index) => `sync-${index}`);
  await start();
  await Promise.all(ids.map((id) => cluster.createFlow(id, { source: source(id) })));
  for (const id of ids) await cluster.waitReady(id);
  expect(await operator.stop()).toBe(0);
  const versions = await resourceVersions();
  const calls = proxy.log.length;

  await start();
  // Each is read once after a start; then the queue is empty.
  await eventually(async () => {
    expect(await operator.metric("kestraflow_kestra_calls_total", { operation: "getFlow" })).toBeGreaterThanOrEqual(
      100,
    );
    expect(await operator.metric("kestraflow_queue_depth")).toBe(0);
  });
  expect(await operator.kubernetesWrites()).toBe(0);
  expect(await operator.kestraWrites()).toBe(0);
  expect(await resourceVersions()).toEqual(versions);
  expect(proxy.log.slice(calls).filter(changesKestra)).toEqual([]);
});

async function resourceVersions(): Promise<string> {
  return kubectl(["get", "kestraflows", "-n", cluster.name, "-o", "jsonpath={.items[*].metadata.resourceVersion}"]);
}

/** They take all KestraFlows of the cluster with them: only where the cluster is ours. */
(hasSandbox() ? describe : describe.skip)("CRDs that are not there", () => {
  const waitStatus = (wanted: number) =>
    eventually(async () => {
      const { status, body } = await operator.get("/readyz");
      expect(status).toBe(wanted);
      return body;
    }, RECOVERY);

  /** The operator lets its own resource go; those that other tests left behind have no operator any more. */
  async function deleteCrd(own?: string): Promise<void> {
    const { items } = await cluster.client.list<KestraFlow>(kestraFlows);
    const orphans = items.filter(({ metadata }) => metadata.namespace !== cluster.name || metadata.name !== own);
    await Promise.all(
      orphans.map(({ metadata }) =>
        cluster.client.mergePatch(kestraFlows, metadata, { metadata: { finalizers: null } }),
      ),
    );
    await kubectl(["delete", "crd/kestraflows.kestraflow.dev", "--timeout=60s"]);
  }

  afterAll(installCrds);

  test("at the start: it is not ready, says why, and is once they are installed", async () => {
    await deleteCrd();
    operator = await OperatorProcess.start(cluster.name, { ready: false });
    expect(await waitStatus(503)).toContain("kestraflows");
    expect((await operator.get("/healthz")).status).toBe(200);
    await installCrds();
    await waitStatus(200);
    await cluster.createFlow("first", { source: source("first") });
    await cluster.waitReady("first");
  });

  test("later on: it is not ready until they are back, and keeps the flows it finds then", async () => {
    await start();
    await cluster.createFlow("kept", { source: source("kept"), deletionPolicy: "Orphan" });
    await cluster.waitReady("kept");
    await deleteCrd("kept");
    await waitStatus(503);
    await installCrds();
    await waitStatus(200);
    await cluster.createFlow("kept", { source: source("kept") });
    await cluster.waitReady("kept");
    expect((await kestra.flow(kestraNamespace, "kept"))?.revision).toBe(1);
    expect(operator.running).toBe(true);
  });
});
