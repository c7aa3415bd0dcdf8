import { KestraRejected } from "../../../../../src/kestra/errors.ts";
import type { BackfillRequest } from "../../../../../src/kestra/triggers.ts";
import type { Execution, FlowDefinition, TriggerRow } from "../../../../../src/kestra/types.ts";
import type { Clock } from "../../../../../src/lib/clock.ts";
import { parseSchedule } from "../../../../../src/resources/backfill/ticks.ts";
import type { Ticks } from "../../../../../src/resources/backfill/ticks.ts";

interface Native {
  start: number;
  end: number;
  currentDate: number;
  paused: boolean;
  labels: Record<string, string>;
  previousNextExecutionDate: number | undefined;
}

/** The row of the trigger. `date` is the slot that was evaluated last. */
interface Row {
  date: number;
  next: number | undefined;
  disabled: boolean;
  executionId?: string | undefined;
  backfill?: Native | undefined;
}

/** An execution of a slot. */
export interface Run extends Execution {
  slot: number;
  endedAt?: number;
}

export interface Scheduling {
  cron: string;
  /** Milliseconds that an execution takes. */
  takes: number;
  /** Milliseconds from the creation of an execution to its being listed, unless it ends before. */
  lag: number;
  /** Milliseconds between reading and writing the row when an execution ends or a flow is saved: what happens to the row in between is lost. */
  race: number;
  fails: (slot: number) => boolean;
  recover: "ALL" | "NONE";
  /** Whether the trigger itself says so, and not the server. */
  inSource: boolean;
}

const TRIGGER = "tick";
const SECOND = 1_000;

/**
 * One flow with one Schedule trigger, as the scheduler of Kestra 1.1 treats it: the row of the trigger with its one backfill
 * (io.kestra.core.models.triggers.Trigger: withBackfill, checkBackfill, resetExecution), which slot comes next (Schedule.nextEvaluationDate)
 * and whether it is run (Schedule.evaluate), and when (AbstractScheduler.handle).
 */
export class SchedulerInMemory {
  flow: FlowDefinition;
  row: Row | undefined;
  readonly runs: Run[] = [];
  /** What had ended, and was brought back by a flow that was saved in that moment. */
  readonly broughtBack = new Set<"backfill" | "execution">();
  readonly #scheduling: Scheduling;
  readonly #clock: Clock;
  readonly #later: (milliseconds: number, effect: () => void) => void;
  readonly #onRun: (run: Run) => void;
  #ticks: Ticks;
  #ids = 0;

  /** @param onRun told of every execution when it is created */
  constructor(
    scheduling: Scheduling,
    clock: Clock,
    later: (milliseconds: number, effect: () => void) => void,
    onRun: (run: Run) => void,
  ) {
    this.#scheduling = scheduling;
    this.#clock = clock;
    this.#later = later;
    this.#onRun = onRun;
    this.#ticks = parseSchedule({ cron: scheduling.cron, withSeconds: false, zone: "UTC" });
    const type = "io.kestra.plugin.core.trigger.Schedule";
    const said = scheduling.inSource ? { recoverMissedSchedules: scheduling.recover } : {};
    const trigger = { id: TRIGGER, type, cron: scheduling.cron, timezone: "UTC", ...said };
    this.flow = { id: "hello", namespace: "n", revision: 1, disabled: false, triggers: [trigger] };
    const now = this.#now();
    this.row = { date: now, next: this.#ticks.after(now), disabled: false };
  }

  /** The scheduler's loop, once a second. */
  tick(): void {
    const { row } = this;
    if (row === undefined || row.disabled || row.executionId !== undefined) return;
    // A row without a next date gets one, and is evaluated for it at once, due or not: a live slot is left out by that.
    const next = row.next ?? this.#nextDate(row);
    if (next !== undefined && (row.next === undefined || next < this.#now())) this.#evaluate(row, next);
  }

  /** The row as Kestra tells it. */
  get told(): TriggerRow | undefined {
    const { row } = this;
    if (row === undefined) return undefined;
    const { next, disabled, executionId, backfill } = row;
    return {
      namespace: "n",
      flowId: "hello",
      triggerId: TRIGGER,
      disabled,
      ...(next === undefined ? {} : { nextExecutionDate: next }),
      ...(executionId === undefined ? {} : { executionId }),
      ...(backfill === undefined ? {} : { backfill: { ...backfill } }),
    };
  }

  /** What a search lists. */
  listed(from: number): Run[] {
    const until = this.#clock.now() - this.#scheduling.lag;
    return this.runs.filter((run) => run.startedAt >= from && (run.startedAt <= until || run.endedAt !== undefined));
  }

  start({ start, end, labels, paused = false }: BackfillRequest): void {
    const row = this.#rowOf();
    row.backfill = { start, end, currentDate: start, paused, labels, previousNextExecutionDate: row.next };
    row.next = this.#nextDate(row);
  }

  /** Returns whether there was one. */
  end(): boolean {
    const row = this.#rowOf();
    if (row.backfill === undefined) return false;
    row.next = row.backfill.previousNextExecutionDate;
    row.backfill = undefined;
    return true;
  }

  pause(paused: boolean): void {
    if (this.row?.backfill) this.row.backfill.paused = paused;
  }

  disable(disabled: boolean): void {
    const { row } = this;
    if (row === undefined || row.disabled === disabled) return;
    row.disabled = disabled;
    if (disabled) row.next = undefined;
  }

  /** Saves the flow with other tasks. */
  edit(): void {
    this.#revise();
    this.saveAnotherFlow();
  }

  /** Somebody saves another flow: the scheduler then writes the rows of all triggers with NONE, from a copy that it read before. */
  saveAnotherFlow(): void {
    if (this.#scheduling.recover !== "NONE") return;
    const read = this.#copy();
    this.#later(this.#scheduling.race, () => {
      if (read === undefined || this.row === undefined) return;
      if (read.backfill !== undefined && this.row.backfill === undefined) this.broughtBack.add("backfill");
      if (read.executionId !== undefined && this.row.executionId === undefined) this.broughtBack.add("execution");
      this.row = { ...read, next: this.#ticks.after(this.#now()) };
    });
  }

  /** Saves the flow with another trigger: its row begins anew, and only its flag stays. */
  editTrigger(change: { cron?: string; inputs?: object }): void {
    this.#revise();
    this.flow = { ...this.flow, triggers: (this.flow.triggers ?? []).map((trigger) => ({ ...trigger, ...change })) };
    if (change.cron !== undefined) this.#ticks = parseSchedule({ cron: change.cron, withSeconds: false, zone: "UTC" });
    if (this.row) this.row = { date: this.#now(), next: undefined, disabled: this.row.disabled };
  }

  /** Saves the flow without its trigger. */
  removeTrigger(): void {
    this.#revise();
    this.flow = { ...this.flow, triggers: [] };
    this.row = undefined;
  }

  /** An execution from the past, of a slot that was run before anybody looked. */
  remember(slot: number, state: string): void {
    const run = this.#create(slot, {});
    Object.assign(run, { state, startedAt: slot + SECOND, endedAt: slot + 2 * SECOND });
  }

  #evaluate(row: Row, date: number): void {
    const { backfill } = row;
    const slot = backfill ? backfill.currentDate : date;
    const runs = backfill ? !backfill.paused && this.#ticks.includes(slot) : date <= this.#now() + SECOND;
    row.date = date;
    row.next = this.#nextDate(row);
    if (runs) {
      const run = this.#create(slot, backfill?.labels ?? {});
      row.executionId = run.id;
      this.#later(this.#scheduling.takes, () => {
        this.#finish(run);
      });
      this.#advance(row);
      this.#onRun(run);
    } else this.#advance(row);
  }

  /** After a slot: a backfill goes on to the next one, or ends. */
  #advance(row: Row): void {
    const { backfill, next } = row;
    if (backfill === undefined || backfill.paused || next === undefined) return;
    if (next > backfill.end) {
      row.next = backfill.previousNextExecutionDate;
      row.backfill = undefined;
    } else backfill.currentDate = next;
  }

  #nextDate({ date, backfill }: Row): number | undefined {
    const next = this.#ticks.after(backfill ? backfill.currentDate : date);
    return backfill && next !== undefined && next > backfill.end ? this.#ticks.after(this.#now()) : next;
  }

  #create(slot: number, labels: Record<string, string>): Run {
    const run: Run = {
      id: `e${(this.#ids += 1)}`,
      state: "RUNNING",
      startedAt: this.#clock.now(),
      labels,
      trigger: TRIGGER,
      slot,
      flowRevision: this.flow.revision,
    };
    this.runs.push(run);
    return run;
  }

  #finish(run: Run): void {
    run.state = this.#scheduling.fails(run.slot) ? "FAILED" : "SUCCESS";
    run.endedAt = this.#clock.now();
    const { row } = this;
    if (row?.executionId !== run.id) return;
    const read = this.#copy();
    this.#later(this.#scheduling.race, () => {
      if (read === undefined || this.row === undefined) return;
      const late = read.next !== undefined && this.#clock.now() > read.next;
      const next = late && this.#scheduling.recover === "NONE" ? this.#ticks.after(this.#now()) : read.next;
      this.row = { ...read, next, disabled: read.disabled || this.row.disabled, executionId: undefined };
    });
  }

  #revise(): void {
    this.flow = { ...this.flow, revision: this.flow.revision + 1 };
  }

  #copy(): Row | undefined {
    return structuredClone(this.row);
  }

  #rowOf(): Row {
    if (this.row === undefined) throw new KestraRejected(404, "Not Found: Flow hello has no trigger tick");
    return this.row;
  }

  #now(): number {
    return Math.floor(this.#clock.now() / SECOND) * SECOND;
  }
}
