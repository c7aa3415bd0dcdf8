import type { Metadata } from "../../../../../src/kubernetes/objects.ts";
import type { Execution, FlowDefinition, TriggerDefinition, TriggerRow } from "../../../../../src/kestra/types.ts";
import { projectBackfill } from "../../../../../src/resources/backfill/cache.ts";
import type { CachedBackfill } from "../../../../../src/resources/backfill/cache.ts";
import type { Decision, Observed } from "../../../../../src/resources/backfill/model.ts";
import { guardLabelsOf, labelsOf } from "../../../../../src/resources/backfill/native.ts";
import { iso } from "../../../../../src/resources/backfill/plan.ts";
import type { Progress } from "../../../../../src/resources/backfill/progress.ts";
import type { BackfillSpec, BackfillStatus, Submission } from "../../../../../src/resources/backfill/schema.ts";
import { specDigest } from "../../../../../src/resources/backfill/source.ts";
import { parseSchedule } from "../../../../../src/resources/backfill/ticks.ts";
import { NOW, settings, UID, up } from "../../support/observed.ts";

export * from "../../support/observed.ts";
export { iso };

export const HOUR = 3_600_000;
export const HOURLY = parseSchedule({ cron: "0 * * * *", withSeconds: false, zone: "UTC" });
/** Where the live schedule of the trigger stands: its next date. */
export const LIVE = NOW + HOUR;

/** The slot at this hour of 2026-05-01, as the status writes it; hours go on beyond the day. */
export function hour(of: number): string {
  return iso(slot(of));
}

/** The same in milliseconds. */
export function slot(hour: number): number {
  return Date.parse("2026-05-01T00:00:00Z") + hour * HOUR;
}

/** A moment this far from now, as the status writes it. */
export function at(milliseconds: number): string {
  return iso(NOW + milliseconds);
}

/** A Backfill of the slots from 00:00 to 05:00. */
export const sixHours: Partial<BackfillSpec> = { start: hour(0), end: hour(5) };

export function object(
  spec: Partial<BackfillSpec> = {},
  status?: BackfillStatus,
  metadata?: Partial<Metadata>,
): CachedBackfill {
  return projectBackfill({
    apiVersion: "kestraflow.dev/v1alpha1",
    kind: "Backfill",
    metadata: {
      name: "ours",
      namespace: "team",
      uid: UID,
      resourceVersion: "7",
      generation: 1,
      creationTimestamp: "2026-01-02T00:00:00Z",
      ...metadata,
    },
    spec: { target: { namespace: "n", id: "hello" }, ...sixHours, ...spec },
    ...(status ? { status } : {}),
  } as Parameters<typeof projectBackfill>[0]);
}

/** The flow with its one Schedule trigger. */
export function flow(more: Partial<FlowDefinition> = {}, trigger: Partial<TriggerDefinition> = {}): FlowDefinition {
  return {
    id: "hello",
    namespace: "n",
    revision: 3,
    disabled: false,
    triggers: [
      { id: "tick", type: "io.kestra.plugin.core.trigger.Schedule", cron: "0 * * * *", timezone: "UTC", ...trigger },
    ],
    ...more,
  };
}

/** State of the trigger: idle, and its live schedule as it should be. */
export function row(more: Partial<TriggerRow> = {}): TriggerRow {
  return { namespace: "n", flowId: "hello", triggerId: "tick", nextExecutionDate: LIVE, disabled: false, ...more };
}

type Native = NonNullable<TriggerRow["backfill"]>;

/** The trigger with a backfill that has these labels. */
export function holding(labels: Record<string, string>, native: Partial<Native> = {}, more: Partial<TriggerRow> = {}) {
  const backfill: Native = {
    start: slot(0),
    end: slot(5),
    currentDate: slot(2),
    paused: false,
    labels,
    previousNextExecutionDate: LIVE,
    ...native,
  };
  return row({ nextExecutionDate: slot(2), backfill, ...more });
}

export const ours = (native: Partial<Native> = {}, more: Partial<TriggerRow> = {}, attempt = 1) =>
  holding(labelsOf(UID, attempt), native, more);
export const guarding = (native: Partial<Native> = {}) => holding(guardLabelsOf(UID), { paused: true, ...native });
export const persons = (native: Partial<Native> = {}) => holding({}, native);
export const others = () => holding(labelsOf("uid-of-another", 1));

/** What differs; undefined takes a field away. */
type Changes<T> = { [field in keyof T]?: T[field] | undefined };

/** What was handed over: by default all six slots, which Kestra has confirmed a minute ago. */
export function submission(more: Changes<Submission> = {}): Submission {
  const all = {
    first: hour(0),
    last: hour(5),
    intendedAt: at(-61_000),
    submittedAt: at(-60_000),
    live: iso(LIVE),
    revision: 3,
    ...more,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as unknown as Submission;
}

/** A status that has accepted the spec: six slots, none of which has been handed over. */
export function accepted(spec: Partial<BackfillSpec> = {}, more: Partial<BackfillStatus> = {}): BackfillStatus {
  return {
    observedGeneration: 1,
    target: {
      tenant: "main",
      namespace: "n",
      flow: "hello",
      trigger: "tick",
      cron: "0 * * * *",
      timeZone: "UTC",
      revision: 3,
      url: "http://kestra/ui/main/flows/edit/n/hello/executions",
    },
    range: { start: hour(0), end: hour(5) },
    specDigest: specDigest(object(spec).policy),
    acceptedAt: at(-120_000),
    slots: { total: 6, present: 0, done: 0, skipped: 0, failed: 0, running: 0, unproved: 0, remaining: 6 },
    progress: "0/6",
    percent: 0,
    plan: { ranges: [{ first: hour(0), last: hour(5), slots: 6 }] },
    first: hour(0),
    last: hour(5),
    ...more,
  };
}

/** A status that has handed over all six slots. */
export function submitted(
  part: Changes<Submission> = {},
  more: Partial<BackfillStatus> = {},
  spec: Partial<BackfillSpec> = {},
): BackfillStatus {
  return accepted(spec, {
    attempt: 1,
    startedAt: at(-61_000),
    submission: submission(part),
    plan: { ranges: [] },
    ...more,
  });
}

export function progress(more: Partial<Progress> = {}): Progress {
  return { done: 0, skipped: 0, failed: 0, unproved: 0, running: 0, attempted: false, failures: [], ...more };
}

/** Progress after so many slots that succeeded, from 00:00 on. */
export function done(count: number, more: Partial<Progress> = {}): Progress {
  const last = slot(count - 1);
  return progress({
    done: count,
    attempted: count > 0,
    ...(count > 0 ? { lastSeen: last, watermark: { slot: last, startedAt: NOW - 5_000 } } : {}),
    ...more,
  });
}

/** The status of so many slots that were counted, from 00:00 on. */
export function counted(done: number, failed = 0, unproved = 0): Partial<BackfillStatus> {
  const ended = done + failed + unproved;
  return {
    slots: { total: 6, present: 0, done, skipped: 0, failed, running: 0, unproved, remaining: 6 - ended },
    progress: `${ended}/6`,
    ...(ended > 0 ? { watermark: { slot: hour(ended - 1), startedAt: at(-5_000) } } : {}),
  };
}

let executions = 0;

/** An execution of ours, of the slot at an hour. */
export function execution(of: number, state = "SUCCESS", more: Partial<Execution> = {}): Execution & { slot: number } {
  return {
    id: `e${(executions += 1)}`,
    state,
    startedAt: NOW - HOUR + of * 1_000,
    labels: labelsOf(UID, 1),
    trigger: "tick",
    slot: slot(of),
    flowRevision: 3,
    ...more,
  };
}

type Facts = { [fact in keyof Omit<Observed, "object">]?: Observed[fact] | undefined };

export interface Situation extends Facts {
  metadata?: Partial<Metadata>;
  spec?: Partial<BackfillSpec>;
  status?: BackfillStatus;
}

/** A Backfill of six slots of the trigger n/hello/tick, about which nothing has been read. */
export function observed({ metadata, spec, status, ...facts }: Situation = {}): Observed {
  return {
    object: object(spec, status, metadata),
    noun: "backfill",
    settings,
    server: up,
    claimantsOf: () => [],
    mustLook: () => false,
    flowReference: { namespace: "n", id: "hello" },
    ahead: [],
    nameOf: () => undefined,
    leftBehind: new Set(),
    acts: [],
    ...facts,
  } as Observed;
}

/** A decision in one line. */
export function inShort(decision: Decision): string {
  if (decision.do === "read") return `read ${decision.fact}`;
  if (decision.do === "settle") {
    const { verdict } = decision;
    const reason = "reason" in verdict && verdict.reason !== undefined ? ` ${verdict.reason}` : "";
    const phase = "phase" in verdict && verdict.phase !== undefined ? `, ${verdict.phase}` : "";
    return `${verdict.state}${reason}${phase}`;
  }
  const { write } = decision;
  if (write.op === "record") return `record ${Object.keys(write.status).sort().join(" ")}`;
  if (write.op === "release") return `release ${write.because}`;
  return write.op;
}

/** What is recorded, or nothing. */
export function recordOf(decision: Decision): Partial<BackfillStatus> {
  if (decision.do !== "write" || decision.write.op !== "record") throw new Error(`not recorded: ${inShort(decision)}`);
  return decision.write.status;
}
