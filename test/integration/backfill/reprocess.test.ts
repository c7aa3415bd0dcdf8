import { expect, test } from "@jest/globals";
import { BackfillScene, failingWhen, hours, slotOf, HOURLY } from "./scene.ts";

const scene = new BackfillScene("bf-again");
const range = { start: "2024-01-01T00:00:00Z", end: "2024-01-01T03:00:00Z" };
const FAILS_AT_1 = { tasks: failingWhen("{{ trigger.date contains 'T01:' }}") };

/** A Backfill of another flow than that of its name. */
async function again(name: string, flow: string, reprocess: "Missing" | "Failed" | "All", suspend = false) {
  await scene.create(name, { target: { namespace: scene.namespace, id: flow }, ...range, reprocess, suspend });
}

test("made again after it was deleted, nothing that has succeeded is run", async () => {
  await scene.flow("gitops", HOURLY);
  await scene.create("gitops", range);
  await scene.waitState("gitops", "Complete");
  await scene.backfills.delete("gitops");
  await scene.backfills.waitGone("gitops");
  await scene.create("gitops", range);
  const status = await scene.waitState("gitops", "Complete");
  expect(status.slots).toMatchObject({ total: 4, present: 4, done: 0 });
  expect(status).toMatchObject({ percent: 100, progress: "0/0" });
  expect(status.attempt).toBeUndefined();
  await scene.expectSlots("gitops", hours(0, 3));
});

test("gaps are filled, whoever ran what is between them", async () => {
  await scene.flow("gaps", HOURLY);
  const [, second] = hours(0, 3);
  await scene.kestra.startBackfill(scene.trigger("gaps"), { start: "2024-01-01T00:30:00Z", end: second ?? "" });
  await scene.waitSuccesses("gaps", 1);
  await scene.create("gaps", range);
  const status = await scene.waitState("gaps", "Complete");
  expect(status.slots).toMatchObject({ total: 4, present: 1, done: 3 });
  // Two ranges, handed over one after the other.
  expect(status.attempt).toBe(2);
  const [first, , third, fourth] = hours(0, 3);
  await scene.expectSlots("gaps", [second, first, third, fourth] as string[]);
});

test("Missing runs failed slots again, Failed only them, and All everything", async () => {
  await scene.flow("all-ways", HOURLY, FAILS_AT_1);
  await scene.create("all-ways", range);
  expect((await scene.waitState("all-ways", "Failed")).slots).toMatchObject({ done: 3, failed: 1 });

  await again("failed-only", "all-ways", "Failed");
  expect((await scene.waitState("failed-only", "Failed")).slots).toMatchObject({ total: 4, present: 3, failed: 1 });
  expect((await scene.ours("failed-only", "all-ways")).map(slotOf)).toEqual(hours(1, 1));

  await scene.edit("all-ways", scene.source("all-ways", HOURLY));
  await again("missing", "all-ways", "Missing");
  expect((await scene.waitState("missing", "Complete")).slots).toMatchObject({ total: 4, present: 3, done: 1 });
  expect((await scene.ours("missing", "all-ways")).map(slotOf)).toEqual(hours(1, 1));

  await again("nothing-failed", "all-ways", "Failed");
  expect((await scene.waitState("nothing-failed", "Complete")).slots).toMatchObject({ total: 4, present: 4 });

  await again("everything", "all-ways", "All");
  expect((await scene.waitState("everything", "Complete")).slots).toMatchObject({ total: 4, present: 0, done: 4 });
  expect((await scene.ours("everything", "all-ways")).map(slotOf)).toEqual(hours(0, 3));
});

test("slots that were run while it was suspended are left out when it goes on", async () => {
  await scene.flow("meanwhile", HOURLY);
  await again("meanwhile", "meanwhile", "Missing", true);
  await scene.waitState("meanwhile", "Suspended");
  await again("other", "meanwhile", "Missing");
  await scene.waitState("other", "Complete");
  await scene.backfills.patchSpec("meanwhile", { suspend: false });
  const status = await scene.waitState("meanwhile", "Complete");
  expect(status.slots).toMatchObject({ total: 4, present: 4, done: 0 });
  await scene.expectSlots("meanwhile", hours(0, 3));
});

test("a preview counts what is there and what would be run, and starts nothing", async () => {
  await scene.flow("preview", HOURLY);
  await scene.kestra.startBackfill(scene.trigger("preview"), {
    start: "2024-01-01T00:00:00Z",
    end: "2024-01-01T01:00:00Z",
  });
  await scene.waitSuccesses("preview", 2);
  const before = await scene.row("preview");
  await scene.create("preview", { ...range, mode: "Preview" });
  const status = await scene.waitState("preview", "Previewed");
  expect(status.slots).toMatchObject({ total: 4, present: 2, remaining: 2 });
  expect(status.plan?.ranges).toEqual([
    { first: "2024-01-01T02:00:00.000Z", last: "2024-01-01T03:00:00.000Z", slots: 2 },
  ]);
  expect(await scene.message("preview")).toContain("2 would be run, from 2024-01-01T02:00:00.000Z");
  const { metadata } = await scene.backfills.get("preview");
  expect(metadata.finalizers).toBeUndefined();
  await scene.expectSlots("preview", hours(0, 1));
  expect((await scene.row("preview")).nextExecutionDate).toBe(before.nextExecutionDate);
});
