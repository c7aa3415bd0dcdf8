import { expect, test } from "@jest/globals";
import { eventually } from "../../support/eventually.ts";
import { BackfillScene, hours, slotOf, HOURLY } from "./scene.ts";

const scene = new BackfillScene("bf-purge");
const range = { start: "2024-01-01T00:00:00Z", end: "2024-01-01T06:00:00Z" };

test("executions that are purged while it runs lower no count, and make no slot run again", async () => {
  await scene.flow("counted", HOURLY);
  await scene.create("counted", range);
  await scene.backfills.waitUntil("counted", ({ status }) => (status?.slots?.done ?? 0) >= 2, { within: 60_000 });
  const purged = (await scene.ours("counted")).slice(0, 2);
  for (const { id } of purged) await scene.kestra.deleteExecution(id);
  await scene.restartOperator();
  const status = await scene.waitState("counted", "Complete");
  expect(status.slots).toMatchObject({ done: 7, unproved: 0, remaining: 0 });
  expect([...purged.map(slotOf), ...(await scene.slots("counted"))]).toEqual(hours(0, 6));
});

test("a finished one is not looked at again, whatever becomes of its executions", async () => {
  await scene.flow("over", HOURLY);
  await scene.create("over", { ...range, end: "2024-01-01T01:00:00Z" });
  const before = await scene.waitState("over", "Complete");
  for (const { id } of await scene.ours("over")) await scene.kestra.deleteExecution(id);
  await scene.restartOperator();
  await scene.backfills.annotate("over", { "kestraflow.dev/reconcile-requested-at": "now" });
  await scene.backfills.waitUntil("over", ({ status }) => status?.handledReconcileAt === "now");
  expect(await scene.status("over")).toEqual({ ...before, handledReconcileAt: "now" });
  await scene.expectSlots("over", []);
});

test("executions that are purged before they are counted are told apart, and their slots are not run again", async () => {
  await scene.flow("uncounted", HOURLY);
  await scene.create("uncounted", range);
  await scene.waitSlots("uncounted", 1);
  await scene.stopOperator();
  const executions = await eventually(
    async () => {
      const all = await scene.kestra.executions(scene.namespace, "uncounted");
      if (all.length < 7 || all.some(({ state }) => state.current !== "SUCCESS")) throw new Error("not over yet");
      return all;
    },
    { within: 60_000 },
  );
  const purged = executions.slice(3, 5);
  for (const { id } of purged) await scene.kestra.deleteExecution(id);
  await scene.startOperator();
  const status = await scene.waitState("uncounted", "Failed");
  expect(status.slots).toMatchObject({ done: 5, unproved: 2, remaining: 0 });
  expect(status.conditions?.find(({ type }) => type === "Failed")?.reason).toBe("SlotsUnproved");
  expect(await scene.slots("uncounted")).toEqual(hours(0, 6).filter((slot) => !purged.map(slotOf).includes(slot)));
});
