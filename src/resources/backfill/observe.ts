import { keyFor, keyOf } from "../../kubernetes/objects.ts";
import type { ExecutionFilter } from "../../kestra/executions.ts";
import type { TriggerIdentity } from "../../kestra/triggers.ts";
import type { Execution } from "../../kestra/types.ts";
import type { ReadingContext, ResourceContext } from "../context.ts";
import { isReady } from "../decisions.ts";
import type { CachedFlow } from "../flow/cache.ts";
import { observeOwnership } from "../ownership/observe.ts";
import type { CachedBackfill } from "./cache.ts";
import type { Fact, FlowReference, History, Observed } from "./model.ts";
import { holderOf, LABEL } from "./native.ts";
import { advance, outcomeOf, recordedProgress } from "./progress.ts";
import type { Progress } from "./progress.ts";
import { aheadOf } from "./queue.ts";
import { rangeOfSpec } from "./range.ts";
import { ticksOf } from "./source.ts";
import type { Turns } from "./turns.ts";
import { targetOf } from "./target.ts";

/** What a decision about a Backfill rests on. */
export interface BackfillReadingContext extends ReadingContext {
  /** All KestraFlows. */
  flows: { get(key: string): CachedFlow | undefined };
  /** All Backfills. */
  backfills: { values(): Iterable<CachedBackfill> };
}

export type BackfillContext = BackfillReadingContext & ResourceContext<CachedBackfill> & { turns: Turns };

/** Executions on a page. Each is some kilobytes. */
const PAGE_SIZE = 100;
/** Pages of our own executions that are read in one reconcile: what is left is read in the next. */
const PROGRESS_PAGES = 20;
/** How long after the end of its execution a trigger that still waits for it has lost track: it takes 200 ms (ADR 11). */
const STALE_MS = 30_000;
/** Label of an execution that a person started as a repetition of another one. */
const REPLAY = "system.replay";
/** Pages of a flow's executions that are read to see which slots were run before. */
const HISTORY_PAGES = 1_000;

/** What is known of a resource without asking anybody. */
export function observe(context: BackfillReadingContext, object: CachedBackfill): Observed {
  const { backfills } = context;
  return {
    ...observeOwnership(context, object, "backfill"),
    flowReference: flowReferenceOf(context, object),
    ahead: aheadOf(object, backfills.values()),
    nameOf: (uid) => {
      for (const { metadata } of backfills.values()) if (metadata.uid === uid) return keyOf({ metadata });
      return undefined;
    },
  };
}

/** Reads one fact that a decision asked for, into what is observed. */
export async function read(
  context: BackfillReadingContext,
  seen: Observed,
  fact: Fact,
  signal: AbortSignal,
): Promise<void> {
  const { flows, triggers } = context.kestra;
  switch (fact) {
    case "flow": {
      const { tenant } = context.settings;
      seen.flow = (await flows.definition({ tenant, ...flowOf(seen) }, signal)) ?? "missing";
      return;
    }
    case "row":
      seen.row = (await triggers.get(triggerOf(seen), signal)) ?? "missing";
      // What was counted before may lack what the row tells to be over.
      if (seen.object.status.submission !== undefined && !isOurs(seen)) delete seen.progress;
      return;
    case "progress":
      seen.progress = await readProgress(context, seen, signal);
      return;
    case "history":
      seen.history = await readHistory(context, seen, signal);
      return;
    case "lock":
      seen.lock = await readLock(context, seen, signal);
  }
}

function isOurs({ row, object: { metadata } }: Observed): boolean {
  return row !== undefined && row !== "missing" && holderOf(row, metadata.uid).by === "us";
}

/** The trigger that an accepted Backfill means, or the flow that was just read. */
export function triggerOf({ object, flow, flowReference }: Observed): TriggerIdentity {
  const { policy, status } = object;
  if (status.target) {
    const { namespace, flow: id, trigger } = status.target;
    return { namespace, flow: id, trigger };
  }
  const target = flow && flow !== "missing" ? targetOf(flow, policy) : undefined;
  if (target === undefined || "reason" in target || "missing" in flowReference)
    throw new Error("decided on a trigger that is not known");
  return { namespace: flowReference.namespace, flow: flowReference.id, trigger: target.trigger };
}

function flowOf({ object: { status }, flowReference }: Observed): { namespace: string; id: string } {
  if (status.target) return { namespace: status.target.namespace, id: status.target.flow };
  if ("missing" in flowReference) throw new Error("decided on a flow that is not known");
  return flowReference;
}

function flowReferenceOf(
  { flows }: BackfillReadingContext,
  { metadata, policy: { target } }: CachedBackfill,
): FlowReference {
  const { flowRef, namespace = "", id = "" } = target;
  if (flowRef === undefined) return { namespace, id };
  const { name } = flowRef;
  const flow = flows.get(keyFor({ namespace: metadata.namespace, name }));
  if (flow === undefined) return { missing: `the KestraFlow ${name}` };
  const current = flow.status.observedGeneration === flow.metadata.generation && isReady(flow.status);
  if (!current || flow.status.flow === undefined) return { missing: `the KestraFlow ${name} to be Ready` };
  return { namespace: flow.status.flow.namespace, id: flow.status.flow.id };
}

/** Whether a trigger waits for something that is over. An execution that was just made may not be there yet. */
async function readLock(
  { kestra, clock }: ReadingContext,
  { row }: Observed,
  signal: AbortSignal,
): Promise<{ stale: boolean }> {
  const id = row && row !== "missing" ? row.executionId : undefined;
  if (typeof id !== "string") return { stale: false };
  const execution = await kestra.executions.get(id, signal);
  return { stale: execution?.endedAt !== undefined && clock.now() - execution.endedAt > STALE_MS };
}

/** What our executions came to, from the watermark on. */
async function readProgress(context: ReadingContext, { object }: Observed, signal: AbortSignal): Promise<Progress> {
  const { metadata, status } = object;
  const { namespace = "", flow = "", trigger } = status.target ?? {};
  const { submission, attempt } = status;
  const filter = {
    namespace,
    flow,
    labels: { [LABEL.backfill]: metadata.uid },
    ...(status.watermark ? { from: Date.parse(status.watermark.startedAt) } : {}),
  };
  const found: (Execution & { slot: number })[] = [];
  let behind = true;
  for await (const { results, last } of pages(context, filter, { order: "oldest", most: PROGRESS_PAGES }, signal)) {
    for (const execution of results)
      if (execution.trigger === trigger && execution.slot !== undefined && !(REPLAY in execution.labels))
        found.push({ ...execution, slot: execution.slot });
    behind = !last;
  }
  const progress = advance(recordedProgress(status), found, {
    ticks: ticksOf(status),
    first: submission === undefined ? Infinity : Date.parse(submission.first),
    isAttempt: ({ labels }) => labels[LABEL.attempt] === String(attempt),
  });
  return behind ? { ...progress, behind } : progress;
}

/** What became of every slot from the start of the range on, whoever ran it: newest executions first, so that new ones hide none. */
async function readHistory(context: ReadingContext, seen: Observed, signal: AbortSignal): Promise<History> {
  const { namespace, flow, trigger } = triggerOf(seen);
  const { policy, status } = seen.object;
  const range = status.range ?? rangeOfSpec(policy, zoneOf(seen), context.clock.now());
  // Nothing is run before it is due.
  const from = "reason" in range ? 0 : new Date(range.start).getTime();
  const end = "reason" in range ? Infinity : new Date(range.end).getTime();
  const outcomes = new Map<number, "done" | "failed" | "unfinished">();
  let unfinished: Execution | undefined;
  let incomplete = true;
  const filter = { namespace, flow, from };
  for await (const { results, last } of pages(context, filter, { order: "newest", most: HISTORY_PAGES }, signal)) {
    for (const execution of results) {
      const { slot } = execution;
      if (execution.trigger !== trigger || slot === undefined || slot < from || slot > end) continue;
      const outcome = outcomeOf(execution);
      if (outcome === "superseded" || outcomes.get(slot) === "done") continue;
      if (outcome === "unfinished") unfinished = execution;
      // The newest one counts, unless an older one succeeded.
      if (outcome === "done" || !outcomes.has(slot)) outcomes.set(slot, outcome);
    }
    incomplete = !last;
  }
  return { outcomes, incomplete, ...(unfinished && !incomplete ? { unfinished } : {}) };
}

/** The executions that match, a page at a time and `most` pages at most. `last`: there are no more. */
async function* pages(
  { kestra }: ReadingContext,
  filter: ExecutionFilter,
  { order, most }: { order: "oldest" | "newest"; most: number },
  signal: AbortSignal,
): AsyncGenerator<{ results: Execution[]; last: boolean }> {
  let last = false;
  for (let page = 1; page <= most && !last; page += 1) {
    const { results } = await kestra.executions.page(filter, { page, size: PAGE_SIZE, order }, signal);
    last = results.length < PAGE_SIZE;
    yield { results, last };
  }
}

function zoneOf({ flow, object: { policy } }: Observed): string {
  const target = flow && flow !== "missing" ? targetOf(flow, policy) : undefined;
  return target && "timeZone" in target ? target.timeZone : "UTC";
}
