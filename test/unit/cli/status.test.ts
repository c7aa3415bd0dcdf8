import { describe, expect, test } from "@jest/globals";
import type { InKestra } from "../../../src/cli/get/inKestra.ts";
import type { Resource } from "../../../src/cli/kinds.ts";
import { leaderOf } from "../../../src/cli/status/leader.ts";
import { reportOn } from "../../../src/cli/status/run.ts";
import type { KubernetesClient } from "../../../src/kubernetes/client.ts";
import { ApiError } from "../../../src/kubernetes/errors.ts";
import type { KestraFlow } from "../../../src/resources/flow/schema.ts";

const NOW = Date.parse("2026-05-01T00:00:00Z");

/** A cluster in which listing gives these Leases, or fails. */
function clusterWith(leases: object[] | Error): KubernetesClient {
  const list = () => (leases instanceof Error ? Promise.reject(leases) : Promise.resolve({ items: leases }));
  return { list } as unknown as KubernetesClient;
}

const lease = (spec: object) => ({ metadata: { namespace: "ops", name: "kestraflow-operator" }, spec });
const held = (secondsAgo: number) =>
  lease({
    holderIdentity: "pod-1",
    leaseDurationSeconds: 15,
    renewTime: new Date(NOW - secondsAgo * 1_000).toISOString(),
  });

describe("the leader", () => {
  test.each([
    [
      "leads while the lease is renewed",
      [held(3)],
      "leads",
      "pod-1 holds the Lease ops/kestraflow-operator, renewed 3s ago",
    ],
    ["is given some seconds for its clock", [held(19)], "leads", "renewed 19s ago"],
    ["is gone when the lease was not renewed", [held(90)], "expired", "renewed 1m 30s ago: it does not run any more"],
    ["is found among several", [held(90), held(1)], "leads", "renewed 1s ago"],
    ["gave the lease back", [lease({ holderIdentity: "" })], "released", "nobody holds the Lease"],
    ["was never there", [], "none", "there is no Lease kestraflow-operator"],
  ])("%s", async (_what, leases, state, message) => {
    const found = await leaderOf(clusterWith(leases), "kestraflow-operator", NOW);
    expect(found.state).toBe(state);
    expect(found.message).toContain(message);
  });

  test("is not known where Leases may not be listed", async () => {
    const forbidden = new ApiError("GET", 403, { reason: "Forbidden" });
    expect((await leaderOf(clusterWith(forbidden), "x", NOW)).state).toBe("unknown");
  });
});

describe("the report", () => {
  const condition = (type: string, status: string, reason: string, observedGeneration = 1) => ({
    type,
    status,
    reason,
    message: `${reason}.`,
    lastTransitionTime: "2026-05-01T00:00:00Z",
    observedGeneration,
  });
  const flow = (name: string, ...conditions: object[]) =>
    ({
      apiVersion: "kestraflow.dev/v1alpha1",
      kind: "KestraFlow",
      metadata: { namespace: "team", name, uid: name, resourceVersion: "1", generation: 1 },
      spec: {},
      status: { conditions },
    }) as unknown as KestraFlow;
  const leads = { state: "leads", message: "" } as const;
  const report = (flows: KestraFlow[], inKestra?: ReadonlyMap<Resource, InKestra>) =>
    reportOn(leads, { state: "not asked" }, { flows, kvs: [], backfills: [] }, inKestra);

  test("counts by kind and by what keeps resources from being Ready", () => {
    const { kinds, notReady } = report([
      flow("a", condition("Ready", "True", "Synced")),
      flow("b", condition("Ready", "False", "InvalidFlow"), condition("Stalled", "True", "InvalidFlow")),
      flow("c", condition("Ready", "False", "SourceMissing")),
      flow("d", condition("Ready", "True", "Synced"), condition("Paused", "True", "Paused")),
      flow("e"),
    ]);
    expect(kinds[0]).toEqual({ kind: "KestraFlow", total: 5, ready: 2, waiting: 2, stalled: 1, paused: 1 });
    expect(notReady.map(({ name, reason }) => `${name} ${reason}`)).toEqual([
      "team/b InvalidFlow",
      "team/c SourceMissing",
      "team/e Unknown",
    ]);
  });

  test("does not take a condition for one of the spec as it is now when it is of an older one", () => {
    const stale = flow("a", condition("Ready", "True", "Synced", 0));
    expect(report([stale]).notReady).toMatchObject([
      { reason: "Unknown", message: "The operator has not looked at it yet." },
    ]);
  });

  test("tells drift by the condition, and by what Kestra has now", () => {
    const reported = flow("a", condition("Ready", "True", "Synced"), condition("Drifted", "True", "Edited"));
    const fresh = flow("b", condition("Ready", "True", "Synced"));
    const writing = flow("c", condition("Ready", "False", "Writing"));
    const differs = { state: "revision 3, drifted", differs: true };
    const found = new Map<Resource, InKestra>([
      [fresh, differs],
      [writing, differs],
    ]);
    expect(report([reported, fresh, writing], found).drifted).toMatchObject([
      { name: "team/a", reason: "Edited" },
      { name: "team/b", reason: "InKestra", message: "Kestra has it otherwise now: revision 3, drifted." },
    ]);
  });
});
