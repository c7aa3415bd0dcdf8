import { expect, test } from "@jest/globals";
import { BackfillScene, hours, slotOf, HOURLY } from "./scene.ts";

const scene = new BackfillScene("bf-run");

test("every slot of the range is run once, both ends included, and the proof is in the status", async () => {
  await scene.flow("all", HOURLY);
  const before = await scene.row("all");
  await scene.create("all", { start: "2024-01-01T01:00:00Z", end: "2024-01-01T04:00:00Z" });
  const status = await scene.waitState("all", "Complete");
  await scene.expectSlots("all", hours(1, 4));
  expect(status.slots).toEqual({
    total: 4,
    present: 0,
    done: 4,
    skipped: 0,
    failed: 0,
    unproved: 0,
    running: 0,
    remaining: 0,
  });
  expect(status).toMatchObject({ progress: "4/4", percent: 100, attempt: 1, first: "2024-01-01T01:00:00.000Z" });
  expect(status.conditions?.map(({ type, status, reason }) => `${type} ${status} ${reason}`)).toEqual([
    "Ready True Complete",
    "Complete True Complete",
  ]);
  expect((await scene.row("all")).nextExecutionDate).toBe(before.nextExecutionDate);
});

test("every execution carries the labels that tell whose it is, and those that were asked for", async () => {
  await scene.flow("labels", HOURLY);
  const { metadata } = await scene.create("labels", {
    start: "2024-01-01T01:00:00Z",
    end: "2024-01-01T02:00:00Z",
    labels: { reason: "audit" },
  });
  await scene.waitState("labels", "Complete");
  const executions = await scene.kestra.executions(scene.namespace, "labels");
  expect(executions.map(slotOf)).toEqual(hours(1, 2));
  for (const { labels } of executions)
    expect(labels).toEqual(
      expect.arrayContaining([
        { key: "kestraflow.backfill", value: metadata.uid },
        { key: "kestraflow.attempt", value: "1" },
        { key: "reason", value: "audit" },
      ]),
    );
});

test("a single slot is run at once", async () => {
  await scene.flow("single", "0 9 1 * *");
  await scene.create("single", { start: "2019-03-01", end: "2019-03-01" });
  await scene.waitState("single", "Complete");
  await scene.expectSlots("single", ["2019-03-01T09:00:00Z"]);
});

test("dates are days in the trigger's zone, across a change of the clocks", async () => {
  await scene.flow("zone", "30 2 * * *", { trigger: "timezone: Europe/Paris" });
  await scene.create("zone", { start: "2024-03-29", end: "2024-04-01" });
  const status = await scene.waitState("zone", "Complete");
  expect(status.target).toMatchObject({ timeZone: "Europe/Paris" });
  expect(status.range).toEqual({ start: "2024-03-28T23:00:00.000Z", end: "2024-04-01T21:59:59.999Z" });
  const slots = await scene.slots("zone");
  expect(status.slots?.done).toBe(slots.length);
  expect(slots).toContain("2024-03-29T01:30:00Z");
  expect(slots).toContain("2024-04-01T00:30:00Z");
});

test("what Kestra makes no execution for is not taken for done", async () => {
  await scene.flow("silent", HOURLY, {
    trigger: 'inputs:\n  day: "{{ nonsense() }}"',
    more: "inputs:\n  - id: day\n    type: STRING",
  });
  await scene.create("silent", { start: "2024-01-01T01:00:00Z", end: "2024-01-01T03:00:00Z" });
  const status = await scene.waitState("silent", "Interrupted");
  expect(status.conditions?.find(({ type }) => type === "Failed")?.reason).toBe("NoExecutions");
  expect(await scene.message("silent")).toContain("cannot read the inputs");
});

test("the trigger's own zone is known also where it is the server's, which Kestra leaves out of its answers", async () => {
  await scene.flow("same", "0 9 * * *", { trigger: "timezone: UTC" });
  await scene.create("same", { start: "2024-01-01", end: "2024-01-02", timeZone: "Asia/Tokyo", mode: "Preview" });
  const status = await scene.waitState("same", "Previewed");
  expect(status.target).toMatchObject({ timeZone: "UTC" });
  expect(status.target?.zoneAssumed).toBeUndefined();
  expect(status.slots?.total).toBe(2);
});
