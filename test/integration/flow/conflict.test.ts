import { describe, expect, test } from "@jest/globals";
import { findCondition } from "../../../src/kubernetes/conditions.ts";
import type { KestraFlow } from "../../../src/resources/flow/schema.ts";
import { always, eventually } from "../../support/eventually.ts";
import { Scene } from "./scene.ts";

const scene = new Scene("conflict");
const { kestra, namespace } = scene;

/** Two resources for one flow, the first in sync before the second is made. */
async function rivals(id: string, [first, second]: [string, string] = [scene.source(id), scene.source(id)]) {
  const [winner, loser] = [`${id}-a`, `${id}-b`];
  await scene.cluster.createFlow(winner, { source: first });
  await scene.cluster.waitReady(winner);
  await scene.cluster.createFlow(loser, { source: second });
  const refused = await scene.cluster.waitFor(loser, "Stalled", "True", "Conflict");
  return { winner, loser, refused };
}

async function owner(name: string): Promise<KestraFlow> {
  return eventually(async () => {
    const flow = await scene.cluster.waitReady(name);
    expect(flow.status?.flow).toBeDefined();
    return flow;
  });
}

async function expectNeverDeleted(id: string): Promise<void> {
  const history = await scene.revisions(id);
  expect(history.filter(({ deleted }) => deleted)).toEqual([]);
}

describe("of two resources for one flow", () => {
  test("the one that has it keeps it, the other says whose it is, and neither flaps", async () => {
    const ours = scene.source("settled", "the first");
    const { winner, loser, refused } = await rivals("settled", [ours, scene.source("settled", "the second")]);
    expect(findCondition(refused.status?.conditions, "Ready")?.message).toBe(
      `The flow ${namespace}/settled belongs to the KestraFlow ${scene.cluster.name}/${winner}: delete one of the two, or give this flow another id.`,
    );
    expect(refused.status?.flow).toBeUndefined();
    expect(refused.metadata.finalizers ?? []).toEqual([]);

    const kept = await scene.cluster.getFlow(winner);
    const writes = await scene.operator.kubernetesWrites();
    await always(async () => {
      expect(await scene.stored("settled")).toMatchObject({ revision: 1, source: ours });
      expect((await scene.cluster.getFlow(loser)).metadata.resourceVersion).toBe(refused.metadata.resourceVersion);
      expect((await scene.cluster.getFlow(winner)).metadata.resourceVersion).toBe(kept.metadata.resourceVersion);
    }, 1500);
    expect(await scene.operator.kubernetesWrites()).toBe(writes);
  });

  test("the loser's edits change nothing in Kestra, and another id ends the conflict", async () => {
    const { loser } = await rivals("edits");
    await scene.cluster.patchSpec(loser, { source: scene.source("edits", "mine!"), adoption: "Always" });
    await scene.cluster.waitFor(loser, "Stalled", "True", "Conflict");
    expect((await scene.stored("edits")).revision).toBe(1);

    await scene.cluster.patchSpec(loser, { source: scene.source("edits-b") });
    await scene.cluster.waitReady(loser);
    expect((await scene.stored("edits")).revision).toBe(1);
  });

  test("the loser can be deleted, and the flow stays", async () => {
    const { winner, loser } = await rivals("loser-goes");
    await scene.cluster.deleteFlow(loser);
    await scene.cluster.waitGone(loser);
    await scene.driftLooks(1);
    expect((await scene.stored("loser-goes")).revision).toBe(1);
    await scene.cluster.waitReady(winner);
  });

  test("the loser takes over when the winner is deleted: the flow is never gone and its trigger keeps its state", async () => {
    const source = (message: string): string => `${scene.source("handed-over", message)}triggers:
  - id: yearly
    type: io.kestra.plugin.core.trigger.Schedule
    cron: "0 0 1 1 *"
`;
    const { winner, loser } = await rivals("handed-over", [source("the first"), source("the second")]);
    await stopTrigger("handed-over", "yearly");
    await scene.cluster.deleteFlow(winner);
    await scene.cluster.waitGone(winner);
    const { status } = await owner(loser);

    expect(status?.flow?.revision).toBe(2);
    expect((await scene.stored("handed-over")).source).toBe(source("the second"));
    await expectNeverDeleted("handed-over");
    expect(await triggers("handed-over")).toMatchObject([{ triggerId: "yearly", disabled: true }]);
    await eventually(async () => {
      const events = await scene.cluster.events(winner);
      expect(events.map(({ reason }) => reason)).toContain("HandedOver");
    });
  });

  test("the loser takes over when the winner moves on to another id", async () => {
    const { winner, loser } = await rivals("moved-on");
    await scene.cluster.patchSpec(winner, { source: scene.source("moved-on-elsewhere") });
    await scene.cluster.waitReady(winner);
    const { status } = await owner(loser);

    expect(status?.flow).toMatchObject({ id: "moved-on", revision: 1 });
    await expectNeverDeleted("moved-on");
    expect(await scene.stored("moved-on-elsewhere")).toMatchObject({ revision: 1 });
  });

  test("made while no operator runs, the older wins, and of two of the same second the lower uid", async () => {
    await scene.stopOperator();
    const made: KestraFlow[] = [];
    for (const name of ["offline-a", "offline-b", "offline-c"]) {
      made.push(await scene.cluster.createFlow(name, { source: scene.source("offline", name) }));
    }
    const age = ({ metadata: { creationTimestamp, uid } }: KestraFlow) => `${creationTimestamp} ${uid}`;
    const [first, ...others] = made.toSorted((a, b) => (age(a) < age(b) ? -1 : 1)).map(({ metadata }) => metadata.name);
    await scene.startOperator();

    await scene.cluster.waitReady(first ?? "");
    for (const name of others) {
      const { status } = await scene.cluster.waitFor(name, "Stalled", "True", "Conflict");
      expect(findCondition(status?.conditions, "Ready")?.message).toContain(`${scene.cluster.name}/${first}:`);
    }
    expect(await scene.stored("offline")).toMatchObject({ revision: 1, source: scene.source("offline", first) });
  });

  test("the recorded owner keeps it over an operator restart", async () => {
    const { winner, loser } = await rivals("recorded");
    await scene.restartOperator();
    await scene.driftLooks(1);
    await scene.cluster.waitReady(winner);
    await scene.cluster.waitFor(loser, "Stalled", "True", "Conflict");
    expect((await scene.stored("recorded")).revision).toBe(1);
  });
});

describe("a resource is renamed by creating the new one and deleting the old one:", () => {
  test("the flow keeps its revision, and was never gone", async () => {
    const { winner, loser } = await rivals("renamed");
    await scene.cluster.deleteFlow(winner);
    await scene.cluster.waitGone(winner);
    const { status } = await owner(loser);
    expect(status?.flow).toMatchObject({ id: "renamed", revision: 1 });
    await expectNeverDeleted("renamed");
  });

  test("also while no operator runs", async () => {
    const source = scene.source("renamed-offline");
    await scene.cluster.createFlow("renamed-offline-old", { source });
    await scene.cluster.waitReady("renamed-offline-old");
    await scene.stopOperator();
    await scene.cluster.createFlow("renamed-offline-new", { source });
    await scene.cluster.deleteFlow("renamed-offline-old");
    await scene.startOperator();

    await scene.cluster.waitGone("renamed-offline-old");
    const { status } = await owner("renamed-offline-new");
    expect(status?.flow).toMatchObject({ id: "renamed-offline", revision: 1 });
    await expectNeverDeleted("renamed-offline");
  });

  test("and the flow goes with the last of them", async () => {
    const { winner, loser } = await rivals("last");
    await scene.cluster.deleteFlow(winner);
    await owner(loser);
    await scene.cluster.deleteFlow(loser);
    await scene.cluster.waitGone(loser);
    expect(await kestra.flow(namespace, "last")).toBeUndefined();
  });

  test("and both deleted at once leave nothing behind", async () => {
    // Often enough that the API server removes an heir while the flow is handed over to it: some one in ten.
    const pairs = await Promise.all(Array.from({ length: 20 }, (_, i) => rivals(`both-${i}`)));
    const all = pairs.flatMap(({ winner, loser }) => [winner, loser]);
    await Promise.all(all.map((name) => scene.cluster.deleteFlow(name)));
    await Promise.all(all.map((name) => scene.cluster.waitGone(name)));
    await scene.expectNoneLeft("both-");
  });
});

interface Trigger {
  triggerId: string;
  disabled: boolean;
}

/** The triggers' state as Kestra keeps it: rows that go with the flow. */
async function triggers(id: string): Promise<Trigger[]> {
  const response = await kestra.call("GET", `/triggers/${namespace}/${id}`);
  return ((await response.json()) as { results: Trigger[] }).results;
}

/** Switches a trigger off, as a person does in the UI: this is state of the trigger, not of the flow. */
async function stopTrigger(id: string, triggerId: string): Promise<void> {
  await eventually(async () => {
    expect(await triggers(id)).toMatchObject([{ triggerId }]);
  });
  const body = JSON.stringify({ namespace, flowId: id, triggerId, disabled: true });
  const response = await kestra.call("PUT", "/triggers", body, "application/json");
  expect(response.status).toBe(200);
  expect(await triggers(id)).toMatchObject([{ triggerId, disabled: true }]);
}
