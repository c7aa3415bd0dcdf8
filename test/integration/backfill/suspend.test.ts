import { expect, test } from "@jest/globals";
import { always, eventually } from "../../support/eventually.ts";
import { BackfillScene, failingWhen, hours, sleeping, HOURLY } from "./scene.ts";

const scene = new BackfillScene("bf-suspend");
const day = { start: "2024-01-01T00:00:00Z", end: "2024-01-01T05:00:00Z" };
/** Twelve slots: more than are run before it is held back. */
const longDay = { ...day, end: "2024-01-01T11:00:00Z" };

test("one that is made suspended says what it would do, is Ready, and starts nothing", async () => {
  await scene.flow("asleep", HOURLY);
  const before = await scene.row("asleep");
  await scene.create("asleep", { ...day, suspend: true });
  const { status } = await scene.backfills.waitReady("asleep");
  expect(status).toMatchObject({ state: "Suspended", progress: "0/6", first: "2024-01-01T00:00:00.000Z" });
  expect(status?.conditions?.find(({ type }) => type === "Suspended")?.status).toBe("True");
  await always(async () => {
    expect(await scene.row("asleep")).toEqual(before);
  }, 2_000);
  await scene.expectSlots("asleep", []);
});

test("suspended while it runs, it starts nothing more, the live schedule is as it was, and every slot is run once in the end", async () => {
  await scene.flow("halted", HOURLY);
  const { nextExecutionDate } = await scene.row("halted");
  await scene.create("halted", longDay);
  await scene.waitSlots("halted", 2);
  await scene.backfills.patchSpec("halted", { suspend: true });
  const started = await scene.waitTakenBack("halted");
  expect(started.length).toBeLessThan(12);
  expect((await scene.status("halted")).slots?.done).toBeLessThanOrEqual(started.length);
  await always(async () => {
    const row = await scene.row("halted");
    expect({ backfill: row.backfill, next: row.nextExecutionDate }).toEqual({ next: nextExecutionDate });
    expect(await scene.slots("halted")).toEqual(started);
  }, 2_500);

  await scene.backfills.patchSpec("halted", { suspend: false });
  const done = await scene.waitState("halted", "Complete");
  await scene.expectSlots("halted", hours(0, 11));
  expect(done).toMatchObject({ attempt: 2, slots: { done: 12 } });
  await eventually(async () => {
    const reasons = (await scene.cluster.events("halted")).map(({ reason }) => reason);
    expect(reasons).toEqual(["Started", "Suspended", "Resumed", "Complete"]);
  });
  expect((await scene.row("halted")).nextExecutionDate).toBe(nextExecutionDate);
});

test("what runs while it is suspended goes on, and is counted", async () => {
  await scene.flow("long", HOURLY, { tasks: sleeping(3) });
  await scene.create("long", day);
  await scene.waitSlots("long", 1);
  await scene.backfills.patchSpec("long", { suspend: true });
  const started = await scene.waitTakenBack("long");
  expect(started.length).toBeLessThan(6);
  await scene.backfills.waitUntil("long", ({ status }) => status?.slots?.done === started.length);
  await scene.expectSlots("long", started);
  expect((await scene.row("long")).backfill).toBeUndefined();
  await scene.backfills.patchSpec("long", { suspend: false });
  const slots = await scene.waitSlots("long", started.length + 1);
  expect(slots).toEqual(hours(0, slots.length - 1));
});

test("suspended and resumed in quick succession, no slot is lost and none is run twice", async () => {
  await scene.flow("flicker", HOURLY);
  await scene.create("flicker", day);
  await scene.waitSlots("flicker", 1);
  for (let i = 0; i < 4; i += 1) {
    await scene.backfills.patchSpec("flicker", { suspend: true });
    await scene.backfills.patchSpec("flicker", { suspend: false });
  }
  await scene.waitState("flicker", "Complete");
  await scene.expectSlots("flicker", hours(0, 5));
});

const FAILS_AT_1_AND_2 = failingWhen("{{ trigger.date contains 'T01:' or trigger.date contains 'T02:' }}");

test("at so many failures it pauses, and goes on when more are allowed", async () => {
  await scene.flow("budget", HOURLY, { tasks: FAILS_AT_1_AND_2 });
  await scene.create("budget", { ...longDay, failurePolicy: { maxFailed: 1, action: "Pause" } });
  const status = await scene.waitState("budget", "Suspended");
  expect(status.conditions?.find(({ type }) => type === "Suspended")?.reason).toBe("FailureBudgetSpent");
  expect((await scene.slots("budget")).length).toBeLessThan(12);
  await scene.backfills.patchSpec("budget", { failurePolicy: { maxFailed: 3, action: "Pause" } });
  const failed = await scene.waitState("budget", "Failed");
  await eventually(async () => {
    const reasons = (await scene.cluster.events("budget")).map(({ reason }) => reason);
    expect(reasons).toEqual(["Started", "FailureBudgetSpent", "Resumed", "SlotsFailed"]);
  });
  await scene.expectSlots("budget", hours(0, 11));
  expect(failed.slots).toMatchObject({ done: 10, failed: 2 });
  expect(failed.failures?.map(({ slot, state }) => `${slot} ${state}`)).toEqual([
    "2024-01-01T01:00:00.000Z FAILED",
    "2024-01-01T02:00:00.000Z FAILED",
  ]);
  expect(failed.conditions?.map(({ type, status, reason }) => `${type} ${status} ${reason}`)).toEqual([
    "Ready False SlotsFailed",
    "Stalled True SlotsFailed",
    "Failed True SlotsFailed",
  ]);
});

test("at so many failures it stops for good, where the policy says so", async () => {
  await scene.flow("stop", HOURLY, { tasks: FAILS_AT_1_AND_2 });
  await scene.create("stop", {
    ...day,
    end: "2024-01-01T23:00:00Z",
    failurePolicy: { maxFailed: 1, action: "Stop" },
  });
  const status = await scene.waitState("stop", "Failed");
  expect(status.conditions?.find(({ type }) => type === "Failed")?.reason).toBe("FailureBudgetSpent");
  expect((await scene.slots("stop")).length).toBeLessThan(24);
  expect((await scene.row("stop")).backfill).toBeUndefined();
});
