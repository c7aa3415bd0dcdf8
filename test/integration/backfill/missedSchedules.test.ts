import { expect, test } from "@jest/globals";
import { always } from "../../support/eventually.ts";
import { BackfillScene, hours, HOURLY } from "./scene.ts";

// Not beside other tests: with NONE, Kestra sets the trigger back whenever any flow is saved (ADR 11).

const scene = new BackfillScene("bf-missed");
const NONE = { trigger: "recoverMissedSchedules: NONE" };

test("a trigger that does not make up for missed schedules runs its slots one after the other, too", async () => {
  await scene.flow("none", HOURLY, NONE);
  const { nextExecutionDate } = await scene.row("none");
  await scene.create("none", { start: "2024-01-01T01:00:00Z", end: "2024-01-01T03:00:00Z" });
  expect((await scene.waitState("none", "Complete")).slots).toMatchObject({ total: 3, done: 3 });
  await scene.expectSlots("none", hours(1, 3));
  expect((await scene.row("none")).nextExecutionDate).toBe(nextExecutionDate);
});

test("flows that are saved while slots are handed over, which sets such a trigger back, only hold them up", async () => {
  await scene.flow("busy", HOURLY, NONE);
  await scene.create("busy", { start: "2024-01-01T01:00:00Z", end: "2024-01-01T04:00:00Z" });
  await scene.kestra.create(scene.source("another", HOURLY));
  let saves = 0;
  const save = async () => {
    const more = `description: saved ${(saves += 1)} times`;
    await scene.kestra.edit(scene.namespace, "another", scene.source("another", HOURLY, { more }));
    expect((await scene.status("busy")).state).not.toBe("Interrupted");
  };
  await always(save, 20_000, 1_000);
  expect((await scene.waitState("busy", "Complete")).slots).toMatchObject({ total: 4, done: 4 });
  await scene.expectSlots("busy", hours(1, 4));
});
