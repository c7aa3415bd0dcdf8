import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, jest, test } from "@jest/globals";
import { findCondition } from "../../../src/kubernetes/conditions.ts";
import { kubectl, TestNamespace, uniqueName } from "../../support/cluster.ts";
import { always, eventually } from "../../support/eventually.ts";
import { FaultProxy } from "../../support/faultProxy.ts";
import type { Exchange, Fault } from "../../support/faultProxy.ts";
import { flowSource } from "../../support/flowSource.ts";
import { TestKestra } from "../../support/kestra.ts";
import { OperatorProcess } from "../../support/operator.ts";
import { counterparts } from "../../support/sandbox.ts";

jest.setTimeout(120_000);

/** Longer than the longest pause between two attempts. */
const RECOVERY = { within: 60_000 };

const kestra = new TestKestra();
const kestraNamespace = uniqueName("login");
const source = (id: string, message?: string) => flowSource(kestraNamespace, id, message);
const canary = `canary-${uniqueName("secret")}`;
const { username, password } = counterparts().kestra;
const basic = (secret: string) => Buffer.from(`${username}:${secret}`).toString("base64");
let folder: string;
let file: string;
let cluster: TestNamespace;
let proxy: FaultProxy;
let operator: OperatorProcess;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kestraflow-test-"));
  file = join(folder, "password");
  cluster = await TestNamespace.create("login");
  proxy = await FaultProxy.before(counterparts().kestra);
});

afterEach(async () => {
  await operator.kill("SIGKILL");
  proxy.heal();
});

afterAll(async () => {
  await proxy.close();
  await cluster.destroy();
  await rm(folder, { recursive: true });
});

/** Starts an operator whose calls to Kestra go through the proxy. */
async function start(settings: Record<string, string>): Promise<void> {
  operator = await OperatorProcess.start(cluster.name, { settings: { KESTRA_URL: proxy.url, ...settings } });
}

test("a login is followed when its file changes; while it is refused, conditions say so", async () => {
  await writeFile(file, `${password}\n`);
  await start({ KESTRA_PASSWORD: "", KESTRA_PASSWORD_FILE: file });
  await cluster.createFlow("signed-in", { source: source("signed-in") });
  await cluster.waitReady("signed-in");

  await writeFile(file, canary);
  await eventually(async () => {
    expect(await operator.metric("kestraflow_kestra_unauthorized")).toBe(1);
  });
  await cluster.patchSpec("signed-in", { source: source("signed-in", "edited") });
  const flow = await cluster.waitFor("signed-in", "Ready", "False", "KestraUnauthorized");
  expect(findCondition(flow.status?.conditions, "Reconciling")?.status).toBe("True");
  expect(findCondition(flow.status?.conditions, "Stalled")).toBeUndefined();
  expect((await operator.get("/readyz")).status).toBe(200);

  await writeFile(file, `${password}\n`);
  await cluster.waitReady("signed-in");
  expect((await kestra.flow(kestraNamespace, "signed-in"))?.revision).toBe(2);
  await expectNowhere(canary);
  await expectNowhere(password);
});

test("a password is never told, whatever Kestra does", async () => {
  // Who answers is asked without effect; what needs the login goes wrong in every way.
  const needsLogin = ({ path }: Exchange) => !path.endsWith("/configs");
  const calls = () => proxy.log.filter(needsLogin).length;
  const inflict = (fault: Fault) =>
    (proxy.faults = { before: (exchange) => (needsLogin(exchange) ? fault : undefined) });
  inflict("cut");
  await start({ KESTRA_PASSWORD: canary });
  await cluster.createFlow("refused", { source: source("refused") });
  for (const fault of ["cut", { status: 500, body: "<html>" }, { status: 200, body: canary }] as const) {
    inflict(fault);
    const before = calls();
    await eventually(() => {
      expect(calls()).toBeGreaterThan(before);
    }, RECOVERY);
  }
  proxy.heal();
  await cluster.waitFor("refused", "Ready", "False", "KestraUnauthorized", RECOVERY);
  expect(proxy.log.at(-1)?.authorization).toBe(`Basic ${basic(canary)}`);
  await expectNowhere(canary);
});

test("a login is not tried again and again when it is refused", async () => {
  await start({ KESTRA_PASSWORD: canary });
  const ids = Array.from({ length: 10 }, () => uniqueName("refused"));
  for (const id of ids) await cluster.createFlow(id, { source: source(id) });
  for (const id of ids) await cluster.waitFor(id, "Ready", "False", "KestraUnauthorized");
  const calls = proxy.log.length;
  await always(() => {
    expect(proxy.log.length - calls).toBeLessThanOrEqual(2);
  }, 5_000);
});

/** In no log line, object, Event or metric. */
async function expectNowhere(secret: string): Promise<void> {
  const objects = await kubectl(["get", "kestraflows,events", "-n", cluster.name, "-o", "json"]);
  const { body } = await operator.get("/metrics");
  for (const text of [operator.output, objects, body]) {
    expect(text.includes(secret)).toBe(false);
    expect(text.includes(basic(secret))).toBe(false);
  }
}
