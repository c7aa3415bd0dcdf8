import { expect, test } from "@jest/globals";
import { eventually } from "../../support/eventually.ts";
import { BackfillScene, HOURLY } from "./scene.ts";

// Not beside other tests: it measures how fast something is.

const scene = new BackfillScene("bf-suspend-time");

test("suspending takes effect within two seconds", async () => {
  await scene.flow("halted", HOURLY);
  await scene.create("halted", { start: "2024-01-01T00:00:00Z", end: "2024-01-01T23:00:00Z" });
  await scene.waitSlots("halted", 2);
  await scene.backfills.patchSpec("halted", { suspend: true });
  const asked = performance.now();
  await eventually(async () => {
    expect((await scene.row("halted")).backfill).toBeUndefined();
  });
  expect(performance.now() - asked).toBeLessThan(2_000);
});
