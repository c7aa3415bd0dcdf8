import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { TestNamespace, uniqueName } from "../../support/cluster.ts";
import { always, eventually } from "../../support/eventually.ts";
import { changesKestra, changesKubernetes } from "../../support/faultProxy.ts";
import { flowSource } from "../../support/flowSource.ts";
import { TestKestra } from "../../support/kestra.ts";
import { OperatorProcess } from "../../support/operator.ts";
import { ANYTHING, apiServerOf, ServiceAccount, SERVING } from "./access.ts";
import { Replica } from "./replica.ts";

jest.setTimeout(60_000);

const LEASE_MS = 3_000;

const kestra = new TestKestra();
const kestraNamespace = uniqueName("leadership");
let cluster: TestNamespace;
let account: ServiceAccount;
const running: Replica[] = [];

beforeAll(async () => {
  cluster = await TestNamespace.create("leadership");
  account = await ServiceAccount.create(cluster, "replica");
  await account.grantEverywhere(ANYTHING);
  await account.waitAllowed("list", "kestraflows", cluster.name);
});

afterAll(async () => {
  await account.remove();
  await cluster.destroy();
});

/** Two replicas that compete for a lease of their own; the one that leads comes first. */
async function startPair(leaseMs = LEASE_MS): Promise<[leader: Replica, standby: Replica]> {
  const settings = {
    LEADER_ELECTION: "true",
    LEASE_NAMESPACE: cluster.name,
    LEASE_NAME: uniqueName("lease"),
    LEASE_DURATION: `${leaseMs}ms`,
  };
  const [a, b] = await Promise.all([
    Replica.start(cluster, account, { settings }),
    Replica.start(cluster, account, { settings }),
  ]);
  running.push(a, b);
  return eventually(async () => {
    const [aLeads, bLeads] = [await a.leads(), await b.leads()];
    if (aLeads === bLeads) throw new Error(`both replicas say ${aLeads} to leading`);
    return aLeads ? [a, b] : [b, a];
  });
}

async function endAll(): Promise<void> {
  await Promise.all(running.splice(0).map((replica) => replica.end()));
}

function createFlow(id: string): Promise<unknown> {
  return cluster.createFlow(id, { source: flowSource(kestraNamespace, id) });
}

function editFlow(id: string, message: string): Promise<unknown> {
  return cluster.patchSpec(id, { source: flowSource(kestraNamespace, id, message) });
}

async function expectInKestra(id: string, message: string, revision: number): Promise<void> {
  const stored = await kestra.flow(kestraNamespace, id);
  expect(stored).toMatchObject({ source: flowSource(kestraNamespace, id, message), revision });
}

describe("two replicas", () => {
  afterEach(endAll);

  test("only one of them writes, and each flow is created exactly once", async () => {
    const [leader, standby] = await startPair();
    const ids = Array.from({ length: 10 }, (_, index) => `shared-${index}`);
    await Promise.all(ids.map(createFlow));
    for (const id of ids) {
      await cluster.waitReady(id);
      await expectInKestra(id, "hello", 1);
    }
    expect(leader.kestra.log.filter(changesKestra)).toHaveLength(ids.length);
    expect(standby.changes.filter(({ path }) => !path.includes("/leases"))).toEqual([]);
    expect(await leader.operator.kestraWrites()).toBe(ids.length);
    expect(await standby.operator.kestraWrites()).toBe(0);
    expect(await standby.operator.kubernetesWrites()).toBe(0);
    expect((await standby.operator.get("/readyz")).status).toBe(200);
  });

  test("on SIGTERM the leader hands over at once and exits with 0", async () => {
    // So long a lease that waiting for its end would be noticed.
    const [leader, standby] = await startPair(10 * LEASE_MS);
    await createFlow("handed-over");
    await cluster.waitReady("handed-over");

    const exit = leader.operator.stop();
    await standby.waitLeading(5 * LEASE_MS);
    expect(await exit).toBe(0);

    const writes = leader.changes.length;
    await editFlow("handed-over", "by the next leader");
    await cluster.waitReady("handed-over");
    await expectInKestra("handed-over", "by the next leader", 2);
    expect(leader.changes).toHaveLength(writes);
    expect(standby.kestra.log.filter(changesKestra)).toHaveLength(1);
  });
});

describe("a leader that is frozen past its lease, in the middle of its work", () => {
  let frozen: Replica;
  let successor: Replica;
  let thawedAt: number;

  beforeAll(async () => {
    [frozen, successor] = await startPair();
    for (const id of ["validating", "written", "later", "untouched"]) await createFlow(id);
    for (const id of ["validating", "written", "later", "untouched"]) await cluster.waitReady(id);

    // Of one flow it is about to send the update, of another to report the update it sent: the answers lie in its mailbox.
    const validation = (path: string, body: string) => path.endsWith("/validate") && body.includes("id: validating");
    const held = frozen.kestra.hold(
      "after",
      ({ method, path, body }) => validation(path, body) || (method === "PUT" && path.endsWith("/written")),
    );
    await editFlow("validating", "edited");
    await editFlow("written", "edited");
    await eventually(() => {
      const { log } = frozen.kestra;
      expect(log.filter(({ path, body, status }) => validation(path, body) && status === 200)).toHaveLength(2);
      expect(log.filter(({ method, status }) => method === "PUT" && status === 200)).toHaveLength(1);
    });
    await frozen.operator.kill("SIGSTOP");
    held.release();
    await editFlow("later", "edited while the leader was frozen");
    await successor.waitLeading(3 * LEASE_MS);
    await cluster.waitReady("validating");
    await cluster.waitReady("written");
    await cluster.waitReady("later");
    // Its next update of each would be seen as one more revision.
    await editFlow("validating", "edited by the successor");
    await cluster.waitReady("validating");

    thawedAt = performance.now();
    await frozen.operator.kill("SIGCONT");
  });

  afterAll(endAll);

  test("another takes over what it left", async () => {
    await expectInKestra("validating", "edited by the successor", 3);
    await expectInKestra("written", "edited", 2);
    await expectInKestra("later", "edited while the leader was frozen", 2);
  });

  test("it writes nothing when it thaws", async () => {
    await eventually(() => {
      expect(frozen.operator.output).toContain("not leading any more");
    });
    const sinceThen = () => frozen.changes.filter(({ at }) => at > thawedAt);
    await always(() => {
      expect(sinceThen()).toEqual([]);
    }, 2_000);
    expect(await frozen.leads()).toBe(false);
    expect(frozen.operator.running).toBe(true);
    await expectInKestra("validating", "edited by the successor", 3);
    await expectInKestra("written", "edited", 2);
    await expectInKestra("later", "edited while the leader was frozen", 2);
  });

  test("it stays a standby that takes over, and looks after every flow then", async () => {
    await successor.operator.kill("SIGKILL");
    await frozen.waitLeading(3 * LEASE_MS);
    await editFlow("later", "by the thawed one");
    await cluster.waitReady("later");
    await expectInKestra("later", "by the thawed one", 3);

    await kestra.edit(kestraNamespace, "untouched", flowSource(kestraNamespace, "untouched", "edited by a person"));
    await eventually(() => expectInKestra("untouched", "hello", 3));
    const writes = frozen.changes.filter(({ at }) => at > thawedAt);
    expect(writes.filter(changesKestra).filter(({ path }) => path.includes("/flows/"))).not.toEqual([]);
    expect(writes.filter(changesKubernetes)).not.toEqual([]);
  });
});

test("an operator that may not use the Lease says what to allow, and exits", async () => {
  const limited = await ServiceAccount.create(cluster, "no-lease");
  await limited.grantIn(cluster.name, SERVING);
  await limited.waitAllowed("list", "kestraflows", cluster.name);
  const operator = await OperatorProcess.start(cluster.name, {
    ready: false,
    settings: {
      KUBECONFIG: await limited.kubeconfig(apiServerOf(cluster)),
      LEADER_ELECTION: "true",
      LEASE_NAMESPACE: cluster.name,
      LEASE_NAME: "forbidden",
    },
  });
  try {
    await eventually(() => {
      expect(operator.running).toBe(false);
    });
    expect(operator.exitCode).toBe(1);
    expect(operator.output).toContain(`forbidden in namespace \\"${cluster.name}\\"`);
    expect(operator.output).toContain("allow get, create and update of leases.coordination.k8s.io there");
  } finally {
    await operator.kill("SIGKILL");
    await limited.remove();
  }
});
