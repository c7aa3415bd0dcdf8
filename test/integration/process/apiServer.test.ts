import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { TestNamespace, uniqueName } from "../../support/cluster.ts";
import { eventually } from "../../support/eventually.ts";
import { changesKestra, FaultProxy } from "../../support/faultProxy.ts";
import { flowSource } from "../../support/flowSource.ts";
import { TestKestra } from "../../support/kestra.ts";
import { OperatorProcess } from "../../support/operator.ts";
import { counterparts, hasSandbox, restartServer, startServer, stopServer } from "../../support/sandbox.ts";

jest.setTimeout(180_000);

/** Longer than the longest pause between two attempts to list. */
const RECOVERY = { within: 60_000 };

const kestra = new TestKestra();
const kestraNamespace = uniqueName("apiserver");
const source = (id: string, message = "hello") => flowSource(kestraNamespace, id, message);
let cluster: TestNamespace;
let proxy: FaultProxy;
let operator: OperatorProcess;

(hasSandbox() ? describe : describe.skip)("an API server that is killed under a running operator", () => {
  beforeAll(async () => {
    cluster = await TestNamespace.create("apiserver");
    proxy = await FaultProxy.before(counterparts().kestra);
    operator = await OperatorProcess.start(cluster.name, { settings: { KESTRA_URL: proxy.url } });
    for (const id of ["edited", "untouched"]) await cluster.createFlow(id, { source: source(id) });
    for (const id of ["edited", "untouched"]) await cluster.waitReady(id);
  });

  afterAll(async () => {
    await startServer("kube-apiserver");
    await operator.stop();
    await proxy.close();
    await cluster.destroy();
  });

  const creationsOf = (id: string) =>
    proxy.log.filter(({ method, path, body }) => method === "POST" && path.endsWith("/flows") && body.includes(id));

  test("an edit made after it is back is applied, and nothing is done twice", async () => {
    await restartServer("kube-apiserver", { kill: true });
    const before = proxy.log.filter(changesKestra).length;
    await cluster.patchSpec("edited", { source: source("edited", "after the restart") });
    await cluster.createFlow("made-after", { source: source("made-after") });
    await cluster.waitReady("edited", RECOVERY);
    await cluster.waitReady("made-after", RECOVERY);

    expect(await kestra.flow(kestraNamespace, "edited")).toMatchObject({
      revision: 2,
      source: source("edited", "after the restart"),
    });
    expect(await kestra.flow(kestraNamespace, "untouched")).toMatchObject({ revision: 1, source: source("untouched") });
    expect(proxy.log.filter(changesKestra)).toHaveLength(before + 2);
    expect(operator.running).toBe(true);
    await eventually(async () => {
      expect((await operator.get("/readyz")).status).toBe(200);
    }, RECOVERY);
  });

  test("a flow whose creation could not be reported is not created again", async () => {
    const held = proxy.hold("before", ({ method, path }) => method === "POST" && path.endsWith("/flows"));
    await cluster.createFlow("unreported", { source: source("unreported") });
    await held.reached;
    await stopServer("kube-apiserver", { kill: true });
    held.release();
    await eventually(async () => {
      const lost = { verb: "patch", code: "unreachable" };
      expect(await operator.metric("kestraflow_kubernetes_calls_total", lost)).toBeGreaterThan(0);
    }, RECOVERY);
    await startServer("kube-apiserver");

    await cluster.waitReady("unreported", RECOVERY);
    expect((await kestra.flow(kestraNamespace, "unreported"))?.revision).toBe(1);
    expect(creationsOf("unreported").filter(({ status }) => status === 200)).toHaveLength(1);
    expect(operator.running).toBe(true);
  });
});
