import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { ServerResponse } from "node:http";
import { KubernetesClient } from "../../../src/kubernetes/client.ts";
import { Lease, LeaseForbidden, LeadershipLost, type LeaseOptions } from "../../../src/kubernetes/lease.ts";
import { silentLogger } from "../../../src/lib/log.ts";
import { ManualClock, settle } from "./support/manualClock.ts";
import { answer, refuse, serve, type Request, type TestServer } from "./support/server.ts";
import { until } from "./support/until.ts";

interface Stored {
  metadata: { resourceVersion: string };
  spec: { holderIdentity: string; renewTime: string; leaseDurationSeconds: number; leaseTransitions: number };
}

let server: TestServer;
let stored: Stored | undefined;
let leases: Lease[];
let client: KubernetesClient;
let version: number;

/** One lease, as the API server keeps it: made once, replaced only by who knows its version. */
function serveLease(request: Request, response: ServerResponse): void {
  const body = request.body as Stored;
  if (request.method === "GET") {
    if (stored === undefined) refuse(response, 404, "NotFound");
    else answer(response, 200, stored);
    return;
  }
  if (request.method === "POST" && stored !== undefined) refuse(response, 409, "AlreadyExists");
  else if (request.method === "PUT" && body.metadata.resourceVersion !== stored?.metadata.resourceVersion)
    refuse(response, 409, "Conflict");
  else
    answer(response, 200, (stored = { ...body, metadata: { ...body.metadata, resourceVersion: String(++version) } }));
}

beforeEach(async () => {
  stored = undefined;
  leases = [];
  version = 0;
  server = await serve(serveLease);
  client = KubernetesClient.connect({ kubeconfig: server.kubeconfig, logger: silentLogger });
});

afterEach(async () => {
  server.handle(serveLease);
  await Promise.all(leases.map((lease) => lease.stop()));
  await client.close();
  await server.close();
});

interface Candidate {
  lease: Lease;
  clock: ManualClock;
  log: string[];
  signals: AbortSignal[];
}

function candidate(identity: string, options: Partial<LeaseOptions> = {}): Candidate {
  const clock = new ManualClock();
  const log: string[] = [];
  const signals: AbortSignal[] = [];
  const lease = new Lease({
    client,
    namespace: "n",
    name: "l",
    identity,
    clock,
    random: () => 0,
    logger: silentLogger,
    onAcquired: (signal) => {
      log.push("acquired");
      signals.push(signal);
    },
    onLost: () => log.push("lost"),
    ...options,
  });
  leases.push(lease);
  return { lease, clock, log, signals };
}

async function leading(identity = "a", options?: Partial<LeaseOptions>): Promise<Candidate> {
  const one = candidate(identity, options);
  void one.lease.run();
  await until(`${identity} leads`, () => one.lease.isLeader);
  return one;
}

/** Lets time pass for some, in steps that leave room for their calls. */
async function pass(seconds: number, ...candidates: Candidate[]): Promise<void> {
  for (let i = 0; i < seconds; i++) {
    await Promise.all(candidates.map(({ clock }) => clock.advance(1000)));
    await new Promise((resolve) => setTimeout(resolve, 5));
    await settle();
  }
}

describe("acquiring", () => {
  test("the first candidate gets the lease, the second does not while the first renews", async () => {
    const a = await leading("a");
    const b = candidate("b");
    void b.lease.run();
    await pass(60, a, b);
    expect(a.lease.isLeader).toBe(true);
    expect(b.log).toEqual([]);
    expect(stored?.spec).toMatchObject({ holderIdentity: "a", leaseDurationSeconds: 15, leaseTransitions: 0 });
    expect(stored?.spec.renewTime).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  });

  test("renewing takes one call each time", async () => {
    const a = await leading("a");
    const before = server.requests.length;
    await pass(20, a);
    const calls = server.requests.slice(before);
    expect(calls.length).toBeGreaterThanOrEqual(8);
    expect(calls.every(({ method }) => method === "PUT")).toBe(true);
  });

  test("a lease that is not renewed is taken over after its duration, not before, by the taker's own clock", async () => {
    const a = await leading("a");
    const b = candidate("b");
    b.clock.setWall(Date.parse("2001-01-01T00:00:00Z"));
    void b.lease.run();
    await pass(14, b);
    expect(b.lease.isLeader).toBe(false);
    await pass(4, b);
    expect(b.lease.isLeader).toBe(true);
    expect(stored?.spec).toMatchObject({ holderIdentity: "b", leaseTransitions: 1 });
    a.clock.freeze(20_000);
  });

  test("durations must leave room for each other", () => {
    expect(() => candidate("a", { durationMs: 5_000 })).toThrow(RangeError);
  });
});

describe("the fence", () => {
  test("holds before the first acquisition", () => {
    const { lease } = candidate("a");
    expect(() => {
      lease.fence();
    }).toThrow(LeadershipLost);
  });

  test("refuses at once when the process was frozen past the renew deadline, before any timer has fired", async () => {
    const a = await leading("a");
    a.lease.fence();
    a.clock.freeze(10_000);
    expect(a.lease.isLeader).toBe(false);
    expect(() => {
      a.lease.fence();
    }).toThrow(LeadershipLost);
  });

  test("refuses when the machine slept, which only the wall clock shows", async () => {
    const a = await leading("a");
    a.clock.setWall(a.clock.now() + 60_000);
    expect(a.lease.isLeader).toBe(false);
  });

  test("counts from when a renewal was begun, not from when its answer came", async () => {
    const a = await leading("a");
    const held: (() => void)[] = [];
    server.handle((request, response) => {
      held.push(() => {
        serveLease(request, response);
      });
    });
    await a.clock.advance(2_000);
    await until("the renewal is on its way", () => held.length === 1);
    a.clock.freeze(6_000);
    held.forEach((release) => {
      release();
    });
    server.handle(() => undefined);
    await until("the renewal was stored", () => stored?.metadata.resourceVersion === "2");
    await settle();
    a.clock.freeze(3_900);
    expect(a.lease.isLeader).toBe(true);
    a.clock.freeze(200);
    expect(a.lease.isLeader).toBe(false);
  });
});

describe("losing", () => {
  test("without renewals the term ends, its signal is aborted, and the next term has another", async () => {
    const a = await leading("a");
    server.handle((_, response) => {
      refuse(response, 500, "InternalError");
    });
    await pass(9, a);
    expect(a.signals[0]?.aborted).toBe(false);
    await pass(2, a);
    expect(a.log).toEqual(["acquired", "lost"]);
    expect(a.signals[0]?.reason).toBeInstanceOf(LeadershipLost);
    server.handle(serveLease);
    await pass(5, a);
    expect(a.log).toEqual(["acquired", "lost", "acquired"]);
    expect(a.signals[1]?.aborted).toBe(false);
  });

  test("a leader that wakes up after another took over stops, and does not take it back", async () => {
    const a = await leading("a");
    const b = candidate("b");
    void b.lease.run();
    await pass(20, b);
    expect(b.lease.isLeader).toBe(true);
    a.clock.freeze(20_000);
    expect(a.lease.isLeader).toBe(false);
    await pass(10, a, b);
    expect(a.log).toEqual(["acquired", "lost"]);
    expect(a.signals[0]?.aborted).toBe(true);
    expect(stored?.spec.holderIdentity).toBe("b");
  });

  test("a conflict with somebody who only touched the lease does not cost it", async () => {
    const a = await leading("a");
    if (stored !== undefined) stored = { ...stored, metadata: { ...stored.metadata, resourceVersion: "77" } };
    await pass(8, a);
    expect(a.log).toEqual(["acquired"]);
    expect(a.lease.isLeader).toBe(true);
  });
});

describe("stopping", () => {
  test("hands the lease over, and another candidate has it with its next attempt", async () => {
    const a = await leading("a");
    const b = candidate("b");
    void b.lease.run();
    await pass(3, a, b);
    await a.lease.stop();
    expect(stored?.spec.holderIdentity).toBe("");
    expect(a.lease.isLeader).toBe(false);
    expect(a.signals[0]?.aborted).toBe(true);
    await pass(3, b);
    expect(b.lease.isLeader).toBe(true);
  });

  test("leaves a lease alone that somebody else holds", async () => {
    const a = await leading("a");
    if (stored !== undefined) stored.spec = { ...stored.spec, holderIdentity: "b" };
    await a.lease.stop();
    expect(stored?.spec.holderIdentity).toBe("b");
  });

  test("ends also when the server does not answer", async () => {
    const a = await leading("a", { durationMs: 300, renewDeadlineMs: 200, retryMs: 100 });
    server.handle(() => undefined);
    await a.lease.stop();
    expect(a.lease.isLeader).toBe(false);
  });
});

test("a forbidden lease is a clear error, not an endless wait", async () => {
  server.handle((_, response) => {
    refuse(response, 403, "Forbidden");
  });
  const { lease } = candidate("a");
  const error = await lease.run().catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(LeaseForbidden);
  expect(error).toMatchObject({
    message: expect.stringContaining("allow get, create and update of leases") as unknown,
  });
});
