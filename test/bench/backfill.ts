import { TestNamespace, uniqueName } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { TestKestra } from "../support/kestra.ts";
import { OperatorProcess } from "../support/operator.ts";
import { callsOf, QUIET } from "./measure.ts";

/** A Backfill beside the same slots started by a bare API call, at the same time and in the same engine. */
export interface BackfillFigures {
  /** From sending until the engine made the first execution: the Backfill's, and the bare call's. */
  firstExecutionMs: number;
  bareFirstExecutionMs: number;
  /** From the end of the last execution until the Backfill was seen Complete. */
  completionLagMs: number;
  /** From sending the Backfill until it was Complete; the health check of the server left out. */
  kestraCallsPerMinute: number;
  /** From sending until the end of the last execution, as a ratio to the bare call's. */
  wallRatio: number;
  wallSeconds: number;
}

const HOUR = 3_600_000;
const START = Date.parse("2024-01-01T00:00:00Z");
const TRIGGER = "tick";

/** Runs so many hourly slots both ways against the API server and the engine of the environment, which must be fresh. */
export async function measureBackfill(slots: number): Promise<BackfillFigures> {
  const kestra = new TestKestra();
  const namespace = uniqueName("bench");
  const cluster = await TestNamespace.create("bench");
  const operator = await OperatorProcess.start(cluster.name, { settings: QUIET });
  try {
    for (const id of ["bare", "declared"]) {
      await kestra.create(sourceOf(namespace, id));
      await eventually(async () => {
        const row = await kestra.trigger(namespace, id, TRIGGER);
        if (row?.nextExecutionDate === undefined) throw new Error(`${id} is not scheduled yet`);
      });
    }
    const range = { start: iso(START), end: iso(START + (slots - 1) * HOUR) };
    const before = await callsOf(operator);
    const sent = Date.now();
    await cluster.backfills.create("declared", { target: { namespace, id: "declared" }, ...range });
    const bareSent = Date.now();
    await kestra.startBackfill([namespace, "bare", TRIGGER], range);

    const within = { within: 30_000 + slots * 5_000 };
    await cluster.backfills.waitUntil("declared", ({ status }) => status?.state === "Complete", within);
    const completed = Date.now();
    const calls = (await callsOf(operator)).kestra - before.kestra;
    const declared = await finished(kestra, namespace, "declared", slots);
    const bare = await finished(kestra, namespace, "bare", slots);
    return {
      firstExecutionMs: declared.first - sent,
      bareFirstExecutionMs: bare.first - bareSent,
      completionLagMs: completed - declared.last,
      kestraCallsPerMinute: calls / ((completed - sent) / 60_000),
      wallRatio: (declared.last - sent) / (bare.last - bareSent),
      wallSeconds: (declared.last - sent) / 1_000,
    };
  } finally {
    await operator.stop();
    await cluster.destroy();
  }
}

/** When the first execution of a flow was made, and when the last one ended, once all slots have run. */
async function finished(
  kestra: TestKestra,
  namespace: string,
  flow: string,
  slots: number,
): Promise<{ first: number; last: number }> {
  return eventually(
    async () => {
      const executions = await kestra.executions(namespace, flow);
      const ended = executions.flatMap(({ state }) => (state.endDate === undefined ? [] : [Date.parse(state.endDate)]));
      if (ended.length < slots) throw new Error(`${ended.length} of ${slots} slots of ${flow} have ended`);
      const began = executions.map(({ state }) => Date.parse(state.startDate));
      return { first: Math.min(...began), last: Math.max(...ended) };
    },
    { within: 120_000, every: 500 },
  );
}

function sourceOf(namespace: string, id: string): string {
  return `id: ${id}
namespace: ${namespace}
tasks:
  - id: log
    type: io.kestra.plugin.core.log.Log
    message: "{{ trigger.date }}"
triggers:
  - id: ${TRIGGER}
    type: io.kestra.plugin.core.trigger.Schedule
    cron: "0 * * * *"
`;
}

function iso(moment: number): string {
  return new Date(moment).toISOString();
}
