import { expect, test } from "@jest/globals";
import { UNANSWERED_MS } from "../../../src/resources/backfill/timing.ts";
import { eventually } from "../../support/eventually.ts";
import { BackfillScene, hours, slotOf, HOURLY, HALF_PAST } from "./scene.ts";

const scene = new BackfillScene("bf-interfere");
const day = { start: "2024-01-01T00:00:00Z", end: "2024-01-01T06:00:00Z" };

/** More than are run before what is done to them is noticed. */
const longDay = { ...day, end: "2024-01-01T23:00:00Z" };

/** A Backfill that has run at least one of its slots. */
async function running(name: string, range = day): Promise<void> {
  await scene.flow(name, HOURLY);
  await scene.create(name, range);
  await scene.waitSlots(name, 2);
}

test("deleted in Kestra by a person, it is interrupted, says so, and is not resumed", async () => {
  await running("deleted");
  const remove = () => scene.kestra.changeBackfill(scene.trigger("deleted"), "delete");
  await scene.insist("deleted", remove, ({ backfill }) => backfill === undefined);
  const status = await scene.waitState("deleted", "Interrupted");
  const slots = await scene.slots("deleted");
  expect(slots.length).toBeLessThan(7);
  expect(status.conditions?.find(({ type }) => type === "Failed")?.reason).toBe("CancelledInKestra");
  expect(await scene.message("deleted")).toMatch(/Somebody deleted the backfill in Kestra when \d of 7 slots are done/);
  await scene.restartOperator();
  await scene.create("again", { target: { namespace: scene.namespace, id: "deleted" }, ...day });
  const again = await scene.waitState("again", "Complete");
  expect(again.slots).toMatchObject({ total: 7, present: slots.length, done: 7 - slots.length });
  await scene.expectSlots("deleted", hours(0, 6));
});

test("when another trigger property is edited, the missing slots are run, each once", async () => {
  await running("edited");
  let edits = 0;
  const edit = () => {
    const trigger = `inputs:\n  unused: x${edits++}`;
    const more = "inputs:\n  - id: unused\n    type: STRING\n    defaults: y";
    return scene.kestra.edit(scene.namespace, "edited", scene.source("edited", HOURLY, { trigger, more }));
  };
  // Kestra drops the backfill with the edit; what is there afterwards, of the slots that are missing, begins later.
  const first = Date.parse(day.start);
  await scene.insist("edited", edit, ({ backfill }) => backfill === undefined || Date.parse(backfill.start) > first);
  const status = await scene.waitState("edited", "Complete");
  expect(status.attempt).toBe(2);
  await scene.expectSlots("edited", hours(0, 6));
  expect((await scene.cluster.events("edited")).map(({ reason }) => reason)).toContain("Resumed");
});

test("when only tasks are edited, it goes on as it is", async () => {
  await running("tasks");
  await scene.kestra.edit(
    scene.namespace,
    "tasks",
    scene.source("tasks", HOURLY, {
      tasks: "  - id: other\n    type: io.kestra.plugin.core.log.Log\n    message: new",
    }),
  );
  const status = await scene.waitState("tasks", "Complete");
  expect(status.attempt).toBe(1);
  await scene.expectSlots("tasks", hours(0, 6));
});

test("when the cron is edited, it is interrupted: its slots are others now", async () => {
  await running("cron", longDay);
  await scene.edit("cron", scene.source("cron", HALF_PAST));
  const status = await scene.waitState("cron", "Interrupted");
  expect(status.conditions?.find(({ type }) => type === "Failed")?.reason).toBe("TriggerChanged");
});

test("when its trigger is removed, it is interrupted", async () => {
  await running("removed", longDay);
  await scene.edit("removed", scene.source("removed", HOURLY).replace("- id: tick", "- id: tock"));
  const status = await scene.waitState("removed", "Interrupted");
  expect(status.conditions?.find(({ type }) => type === "Failed")?.reason).toBe("TriggerRemoved");
});

test("while its flow is disabled it waits, and goes on when it is enabled again, without losing a slot", async () => {
  await running("dormant");
  const source = scene.source("dormant", HOURLY);
  await scene.edit("dormant", `${source}disabled: true\n`);
  expect(await scene.waitReason("dormant", "FlowDisabled")).toContain("enable it");
  await scene.edit("dormant", source);
  await scene.waitState("dormant", "Complete");
  await scene.expectSlots("dormant", hours(0, 6));
});

test("while the trigger is switched off in Kestra it waits and says so, and loses no slot", async () => {
  await running("switched");
  const disable = () => scene.kestra.setDisabled(scene.trigger("switched"), true);
  await scene.insist("switched", disable, ({ disabled }) => disabled);
  expect(await scene.waitReason("switched", "TriggerDisabled")).toContain("enable it");
  await scene.kestra.setDisabled(scene.trigger("switched"), false);
  await scene.waitState("switched", "Complete");
  await scene.expectSlots("switched", hours(0, 6));
});

test("while somebody has paused it in Kestra it says so, and goes on when it is resumed there", async () => {
  await running("paused");
  const pause = () => scene.kestra.changeBackfill(scene.trigger("paused"), "pause");
  await scene.insist("paused", pause, ({ backfill }) => backfill?.paused === true);
  await scene.waitState("paused", "Suspended");
  expect(await scene.message("paused")).toContain("stops the live schedule too");
  await scene.kestra.changeBackfill(scene.trigger("paused"), "unpause");
  await scene.waitState("paused", "Complete");
  await scene.expectSlots("paused", hours(0, 6));
});

test("a backfill that a person started is waited for, and left alone", async () => {
  await scene.flow("busy", HOURLY);
  await scene.kestra.startBackfill(scene.trigger("busy"), {
    start: "2024-02-01T00:00:00Z",
    end: "2024-02-01T04:00:00Z",
    // So that it outlasts the acceptance of ours.
    paused: true,
  });
  await scene.create("busy", { start: "2024-01-01T00:00:00Z", end: "2024-01-01T01:00:00Z" });
  await scene.waitState("busy", "Queued");
  expect(await scene.message("busy")).toContain("somebody started in Kestra");
  await scene.kestra.changeBackfill(scene.trigger("busy"), "unpause");
  await scene.waitState("busy", "Complete");
  const theirs = [0, 1, 2, 3, 4].map((hour) => `2024-02-01T0${hour}:00:00Z`);
  await scene.expectSlots("busy", [...theirs, ...hours(0, 1)]);
});

test("replaced by a person's backfill, it is interrupted, theirs runs, and Kestra does not replay the past after it", async () => {
  // Half an hour from the next live slot, so that none is due meanwhile.
  const now = Date.now();
  const minute = (new Date(now).getUTCMinutes() + 30) % 60;
  const minutes = String(minute).padStart(2, "0");
  await scene.flow("replaced", `${minute} * * * *`);
  const { nextExecutionDate } = await scene.row("replaced");
  const hour = 3_600_000;
  const ago = (count: number) => new Date(Math.floor(now / hour) * hour - count * hour + minute * 60_000).toISOString();
  // Hours that end just before now: without a guard every one of them would be run again after the second backfill.
  await scene.create("replaced", { start: ago(40), end: ago(20) });
  await scene.waitSlots("replaced", 2);
  const replace = () =>
    scene.kestra.startBackfill(scene.trigger("replaced"), {
      start: `2024-02-01T00:${minutes}:00Z`,
      end: `2024-02-01T03:${minutes}:00Z`,
    });
  await scene.insist(
    "replaced",
    replace,
    ({ backfill }) => backfill === undefined || backfill.start.startsWith("2024-02"),
  );
  const status = await scene.waitState("replaced", "Interrupted");
  expect(status.conditions?.find(({ type }) => type === "Failed")?.reason).toBe("ReplacedInKestra");
  await eventually(
    async () => {
      const row = await scene.row("replaced");
      expect({ backfill: row.backfill, next: row.nextExecutionDate }).toEqual({ next: nextExecutionDate });
    },
    { within: 30_000 },
  );
  // Kept until the guard's last call can have no effect any more.
  await scene.backfills.waitUntil("replaced", ({ status }) => status?.guard === undefined, {
    within: 2 * UNANSWERED_MS,
  });
  const executions = await scene.kestra.executions(scene.namespace, "replaced");
  const theirs = executions.map(slotOf).filter((slot) => slot.startsWith("2024-02"));
  expect(theirs).toEqual([0, 1, 2, 3].map((at) => `2024-02-01T0${at}:${minutes}:00Z`));
  const ours = await scene.ours("replaced");
  const replayed = executions.length - theirs.length - ours.length;
  // It is noticed by the second look at the latest, and Kestra starts one slot a second. Without the guard it would be all 38.
  expect(replayed).toBeLessThanOrEqual(15);
  expect((await scene.cluster.events("replaced")).map(({ reason }) => reason)).toContain("LiveScheduleRestored");
});
