import { expect, test } from "@jest/globals";
import { eventually } from "../../support/eventually.ts";
import { BackfillScene, hours, HOURLY, waitScheduled } from "./scene.ts";

const scene = new BackfillScene("bf-queue");

test("several Backfills of one trigger take turns, oldest first, and say whom they wait for", async () => {
  await scene.flow("turns", HOURLY);
  const target = { namespace: scene.namespace, id: "turns" };
  const ranges = { a: [0, 2], b: [3, 5], c: [6, 7] } as const;
  for (const [name, [from, to]] of Object.entries(ranges)) {
    await scene.create(name, { target, start: hours(from, from)[0] ?? "", end: hours(to, to)[0] ?? "" });
    // One queues from when it is accepted, and creation times have whole seconds.
    const { metadata } = await scene.backfills.waitUntil(name, ({ status }) => status?.acceptedAt !== undefined);
    await eventually(() => {
      if (Date.now() < Date.parse(metadata.creationTimestamp ?? "") + 1_000) throw new Error("the same second");
    });
  }
  const { conditions } = await scene.waitState("c", "Queued");
  const ready = conditions?.find(({ type }) => type === "Ready");
  expect(ready?.message).toMatch(/Waiting for (the Backfill|the end of the Backfill)/);
  expect(ready?.status).toBe("True");
  for (const name of Object.keys(ranges)) await scene.waitState(name, "Complete");
  await scene.expectSlots("turns", hours(0, 7));
});

test("Backfills of one trigger that are made together take turns, too, and none replaces another", async () => {
  const pairs = [1, 2, 3, 4].map((pair) => `pair-${pair}`);
  await Promise.all(pairs.map((id) => scene.flow(id, HOURLY)));
  const made = pairs.flatMap((id) => {
    const target = { namespace: scene.namespace, id };
    return [
      scene.create(`${id}-a`, { target, start: hours(0, 0)[0] ?? "", end: hours(1, 1)[0] ?? "" }),
      scene.create(`${id}-b`, { target, start: hours(2, 2)[0] ?? "", end: hours(3, 3)[0] ?? "" }),
    ];
  });
  await Promise.all(made);
  for (const id of pairs) {
    await scene.waitState(`${id}-a`, "Complete");
    await scene.waitState(`${id}-b`, "Complete");
    expect((await scene.slots(id)).toSorted()).toEqual(hours(0, 3));
  }
});

test("a suspended one lets others pass", async () => {
  await scene.flow("pass", HOURLY);
  const target = { namespace: scene.namespace, id: "pass" };
  await scene.create("sleeper", { target, start: "2024-01-01T00:00:00Z", end: "2024-01-01T00:00:00Z", suspend: true });
  await scene.waitState("sleeper", "Suspended");
  await scene.create("eager", { target, start: "2024-01-01T01:00:00Z", end: "2024-01-01T02:00:00Z" });
  await scene.waitState("eager", "Complete");
  await scene.expectSlots("pass", hours(1, 2));
});

test("Backfills of different triggers of one flow run at the same time", async () => {
  await scene.kestra.create(
    `${scene.source("two", HOURLY)}  - id: tock\n    type: io.kestra.plugin.core.trigger.Schedule\n    cron: "0 0 1-5 1 *"\n`,
  );
  for (const trigger of ["tick", "tock"]) await waitScheduled(scene.kestra, [scene.namespace, "two", trigger]);
  const target = { namespace: scene.namespace, id: "two" };
  await scene.create("tick", {
    target: { ...target, trigger: "tick" },
    start: "2024-01-01T00:00:00Z",
    end: "2024-01-01T02:00:00Z",
  });
  await scene.create("tock", { target: { ...target, trigger: "tock" }, start: "2024-01-01", end: "2024-01-03" });
  expect((await scene.waitState("tick", "Complete")).slots).toMatchObject({ total: 3, done: 3 });
  expect((await scene.waitState("tock", "Complete")).slots).toMatchObject({ total: 3, done: 3 });
});

test("with a window, slices are handed over one after the other", async () => {
  await scene.flow("window", HOURLY);
  await scene.create("window", { start: "2024-01-01T00:00:00Z", end: "2024-01-01T05:00:00Z", window: "PT2H" });
  const status = await scene.waitState("window", "Complete");
  expect(status).toMatchObject({ attempt: 3, slots: { done: 6 }, effective: { maxActive: 1 } });
  await scene.expectSlots("window", hours(0, 5));
  const executions = await scene.ours("window");
  const attempts = executions.map(({ labels }) => labels?.find(({ key }) => key === "kestraflow.attempt")?.value);
  expect(attempts).toEqual(["1", "1", "2", "2", "3", "3"]);
});
