import { randomBytes } from "node:crypto";
import { afterAll, expect, jest, test } from "@jest/globals";
import type { Backfill } from "../../../src/resources/backfill/schema.ts";
import { eventually } from "../../support/eventually.ts";
import { BackfillScene } from "./scene.ts";

jest.setTimeout(480_000);

const scene = new BackfillScene("bf-cost");
const SLOTS = 10_000;
/** Of the last ones nothing is seeded, so that it stays running. */
const SEEDED = 9_900;
const HOUR = 3_600_000;
const START = Date.parse("2023-01-01T00:00:00Z");

/** Ten thousand rows would make everything slower that comes after. */
afterAll(async () => {
  const ids = (await scene.kestra.executions(scene.namespace, "big")).map(({ id }) => id);
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      for (let id = ids.pop(); id !== undefined; id = ids.pop()) await scene.kestra.deleteExecution(id);
    }),
  );
}, 480_000);

test("the progress of ten thousand slots takes two calls a look, and no status grows with it", async () => {
  await scene.flow("big", "0 * * * *");
  const { metadata } = await scene.create("big", {
    start: new Date(START).toISOString(),
    end: new Date(START + (SLOTS - 1) * HOUR).toISOString(),
  });
  const early = await scene.backfills.waitUntil("big", ({ status }) => (status?.slots?.done ?? 0) >= 1, {
    within: 60_000,
  });
  expect(early.status?.slots?.total).toBe(SLOTS);

  // Later than what the engine goes on to run meanwhile, so that these are what is counted.
  const startedAt = Date.now() + HOUR;
  for (let from = 1; from < SEEDED; from += 1_000) {
    const count = Math.min(1_000, SEEDED - from);
    await scene.kestra.seedExecutions(
      Array.from({ length: count }, (_, i) => finished("big", metadata.uid, from + i, startedAt + from + i)),
    );
  }
  // A look reads twenty pages of a hundred: it is made to look until it has caught up.
  await eventually(
    async () => {
      await looked(`catching-up-${Date.now()}`);
      expect((await scene.status("big")).slots?.done).toBeGreaterThanOrEqual(SEEDED);
    },
    { within: 300_000 },
  );

  const calls = (operation: string) => scene.operator.metric("kestraflow_kestra_calls_total", { operation });
  const before = { looks: await calls("listTriggers"), pages: await calls("searchExecutions") };
  for (let look = 1; look <= 5; look += 1) await looked(`look-${look}`);
  const looks = (await calls("listTriggers")) - before.looks;
  const pages = (await calls("searchExecutions")) - before.pages;
  expect(looks).toBeGreaterThanOrEqual(5);
  expect(pages).toBeLessThanOrEqual(looks + 1);

  const late = await scene.backfills.get("big");
  const sizes = [early, late].map(({ status }) => JSON.stringify(status).length);
  expect(sizes[1]).toBeLessThan((sizes[0] ?? 0) + 300);
  expect(sizes[1]).toBeLessThan(4_000);
  await scene.backfills.delete("big");
  await scene.backfills.waitGone("big");
});

/** Has it looked at, and waits until that is done. */
async function looked(request: string): Promise<void> {
  await scene.backfills.annotate("big", { "kestraflow.dev/reconcile-requested-at": request });
  const done = ({ status }: Backfill) => status?.handledReconcileAt === request;
  await scene.backfills.waitUntil("big", done, { within: 60_000 });
}

/** An execution as the engine would have made it for a slot of the backfill. */
function finished(flowId: string, uid: string, slot: number, at: number): object {
  const date = new Date(START + slot * HOUR).toISOString();
  const moment = (ms: number) => new Date(at + ms).toISOString();
  return {
    id: randomBytes(11).toString("hex"),
    tenantId: "main",
    namespace: scene.namespace,
    flowId,
    flowRevision: 1,
    state: {
      current: "SUCCESS",
      histories: [
        { state: "CREATED", date: moment(0) },
        { state: "RUNNING", date: moment(0) },
        { state: "SUCCESS", date: moment(1) },
      ],
    },
    labels: [
      { key: "kestraflow.backfill", value: uid },
      { key: "kestraflow.attempt", value: "1" },
    ],
    trigger: { id: "tick", type: "io.kestra.plugin.core.trigger.Schedule", variables: { date } },
  };
}
