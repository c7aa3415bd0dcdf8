import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { TestNamespace, uniqueName } from "../../support/cluster.ts";
import { always } from "../../support/eventually.ts";
import { flowSource } from "../../support/flowSource.ts";
import { OperatorProcess } from "../../support/operator.ts";
import { entryLives, flowLives } from "../lives.ts";
import { apiServerOf, LEADING, ServiceAccount, SERVING } from "./access.ts";

jest.setTimeout(120_000);

const kestraNamespace = uniqueName("rights");
let served: TestNamespace;
let other: TestNamespace;
let account: ServiceAccount;
let operator: OperatorProcess;

/** Starts an operator that has the account's rights, with leader election, which needs rights of its own. */
async function startOperator(watchNamespaces: string): Promise<void> {
  operator = await OperatorProcess.start(watchNamespaces, {
    settings: {
      KUBECONFIG: await account.kubeconfig(apiServerOf(served)),
      LEADER_ELECTION: "true",
      LEASE_NAMESPACE: served.name,
      LEASE_DURATION: "5s",
    },
  });
}

/** Leads a flow and an entry of a namespace through everything that the operator does for them. */
async function liveThrough(cluster: TestNamespace): Promise<void> {
  await flowLives(cluster, kestraNamespace);
  await entryLives(cluster, kestraNamespace);
}

const forbiddenCalls = () => operator.metric("kestraflow_kubernetes_calls_total", { code: "403" });

beforeAll(async () => {
  served = await TestNamespace.create("rights");
  other = await TestNamespace.create("rights-other");
});

afterAll(async () => {
  await other.destroy();
  await served.destroy();
});

describe("with the rights it needs and no other, everything works", () => {
  afterEach(async () => {
    await operator.kill("SIGKILL");
    await account.remove();
  });

  test("in all namespaces", async () => {
    account = await ServiceAccount.create(served, "cluster-wide");
    await account.grantEverywhere(SERVING);
    await account.grantIn(served.name, LEADING, "leader");
    await account.waitAllowed("list", "kestraflows", other.name);
    await account.waitAllowed("create", "leases", served.name);
    await startOperator("");
    await liveThrough(served);
    await liveThrough(other);
    expect(await forbiddenCalls()).toBe(0);
    expect(await operator.stop()).toBe(0);
  });

  test("in one namespace, with a Role", async () => {
    account = await ServiceAccount.create(served, "namespaced");
    await account.grantIn(served.name, SERVING);
    await account.grantIn(served.name, LEADING, "leader");
    await account.waitAllowed("list", "kestraflows", served.name);
    await account.waitAllowed("create", "leases", served.name);
    await startOperator(served.name);
    await liveThrough(served);

    await other.createFlow("not-served", { source: flowSource(kestraNamespace, "not-served") });
    await always(async () => {
      expect((await other.getFlow("not-served")).status).toBeUndefined();
    }, 1_000);
    expect(await forbiddenCalls()).toBe(0);
    expect(await operator.stop()).toBe(0);
  });
});

describe("when one of its namespaces is closed to it", () => {
  beforeAll(async () => {
    account = await ServiceAccount.create(served, "half");
    await account.grantIn(served.name, SERVING);
    await account.grantIn(served.name, LEADING, "leader");
    await account.waitAllowed("list", "kestraflows", served.name);
    await account.waitAllowed("create", "leases", served.name);
    await startOperator(`${served.name},${other.name}`);
  });

  afterAll(async () => {
    await operator.stop();
    await account.remove();
  });

  test("the other one is served", async () => {
    expect(await forbiddenCalls()).toBeGreaterThan(0);
    await liveThrough(served);
    expect((await operator.get("/readyz")).status).toBe(200);
    expect(operator.output).toContain(`cannot list resource \\"kestraflows\\"`);
  });

  test("it is served as soon as it is opened", async () => {
    await account.grantIn(other.name, SERVING);
    await account.waitAllowed("list", "kestraflows", other.name);
    const id = uniqueName("opened");
    await other.createFlow(id, { source: flowSource(kestraNamespace, id) });
    await other.waitReady(id, { within: 60_000 });
  });
});
