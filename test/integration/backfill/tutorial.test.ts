import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { join } from "node:path";
import { kubectl, root } from "../../support/cluster.ts";
import { BackfillScene, hours, slotOf, waitScheduled } from "./scene.ts";

const scene = new BackfillScene("tutorial-bf");
const folder = join(root, "flows");
const NAMESPACE = "zoomcamp";
const EXAMPLE = "hourly-log-night";
const SUSPENDED = [
  { name: "postgres-taxi-green", flow: "05_postgres_taxi_scheduled", trigger: "green_schedule" },
  { name: "postgres-taxi-yellow", flow: "05_postgres_taxi_scheduled", trigger: "yellow_schedule" },
  { name: "gcp-taxi-green", flow: "09_gcp_taxi_scheduled", trigger: "green_schedule" },
  { name: "gcp-taxi-yellow", flow: "09_gcp_taxi_scheduled", trigger: "yellow_schedule" },
];

describe("the tutorial's backfills", () => {
  beforeAll(async () => {
    await apply("-k", folder);
    for (const { metadata } of await scene.cluster.flows.list())
      await scene.cluster.waitReady(metadata.name, { within: 60_000 });
    for (const { flow, trigger } of [...SUSPENDED, { flow: "hourly_log", trigger: "hourly" }])
      await waitScheduled(scene.kestra, [NAMESPACE, flow, trigger]);
  });

  afterAll(async () => {
    await kubectl(["-n", scene.cluster.name, "delete", "-k", folder, "--timeout=30s"]);
  });

  test.each(SUSPENDED)(
    "$name counts the 24 months of 2019 and 2020, and starts none",
    async ({ name, flow, trigger }) => {
      const { status } = await scene.backfills.waitReady(name, { within: 60_000 });
      expect(status).toMatchObject({
        state: "Suspended",
        target: { namespace: NAMESPACE, flow, trigger, cron: "0 9 1 * *", timeZone: "UTC" },
        slots: { total: 24, present: 0, remaining: 24 },
        first: "2019-01-01T09:00:00.000Z",
        last: "2020-12-01T09:00:00.000Z",
      });
      expect((await scene.kestra.trigger(NAMESPACE, flow, trigger))?.backfill).toBeUndefined();
      expect(await slotsOf(flow)).toEqual([]);
    },
  );

  test("the example runs its eight hours, and none again when it is made anew", async () => {
    // Other tests apply it too, and their executions stay.
    const { slots } = await scene.waitState(EXAMPLE, "Complete");
    expect(slots).toMatchObject({ total: 8, failed: 0, unproved: 0, done: 8 - (slots?.present ?? 0) });
    const run = await slotsOf("hourly_log");
    expect(run.toSorted()).toEqual(hours(0, 7));

    await scene.backfills.delete(EXAMPLE);
    await scene.backfills.waitGone(EXAMPLE);
    await apply("-f", join(folder, "backfill-example.yaml"));
    const again = await scene.waitState(EXAMPLE, "Complete");
    expect(again.slots).toMatchObject({ total: 8, present: 8, done: 0 });
    expect(await slotsOf("hourly_log")).toEqual(run);
  });
});

async function apply(...manifests: string[]): Promise<void> {
  await kubectl(["-n", scene.cluster.name, "apply", ...manifests]);
}

/** The slots of years past that were run: the live schedule ran others already when other tests had this flow. */
async function slotsOf(flow: string): Promise<string[]> {
  const executions = await scene.kestra.executions(NAMESPACE, flow);
  return executions.map(slotOf).filter((slot) => slot < "2025");
}
