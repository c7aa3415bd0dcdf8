import { expect, jest } from "@jest/globals";
import type { Backfill, BackfillSpec, BackfillStatus } from "../../../src/resources/backfill/schema.ts";
import { eventually } from "../../support/eventually.ts";
import type { EventuallyOptions } from "../../support/eventually.ts";
import type { KestraExecution, KestraTrigger, TestKestra } from "../../support/kestra.ts";
import type { TestResources } from "../../support/resources.ts";
import { TestScene } from "../scene.ts";

/** Kestra takes a second for each slot, and more beside other tests. TestScene's module, which sets less, is evaluated before. */
jest.setTimeout(240_000);
/** For what takes some looks of the operator, or some slots, beside other tests. */
const PATIENCE = { within: 45_000 };

/**
 * Every hour of the first days of January and February: tests run slots of 2024, and no live slot is due among them, as it would be at
 * every full hour of the clock. On those days themselves one can be.
 */
export const HOURLY = "0 * 1 1,2 *";
/** Half an hour later. */
export const HALF_PAST = "30 * 1 1,2 *";

type State = NonNullable<BackfillStatus["state"]>;

/** A scene of backfills: flows with a Schedule trigger, made in Kestra directly, and the Backfills of their slots. */
export class BackfillScene extends TestScene {
  protected override readonly listing = "listTriggers";
  /** Before any flow of this scene was made. */
  readonly #began = Date.now();

  get backfills(): TestResources<BackfillSpec, Backfill> {
    return this.cluster.backfills;
  }

  /**
   * Makes a flow whose trigger `tick` has this cron, and waits until Kestra schedules it.
   *
   * @param more of the flow, as YAML at the top level
   */
  async flow(id: string, cron: string, properties: FlowProperties = {}): Promise<void> {
    await this.kestra.create(this.source(id, cron, properties));
    const { more = "", trigger = "" } = properties;
    if (more.includes("disabled") || trigger.includes("disabled")) return;
    await waitScheduled(this.kestra, this.trigger(id));
  }

  /** Edits a flow as a person does. Saved twice, as Kestra can miss one of them: see {@link waitScheduled}. */
  async edit(id: string, source: string): Promise<void> {
    await this.kestra.edit(this.namespace, id, source);
    await this.kestra.edit(this.namespace, id, `${source}# again\n`);
  }

  source(id: string, cron: string, properties: FlowProperties = {}): string {
    return scheduledFlow(this.namespace, id, cron, properties);
  }

  /** Makes a Backfill of the flow with the same name. */
  create(name: string, spec: Partial<BackfillSpec>): Promise<Backfill> {
    return this.backfills.create(name, { target: { namespace: this.namespace, id: name }, ...spec });
  }

  async status(name: string): Promise<BackfillStatus> {
    return (await this.backfills.get(name)).status ?? {};
  }

  /** Waits until the Backfill has come to this state. */
  async waitState(name: string, state: State, options?: EventuallyOptions): Promise<BackfillStatus> {
    const wanted = { ...PATIENCE, ...options };
    const resource = await this.backfills.waitUntil(name, ({ status }) => status?.state === state, wanted);
    return resource.status ?? {};
  }

  /** Waits until Ready is False for this reason. */
  async waitReason(name: string, reason: string): Promise<string> {
    const { status } = await this.backfills.waitFor(name, "Ready", "False", reason, PATIENCE);
    return status?.conditions?.find(({ type }) => type === "Ready")?.message ?? "";
  }

  /** What the condition Ready says. */
  async message(name: string): Promise<string> {
    return (await this.status(name)).conditions?.find(({ type }) => type === "Ready")?.message ?? "";
  }

  async waitMessage(name: string, text: string): Promise<void> {
    await eventually(async () => {
      expect(await this.message(name)).toContain(text);
    }, PATIENCE);
  }

  /**
   * Waits until what was handed over is taken back for good: Suspended is said as soon as it is, and an execution that was made just before
   * can still be missing in Kestra's list then.
   *
   * @returns the slots that were started until then
   */
  async waitTakenBack(name: string): Promise<string[]> {
    await this.backfills.waitUntil(
      name,
      ({ status }) => status?.state === "Suspended" && status.submission === undefined,
      PATIENCE,
    );
    return this.slots(name);
  }

  /** Has it looked at now, and not at the end of its pause. */
  async look(name: string): Promise<void> {
    await this.backfills.annotate(name, { "kestraflow.dev/reconcile-requested-at": new Date().toISOString() });
  }

  trigger(flow: string): readonly [string, string, string] {
    return [this.namespace, flow, "tick"];
  }

  /** The state of the flow's trigger. Throws where there is none. */
  async row(flow: string): Promise<KestraTrigger> {
    const row = await this.kestra.trigger(...this.trigger(flow));
    if (row === undefined) throw new Error(`Kestra has no trigger of ${flow}`);
    return row;
  }

  /**
   * Changes the state of the flow's trigger as a person does, again until it lasts: the end of an execution in the same moment undoes what
   * was changed (ADR 11).
   */
  async insist(flow: string, change: () => Promise<unknown>, lasts: (row: KestraTrigger) => boolean): Promise<void> {
    await eventually(async () => {
      if (!lasts(await this.row(flow))) await change();
      const row = await this.row(flow);
      if (!lasts(row) || row.executionId !== undefined) throw new Error(`the row is ${JSON.stringify(row)}`);
    }, PATIENCE);
  }

  /** The flow's executions that have the label of this Backfill. */
  async ours(name: string, flow = name): Promise<KestraExecution[]> {
    const { metadata } = await this.backfills.get(name);
    const executions = await this.kestra.executions(this.namespace, flow);
    return executions.filter(({ labels }) =>
      labels?.some(({ key, value }) => key === "kestraflow.backfill" && value === metadata.uid),
    );
  }

  /**
   * The slots of the flow that were run, in the order in which they were started, whoever started them. What the live schedule runs while
   * the test goes on is left out; what lies before, it never runs unless it replays the past.
   */
  async slots(flow: string): Promise<string[]> {
    const all = (await this.kestra.executions(this.namespace, flow)).map(slotOf);
    return all.filter((slot) => Date.parse(slot) < this.#began);
  }

  /** Waits until at least so many of the flow's slots were started. */
  async waitSlots(flow: string, count: number): Promise<string[]> {
    return eventually(async () => {
      const slots = await this.slots(flow);
      if (slots.length < count) throw new Error(`only ${slots.join(", ")}`);
      return slots;
    }, PATIENCE);
  }

  /** Waits until at least so many of the flow's executions have succeeded. */
  async waitSuccesses(flow: string, count: number): Promise<void> {
    await eventually(async () => {
      const states = (await this.kestra.executions(this.namespace, flow)).map(({ state }) => state.current);
      if (states.filter((state) => state === "SUCCESS").length < count) throw new Error(`only ${states.join(", ")}`);
    }, PATIENCE);
  }

  async expectSlots(flow: string, slots: string[]): Promise<void> {
    expect(await this.slots(flow)).toEqual(slots);
  }

  protected override recordedNamespaces(): Promise<string[]> {
    return Promise.resolve([]);
  }

  protected override async emptyInKestra(namespace: string): Promise<void> {
    for (const { id } of await this.kestra.flows(namespace)) await this.kestra.delete(namespace, id);
  }
}

const LOG = `  - id: log
    type: io.kestra.plugin.core.log.Log
    message: "{{ trigger.date }}"`;

/** What a flow has besides its trigger's cron, as YAML: its tasks, and more of the trigger and of the flow at their own level. */
export interface FlowProperties {
  tasks?: string;
  trigger?: string;
  more?: string;
}

/** A flow with a Schedule trigger `tick`. */
export function scheduledFlow(
  namespace: string,
  id: string,
  cron: string,
  { tasks = LOG, trigger = "", more = "" }: FlowProperties = {},
): string {
  const properties = trigger === "" ? "" : `\n    ${trigger.replaceAll("\n", "\n    ")}`;
  return `id: ${id}
namespace: ${namespace}
${more}
tasks:
${tasks}
triggers:
  - id: tick
    type: io.kestra.plugin.core.trigger.Schedule
    cron: "${cron}"${properties}
`;
}

/**
 * Waits until Kestra schedules a trigger, and returns its state. Where that takes long, the flow is saved once more: Kestra's queue can skip
 * a message that is committed after a later one, and then the scheduler never hears of a flow (seen once in 150 flows, eight saved at a time).
 */
export async function waitScheduled(
  kestra: TestKestra,
  [namespace, id, trigger]: readonly [string, string, string],
): Promise<KestraTrigger & { nextExecutionDate: string }> {
  const scheduled = async () => {
    const row = await kestra.trigger(namespace, id, trigger);
    if (row?.nextExecutionDate === undefined) throw new Error(`the trigger ${trigger} of ${id} is not scheduled yet`);
    return { ...row, nextExecutionDate: row.nextExecutionDate };
  };
  return eventually(scheduled, { within: 8_000 }).catch(async () => {
    const flow = await kestra.flow(namespace, id);
    if (flow) await kestra.edit(namespace, id, `${flow.source}\n# again\n`);
    return eventually(scheduled, PATIENCE);
  });
}

/** A task that takes some seconds. */
export function sleeping(seconds: number): string {
  return `  - id: sleep
    type: io.kestra.plugin.core.flow.Sleep
    duration: PT${seconds}S`;
}

/** A task that fails in the slots for which the expression is true. */
export function failingWhen(expression: string): string {
  return `  - id: fail
    type: io.kestra.plugin.core.execution.Fail
    condition: "${expression}"`;
}

/** The slot of an execution as a moment in UTC. */
export function slotOf({ trigger }: KestraExecution): string {
  return new Date(trigger?.variables?.date ?? "").toISOString().replace(".000Z", "Z");
}

/** Hourly slots of 2024-01-01. */
export function hours(from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, i) => `2024-01-01T${String(from + i).padStart(2, "0")}:00:00Z`);
}
