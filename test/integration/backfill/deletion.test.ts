import { expect, test } from "@jest/globals";
import { always, eventually } from "../../support/eventually.ts";
import { BackfillScene, hours, sleeping, HOURLY } from "./scene.ts";

const scene = new BackfillScene("bf-delete");
const range = { start: "2024-01-01T00:00:00Z", end: "2024-01-01T04:00:00Z" };
/** 24 slots: more than are run before a cancellation. */
const day = { start: "2024-01-01T00:00:00Z", end: "2024-01-01T23:00:00Z" };

test("deleting one that runs cancels what has not started, and leaves the rest", async () => {
  await scene.flow("cancelled", HOURLY, { tasks: sleeping(2) });
  const { nextExecutionDate } = await scene.row("cancelled");
  await scene.create("cancelled", day);
  await scene.waitSlots("cancelled", 1);
  await scene.backfills.delete("cancelled");
  await scene.backfills.waitGone("cancelled");
  expect((await scene.row("cancelled")).backfill).toBeUndefined();
  // One that was running holds the trigger until it has ended, and is in the list by then.
  await eventually(async () => {
    const { executionId } = await scene.row("cancelled");
    const executions = await scene.kestra.executions(scene.namespace, "cancelled");
    const states = new Set(executions.map(({ state }) => state.current));
    expect({ executionId, states }).toEqual({ states: new Set(["SUCCESS"]) });
  });
  const started = await scene.slots("cancelled");
  expect(started).toEqual(hours(0, started.length - 1));
  expect(started.length).toBeLessThan(24);
  await always(async () => {
    const { backfill, nextExecutionDate: next } = await scene.row("cancelled");
    expect({ backfill, next }).toEqual({ next: nextExecutionDate });
    await scene.expectSlots("cancelled", started);
  }, 2_000);
});

test("with deletionPolicy Orphan it runs on", async () => {
  await scene.flow("orphan", HOURLY);
  await scene.create("orphan", { ...range, deletionPolicy: "Orphan" });
  await scene.waitSlots("orphan", 1);
  await scene.backfills.delete("orphan");
  await scene.backfills.waitGone("orphan");
  await scene.waitSlots("orphan", 5);
  await scene.expectSlots("orphan", hours(0, 4));
});

test("deleted while no operator runs, it is cancelled by the next one", async () => {
  await scene.flow("late", HOURLY, { tasks: sleeping(2) });
  await scene.create("late", day);
  await scene.waitSlots("late", 1);
  await scene.stopOperator();
  await scene.backfills.delete("late");
  await scene.startOperator();
  await scene.backfills.waitGone("late");
  expect((await scene.row("late")).backfill).toBeUndefined();
  expect((await scene.slots("late")).length).toBeLessThan(24);
});

test("a finished one is deleted when its time is over, and what ran stays", async () => {
  await scene.flow("ttl", HOURLY);
  await scene.create("ttl", { start: "2024-01-01T00:00:00Z", end: "2024-01-01T01:00:00Z", ttlSecondsAfterFinished: 2 });
  const status = await scene.waitState("ttl", "Complete");
  await scene.backfills.waitGone("ttl");
  expect(Date.now() - Date.parse(status.finishedAt ?? "")).toBeGreaterThanOrEqual(2_000);
  await scene.expectSlots("ttl", hours(0, 1));
});

test("a time to live can be given to one that is finished already", async () => {
  await scene.flow("ttl-later", HOURLY);
  await scene.create("ttl-later", { start: "2024-01-01T00:00:00Z", end: "2024-01-01T00:00:00Z" });
  await scene.waitState("ttl-later", "Complete");
  await scene.backfills.patchSpec("ttl-later", { ttlSecondsAfterFinished: 0 });
  await scene.backfills.waitGone("ttl-later");
});
