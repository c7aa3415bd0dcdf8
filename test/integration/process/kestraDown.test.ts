import { rm } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { sandboxFolder } from "../../../sandbox/state.ts";
import { findCondition } from "../../../src/kubernetes/conditions.ts";
import { kestraFlows } from "../../../src/resources/flow/schema.ts";
import type { KestraFlow } from "../../../src/resources/flow/schema.ts";
import { TestNamespace, uniqueName } from "../../support/cluster.ts";
import { always, eventually } from "../../support/eventually.ts";
import { FaultProxy } from "../../support/faultProxy.ts";
import type { Fault } from "../../support/faultProxy.ts";
import { flowSource } from "../../support/flowSource.ts";
import { TestKestra } from "../../support/kestra.ts";
import { OperatorProcess } from "../../support/operator.ts";
import { counterparts, hasSandbox, startServer, stopServer } from "../../support/sandbox.ts";

jest.setTimeout(240_000);

/** Longer than the longest pause between two looks at a Kestra that is away. */
const RECOVERY = { within: 45_000 };
/** What has to hold while Kestra is away is looked at for this long, in milliseconds. */
const A_WHILE = 4_000;

const kestra = new TestKestra();
const kestraNamespace = uniqueName("away");
/** Servers can be stopped only where they are ours. */
const describeOwn = hasSandbox() ? describe : describe.skip;
let cluster: TestNamespace;
let operator: OperatorProcess;

beforeAll(async () => {
  cluster = await TestNamespace.create("away");
});

afterAll(() => cluster.destroy());

async function createFlows(...ids: string[]): Promise<void> {
  for (const id of ids) await cluster.createFlow(id, { source: flowSource(kestraNamespace, id) });
}

async function waitReady(...ids: string[]): Promise<void> {
  for (const id of ids) await cluster.waitReady(id, RECOVERY);
}

async function waitKestraUp(wanted: 0 | 1): Promise<void> {
  await eventually(async () => {
    expect(await operator.metric("kestraflow_kestra_up")).toBe(wanted);
  }, RECOVERY);
}

/** Checks for a while that this flow stays in sync, and that nothing is written to any. */
async function staysAsItIs(id: string): Promise<void> {
  const versions = await resourceVersions();
  await always(async () => {
    const { status } = await cluster.getFlow(id);
    expect(findCondition(status?.conditions, "Ready")).toMatchObject({ status: "True", reason: "Synced" });
    expect(await resourceVersions()).toEqual(versions);
  }, A_WHILE);
}

async function resourceVersions(): Promise<Record<string, string>> {
  const { items } = await cluster.client.list<KestraFlow>(kestraFlows, { namespace: cluster.name });
  return Object.fromEntries(items.map(({ metadata: { name, resourceVersion } }) => [name, resourceVersion]));
}

describeOwn("while Kestra is down", () => {
  beforeAll(async () => {
    operator = await OperatorProcess.start(cluster.name);
    await createFlows("in-sync", "to-delete", "to-abandon");
    await waitReady("in-sync", "to-delete", "to-abandon");
    await stopServer("kestra");
    await waitKestraUp(0);
    await createFlows("made-meanwhile");
    for (const id of ["to-delete", "to-abandon"]) await cluster.deleteFlow(id);
    for (const id of ["to-delete", "to-abandon"]) await cluster.waitFor(id, "Ready", "False", "DeletionBlocked");
    await cluster.waitFor("made-meanwhile", "Ready", "False", "KestraUnreachable");
  });

  afterAll(async () => {
    await startServer("kestra");
    await operator.stop();
  });

  test("a flow made meanwhile says what it waits for", async () => {
    const flow = await cluster.getFlow("made-meanwhile");
    expect(findCondition(flow.status?.conditions, "Reconciling")?.status).toBe("True");
    expect(findCondition(flow.status?.conditions, "Stalled")).toBeUndefined();
  });

  test("a deleted resource stays, and says why and how to let it go", async () => {
    const flow = await cluster.getFlow("to-delete");
    expect(findCondition(flow.status?.conditions, "Ready")?.message).toContain("kestraflow.dev/abandon=true");
    expect(flow.metadata.finalizers).toEqual(["kestraflow.dev/finalizer"]);
  });

  test("what was in sync stays Ready, and nothing is written", async () => {
    await staysAsItIs("in-sync");
    expect((await operator.get("/readyz")).status).toBe(200);
  });

  test("the annotation lets a deleted resource go", async () => {
    await cluster.annotate("to-abandon", { "kestraflow.dev/abandon": "true" });
    await cluster.waitGone("to-abandon");
  });

  test("when it is back, everything is done", async () => {
    await startServer("kestra");
    await waitReady("made-meanwhile", "in-sync");
    await cluster.waitGone("to-delete", RECOVERY);
    expect(await kestra.flow(kestraNamespace, "to-delete")).toBeUndefined();
    expect(await kestra.flow(kestraNamespace, "to-abandon")).toBeDefined();
    for (const id of ["made-meanwhile", "in-sync"]) {
      expect(await kestra.flow(kestraNamespace, id)).toMatchObject({
        revision: 1,
        source: flowSource(kestraNamespace, id),
      });
    }
  });
});

describe("a Kestra that lost its flows", () => {
  const ids = ["lost-1", "lost-2", "lost-3"];

  beforeAll(async () => {
    operator = await OperatorProcess.start(cluster.name);
    await createFlows(...ids);
    await waitReady(...ids);
  });

  afterAll(() => operator.stop());

  async function expectAllBack(): Promise<void> {
    await eventually(async () => {
      for (const id of ids) {
        const stored = await kestra.flow(kestraNamespace, id);
        expect(stored?.source).toBe(flowSource(kestraNamespace, id));
        const { status } = await cluster.getFlow(id);
        expect(status?.flow?.revision).toBe(stored?.revision);
        expect(status?.drift).toMatchObject({ kind: "Deleted", correctedAt: expect.any(String) });
      }
    }, RECOVERY);
    await waitReady(...ids);
  }

  test("gets them back when all were deleted", async () => {
    for (const id of ids) await kestra.delete(kestraNamespace, id);
    await expectAllBack();
  });

  (hasSandbox() ? test : test.skip)("gets them back when it starts with an empty database", async () => {
    await stopServer("kestra");
    await rm(sandboxFolder(process.env.KESTRAFLOW_SANDBOX ?? "").data("kestra"), { recursive: true });
    await startServer("kestra");
    await expectAllBack();
    for (const id of ids) expect((await kestra.flow(kestraNamespace, id))?.revision).toBe(1);
  });
});

describe("something else answers in Kestra's place", () => {
  let proxy: FaultProxy;
  let elsewhere: FaultProxy;

  beforeAll(async () => {
    proxy = await FaultProxy.before(counterparts().kestra);
    elsewhere = await FaultProxy.before(counterparts().kestra);
    operator = await OperatorProcess.start(cluster.name, {
      settings: { KESTRA_URL: proxy.url, KESTRA_UI_URL: counterparts().kestra.url },
    });
    await createFlows("settled");
    await waitReady("settled");
  });

  afterAll(async () => {
    await operator.stop();
    await Promise.all([proxy.close(), elsewhere.close()]);
  });

  const page = "<html><body>The portal is being maintained</body></html>";
  const faults: { name: string; fault: () => Fault; says: string }[] = [
    {
      name: "a page in HTML",
      fault: () => ({ status: 200, body: page, headers: { "Content-Type": "text/html" } }),
      says: "is KESTRA_URL the address of a Kestra?",
    },
    { name: "503 from a proxy", fault: () => ({ status: 503, body: page }), says: "503" },
    {
      name: "a redirect",
      fault: () => ({ status: 302, headers: { Location: `${elsewhere.url}/api/v1/configs` } }),
      says: "redirects are not followed",
    },
    { name: "a connection that is cut", fault: () => "cut", says: "out of reach" },
    { name: "silence", fault: () => "hang", says: "no answer within" },
  ];

  test.each(faults)("$name: a condition says so, without a flood of calls, and it recovers", async (row) => {
    const id = uniqueName("late");
    proxy.break(row.fault());
    await waitKestraUp(0);
    await createFlows(id);
    const flow = await cluster.waitFor(id, "Ready", "False", "KestraUnreachable");
    expect(findCondition(flow.status?.conditions, "Ready")?.message).toContain(row.says);

    const calls = proxy.log.length;
    await staysAsItIs("settled");
    expect(proxy.log.length - calls).toBeLessThanOrEqual(10);
    expect(elsewhere.log).toEqual([]);

    proxy.heal();
    await waitReady(id, "settled");
    expect((await kestra.flow(kestraNamespace, id))?.revision).toBe(1);
    expect((await kestra.flow(kestraNamespace, "settled"))?.revision).toBe(1);
  });
});
