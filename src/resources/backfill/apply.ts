import { addFinalizer, patchFinalizer } from "../../kubernetes/finalizer.ts";
import { isNotFound } from "../../kubernetes/errors.ts";
import type { AnyObject } from "../../kubernetes/objects.ts";
import { statusPatch } from "../../kubernetes/status.ts";
import { FINALIZER } from "../annotations.ts";
import { projectBackfill } from "./cache.ts";
import type { Observed, Write } from "./model.ts";
import { guardLabelsOf, labelsOf, runsAway } from "./native.ts";
import { triggerOf } from "./observe.ts";
import type { BackfillContext } from "./observe.ts";
import { iso } from "./plan.ts";
import { backfills } from "./schema.ts";
import type { BackfillStatus } from "./schema.ts";
import { ticksOf } from "./source.ts";
import type { Ticks } from "./ticks.ts";

/**
 * Makes one write and takes its answer into what is observed.
 *
 * Guaranteed: what is recorded is guarded by the version it was decided on; calls to Kestra follow a record that they can be recognised by.
 */
export async function apply(
  context: BackfillContext,
  seen: Observed,
  write: Write,
  signal: AbortSignal,
): Promise<void> {
  const { kubernetes, kestra } = context;
  const { metadata, policy } = seen.object;
  switch (write.op) {
    case "hold": {
      const patch = addFinalizer(metadata, FINALIZER);
      seen.object = projectBackfill(await patchFinalizer(kubernetes, backfills, seen.object, patch, { signal }));
      return;
    }
    case "record":
      if (write.status.attempt !== undefined && !context.turns.take(triggerKey(seen), metadata.uid)) {
        seen.contended = true;
        return;
      }
      await record(context, seen, write.status, signal);
      if (write.act) seen.acts.push(write.act);
      return;
    case "submit": {
      const { attempt, submission } = write;
      const { uid } = metadata;
      const [first, last] = [Date.parse(submission.first), Date.parse(submission.last)];
      const row = await kestra.triggers.startBackfill(
        triggerOf(seen),
        {
          start: startOf(first, last, ticksOf(seen.object.status)),
          end: last,
          labels: labelsOf(uid, attempt, policy.labels),
          ...(policy.inputs === undefined ? {} : { inputs: policy.inputs }),
        },
        signal,
      );
      seen.row = row;
      context.turns.end(triggerKey(seen), uid);
      // A later date is that of a live slot that became due in between.
      if (row.backfill && runsAway(row, Date.parse(submission.live), context.clock.now()))
        seen.acts.push({
          type: "Warning",
          reason: "ReplacedAnother",
          message:
            "Somebody started a backfill in Kestra in the same moment, and this one took its place: start that one again.",
        });
      return;
    }
    case "withdraw": {
      const row = await kestra.triggers.deleteBackfill(triggerOf(seen), signal);
      seen.withdrewAt = context.clock.now();
      // What ran until then may not have been in the list yet.
      delete seen.progress;
      if (row === "none") delete seen.row;
      else seen.row = row;
      return;
    }
    case "guard": {
      const { row } = seen;
      const native = row && row !== "missing" ? row.backfill : undefined;
      // Ours, since this is what was decided on; it leaves the right date behind once it has replaced itself.
      const ready = native?.previousNextExecutionDate;
      if (native && typeof ready === "number" && ready >= write.live) {
        const answer = await kestra.triggers.deleteBackfill(triggerOf(seen), signal);
        if (answer === "none") delete seen.row;
        else seen.row = answer;
        const message = `Kestra had set the trigger's next date back, and would have replayed the past: it goes on at ${iso(write.live)}.`;
        seen.acts.push({ type: "Warning", reason: "LiveScheduleRestored", message });
        return;
      }
      seen.row = await kestra.triggers.startBackfill(
        triggerOf(seen),
        { start: write.previous, end: write.live + 1_000, paused: true, labels: guardLabelsOf(metadata.uid) },
        signal,
      );
      return;
    }
    case "expire": {
      const { uid } = metadata;
      await kubernetes.delete(backfills, metadata, { preconditions: { uid }, signal }).catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
      });
      seen.expired = true;
    }
  }
}

function triggerKey(seen: Observed): string {
  const { namespace, flow, trigger } = triggerOf(seen);
  return [namespace, flow, trigger].join("/");
}

/** Kestra starts a single slot at once only when the range begins before it (ADR 11), unless that were a slot itself. */
function startOf(first: number, last: number, ticks: Ticks): number {
  const before = first - 1_000;
  return first === last && !ticks.includes(before) ? before : first;
}

/** Persists a part of the status. What was seen of the trigger before is looked at again. */
async function record(
  context: BackfillContext,
  seen: Observed,
  part: Partial<BackfillStatus>,
  signal: AbortSignal,
): Promise<void> {
  const { object } = seen;
  const patch = statusPatch(object, { ...object.status, ...part });
  if (patch !== undefined) {
    const answer = await context.kubernetes.patchStatus<AnyObject>(backfills, object.metadata, patch, { signal });
    context.resources.learn(answer);
    seen.object = projectBackfill(answer);
  }
  delete seen.row;
  delete seen.progress;
  delete seen.lock;
  if ("target" in part) delete seen.history;
  if (part.plan !== undefined && part.submission === undefined) seen.planned = true;
  if ("submission" in part && part.submission === undefined) context.turns.end(triggerKey(seen), object.metadata.uid);
  const { attempt } = seen.object.status;
  if (part.attempt !== undefined && part.attempt === attempt) seen.intended = attempt;
}
