import { ManualClock } from "../../../kubernetes/support/manualClock.ts";
import type { KestraClient } from "../../../../../src/kestra/client.ts";
import { KestraError, KestraUnreachable } from "../../../../../src/kestra/errors.ts";
import type { Executions } from "../../../../../src/kestra/executions.ts";
import type { Triggers } from "../../../../../src/kestra/triggers.ts";
import type { TriggerRow } from "../../../../../src/kestra/types.ts";
import type { EventRecorder } from "../../../../../src/kubernetes/events.ts";
import { ApiError } from "../../../../../src/kubernetes/errors.ts";
import { keyOf } from "../../../../../src/kubernetes/objects.ts";
import { messageOf } from "../../../../../src/lib/async.ts";
import { controlledBackfills } from "../../../../../src/operator/backfills.ts";
import { projectBackfill } from "../../../../../src/resources/backfill/cache.ts";
import { LABEL } from "../../../../../src/resources/backfill/native.ts";
import type { BackfillContext } from "../../../../../src/resources/backfill/observe.ts";
import { backfills } from "../../../../../src/resources/backfill/schema.ts";
import type { BackfillSpec, BackfillStatus } from "../../../../../src/resources/backfill/schema.ts";
import { copyOf, KubernetesInMemory } from "../../support/kubernetesInMemory.ts";
import type { Resource } from "../../support/kubernetesInMemory.ts";
import { settings } from "../../support/observed.ts";
import { Crash, Violation } from "../../support/world.ts";
import { SchedulerInMemory } from "./schedulerInMemory.ts";
import type { Run, Scheduling } from "./schedulerInMemory.ts";

export type BackfillResource = Resource<BackfillSpec, BackfillStatus>;

/** The API server gives no answer. */
class Failure extends Error {}

/** What goes wrong with a write: of the operator's process, of its connection, or of both. */
export type Fault =
  | { kind: "crash before" | "crash after" | "answer lost" | "never sent" }
  /** The call is on its way when the process dies, or its deadline passes, and takes effect so many milliseconds later. */
  | { kind: "crash, late" | "deadline, late"; ms: number };

export const BEGIN = Date.parse("2026-06-01T12:00:30Z");
export const MINUTE = 60_000;
const DEADLINE_MS = 10_000;
/** No status of the slots that these tests run is longer, however many there are. */
const LONGEST_STATUS = 5_000;
const MOST_CALLS = 40;

/**
 * Kubernetes and Kestra's scheduler in memory, in which time passes with every call, reconciled by the real reconciler.
 *
 * The world watches over what must never happen: two executions of one Backfill for one slot, a backfill of somebody else replaced or
 * deleted by somebody who has seen it, a slot run again that had succeeded, a live slot run twice, counts that go down, an end that is
 * none, a status that grows, a look that takes many calls.
 */
export class BackfillWorld {
  readonly clock = new ManualClock(BEGIN);
  readonly kestra: SchedulerInMemory;
  readonly kubernetes = new KubernetesInMemory<BackfillSpec, BackfillStatus>(
    backfills,
    (what, object, effect) => this.#changeResource(what, object, effect),
    (key) => {
      this.#due.set(key, this.clock.now());
    },
  );
  /** By the number of the write that they befall. */
  readonly faults = new Map<number, Fault>();
  readonly writes: string[] = [];
  readonly events: string[] = [];
  reconciles = 0;
  readonly #due = new Map<string, number>();
  readonly #failures = new Map<string, number>();
  readonly #agenda: { at: number; effect: () => void }[] = [];
  readonly #latency: () => number;
  #reconcile = this.#process();
  #actor = "";
  #calls = 0;
  /** The backfill that the process has seen in this reconcile. */
  #seen: string | undefined;

  /** @param latency milliseconds that the next half of a call takes */
  constructor(scheduling: Scheduling, latency: () => number) {
    this.#latency = latency;
    const later = (milliseconds: number, effect: () => void) => {
      this.at(this.clock.now() + milliseconds, effect);
    };
    this.kestra = new SchedulerInMemory(scheduling, this.clock, later, (run) => {
      this.#judge(run);
    });
  }

  /** Has something happen at a time. */
  at(time: number, effect: () => void): void {
    this.#agenda.push({ at: time, effect });
  }

  /** Another process takes over: nothing is known but what is in the world. */
  restart(): void {
    this.#reconcile = this.#process();
    this.#failures.clear();
    for (const key of this.kubernetes.resources.keys()) this.#due.set(key, this.clock.now());
  }

  /** Lets time pass until a moment, or until there is nothing left to happen but the live schedule. */
  async until(end: number, done: () => boolean = () => false): Promise<void> {
    while (this.clock.now() < end && !done()) {
      const [key, due] = this.#next();
      if (due <= this.clock.now()) await this.#workOn(key);
      else this.#pass(Math.min(due, end, this.clock.now() + 1_000) - this.clock.now());
    }
  }

  status(name: string): BackfillStatus {
    return this.kubernetes.resources.get(`team/${name}`)?.status ?? {};
  }

  /** The executions that carry the label of a Backfill. */
  runsOf({ metadata }: Pick<BackfillResource, "metadata">): Run[] {
    return this.kestra.runs.filter(({ labels }) => labels[LABEL.backfill] === metadata.uid);
  }

  #next(): [key: string, due: number] {
    let next: [string, number] = ["", Infinity];
    for (const entry of this.#due) if (entry[1] < next[1]) next = entry;
    return next;
  }

  async #workOn(key: string): Promise<void> {
    this.#due.delete(key);
    this.#actor = key;
    this.#seen = undefined;
    this.#calls = 0;
    this.reconciles += 1;
    try {
      const { requeueAfterMs } = (await this.#reconcile(key, new AbortController().signal)) ?? {};
      this.#failures.delete(key);
      if (requeueAfterMs !== undefined) this.#queue(key, requeueAfterMs);
    } catch (error) {
      if (error instanceof Violation) throw error;
      if (error instanceof Crash) this.restart();
      else if (!(error instanceof Failure || error instanceof ApiError || error instanceof KestraError))
        throw new Violation(`reconciling ${key} failed: ${messageOf(error)}`, { cause: error });
      else {
        const failures = (this.#failures.get(key) ?? 0) + 1;
        this.#failures.set(key, failures);
        this.#queue(key, Math.min(30_000, 100 * 2 ** failures));
      }
    }
    if (this.#calls > MOST_CALLS) throw new Violation(`one look took ${this.#calls} calls`);
  }

  #queue(key: string, afterMs: number): void {
    this.#due.set(key, Math.min(this.#due.get(key) ?? Infinity, this.clock.now() + afterMs));
  }

  /** Time goes on for everybody. */
  #pass(milliseconds: number): void {
    const end = this.clock.now() + milliseconds;
    for (;;) {
      const now = this.clock.now();
      const second = (Math.floor(now / 1_000) + 1) * 1_000;
      const next = this.#agenda.reduce((first, { at }) => Math.min(first, at), second);
      if (next > end) break;
      this.clock.freeze(Math.max(0, next - now));
      for (const due of this.#agenda.filter(({ at }) => at <= next)) {
        this.#agenda.splice(this.#agenda.indexOf(due), 1);
        due.effect();
      }
      if (next === second) this.kestra.tick();
    }
    this.clock.freeze(end - this.clock.now());
  }

  #process() {
    const recorder = { record: ({ name }, { reason }) => void this.events.push(`${name} ${reason}`) } as Pick<
      EventRecorder,
      "record"
    >;
    const cached = () => [...this.kubernetes.resources.values()].map((resource) => projectBackfill(copyOf(resource)));
    const context = {
      kubernetes: this.kubernetes.client,
      kestra: this.#client(),
      server: { state: { kind: "up", info: { uuid: "u", version: "1.1.15" } }, suspect: () => undefined },
      resources: { get: (key: string) => cached().find((resource) => keyOf(resource) === key), learn: () => undefined },
      claims: { of: () => [] },
      drift: { mustLook: () => false, forget: () => undefined },
      logger: { info: () => undefined },
      settings,
      clock: this.clock,
      flows: { get: () => undefined },
      backfills: { values: cached },
    } as unknown as BackfillContext;
    return controlledBackfills(context, recorder as EventRecorder).reconciler(context);
  }

  #client(): KestraClient {
    const triggers: Pick<Triggers, "get" | "startBackfill" | "deleteBackfill"> = {
      get: () =>
        this.#call(() => {
          this.#seen = backfillOf(this.kestra.told);
          return this.kestra.told;
        }),
      startBackfill: (_identity, request) =>
        this.#write(`start ${this.#actor}`, (late) => {
          if (!late) this.#mustBeOurs("replaced");
          this.kestra.start(request);
          return this.kestra.told!;
        }),
      deleteBackfill: () =>
        this.#write<TriggerRow | "none">(`delete ${this.#actor}`, (late) => {
          if (!late) this.#mustBeOurs("deleted");
          return this.kestra.end() ? this.kestra.told! : "none";
        }),
    };
    const executions: Pick<Executions, "page" | "get"> = {
      get: (id) => this.#call(() => this.kestra.runs.find((run) => run.id === id)),
      page: ({ labels = {}, from = 0 }, { page, size, order }) =>
        this.#call(() => {
          const found = this.kestra
            .listed(from)
            .filter((run) => Object.entries(labels).every(([key, value]) => run.labels[key] === value));
          if (order === "newest") found.reverse();
          const results = found.slice((page - 1) * size, page * size);
          return { results, total: found.length };
        }),
    };
    const flows = { definition: () => this.#call(() => this.kestra.flow) };
    return { triggers, executions, flows } as unknown as KestraClient;
  }

  async #call<T>(effect: () => T): Promise<T> {
    await Promise.resolve();
    this.#calls += 1;
    this.#pass(this.#latency());
    const answer = structuredClone(effect());
    this.#pass(this.#latency());
    return answer;
  }

  /** A call that changes something in Kestra. */
  async #write<T>(what: string, effect: (late: boolean) => T): Promise<T> {
    await Promise.resolve();
    this.#calls += 1;
    this.writes.push(what);
    const fault = this.faults.get(this.writes.length);
    this.#pass(this.#latency());
    if (fault === undefined) {
      const answer = structuredClone(effect(false));
      this.#pass(this.#latency());
      return answer;
    }
    switch (fault.kind) {
      case "crash before":
        throw new Crash();
      case "crash after":
        effect(false);
        throw new Crash();
      case "never sent":
        throw new KestraUnreachable("refused");
      case "answer lost":
        effect(false);
        throw new KestraUnreachable("cut");
      case "crash, late":
      case "deadline, late":
        this.at(this.clock.now() + fault.ms, () => {
          if (this.kestra.row) effect(true);
        });
        if (fault.kind === "crash, late") throw new Crash();
        this.#pass(DEADLINE_MS);
        throw new KestraUnreachable("deadline");
    }
  }

  #changeResource<T>(what: string, { status = {} }: BackfillResource, effect: () => T): T {
    if (JSON.stringify(status).length > LONGEST_STATUS) throw new Violation("the status grows");
    this.#mustNotGoBack(status);
    this.#calls += 1;
    this.writes.push(`${what} ${this.#actor}`);
    const fault = this.faults.get(this.writes.length);
    if (fault === undefined) return effect();
    if (fault.kind === "crash before") throw new Crash();
    if (fault.kind === "never sent") throw new Failure("connection refused");
    effect();
    throw fault.kind.startsWith("crash") ? new Crash() : new Failure("connection cut");
  }

  /** Counts only grow, and what is finished stays as it ended. */
  #mustNotGoBack({ slots, state, finishedAt }: BackfillStatus): void {
    const { status: before, metadata } = this.kubernetes.resources.get(this.#actor) ?? {};
    if (metadata?.deletionTimestamp !== undefined) return;
    for (const count of ["done", "failed", "skipped", "unproved"] as const)
      if ((slots?.[count] ?? 0) < (before?.slots?.[count] ?? 0))
        throw new Violation(`${this.#actor} counts fewer ${count}`);
    if (before?.finishedAt !== undefined && (finishedAt !== before.finishedAt || state !== before.state))
      throw new Violation(`${this.#actor} was ${before.state ?? ""}, and is ${state ?? ""}`);
  }

  #mustBeOurs(what: string): void {
    const found = backfillOf(this.kestra.told);
    const uid = this.kubernetes.resources.get(this.#actor)?.metadata.uid;
    const labels = this.kestra.row?.backfill?.labels ?? {};
    if (found !== undefined && found === this.#seen && labels[LABEL.backfill] !== uid)
      throw new Violation(`${this.#actor} ${what} the backfill of ${labels[LABEL.backfill] ?? "a person"}`);
  }

  #judge(run: Run): void {
    const uid = run.labels[LABEL.backfill];
    const same = this.kestra.runs.filter((other) => other.slot === run.slot && other !== run);
    const slot = new Date(run.slot).toISOString();
    if (run.labels[LABEL.guard] !== undefined) throw new Violation(`a guard ran ${slot}`);
    if (uid === undefined) {
      // Replaced in the very moment between look and call, what a person started hides where the live schedule stood.
      const hidden = this.events.some((event) => event.endsWith("ReplacedAnother"));
      const isLive = run.slot > BEGIN && run.labels.person === undefined && !hidden;
      if (isLive && same.some(({ labels }) => Object.keys(labels).length === 0))
        throw new Violation(`the live slot ${slot} was run twice`);
      return;
    }
    if (same.some(({ labels }) => labels[LABEL.backfill] === uid))
      throw new Violation(`${slot} was run twice for ${uid}`);
    const backfill = [...this.kubernetes.resources.values()].find(({ metadata }) => metadata.uid === uid);
    if (backfill?.spec.reprocess !== "Missing") return;
    // What ends between the look and the call cannot be known.
    const looked = Date.parse(backfill.status?.startedAt ?? "") - 5_000;
    if (same.some(({ state, endedAt = Infinity }) => state === "SUCCESS" && endedAt < looked))
      throw new Violation(`${slot} had succeeded before, and was run again`);
  }
}

/** Which backfill a trigger has: two that one person starts one after the other are two. */
function backfillOf(row: TriggerRow | undefined): string | undefined {
  const { start, end, labels } = row?.backfill ?? {};
  return row?.backfill ? JSON.stringify([start, end, labels]) : undefined;
}
