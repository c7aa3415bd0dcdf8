import { ANNOTATION } from "../annotations.ts";
import { hasFinalizer } from "../decisions.ts";
import { ofAnotherInstance } from "../ownership/instance.ts";
import { putRight } from "./guard.ts";
import type { Decision, Observed } from "./model.ts";
import { holderOf, runsAway } from "./native.ts";
import { iso } from "./plan.ts";
import { SOON_MS, UNANSWERED_MS } from "./timing.ts";
import { waiting } from "./verdicts.ts";

/**
 * The next step for a Backfill that is being deleted: take back what has not started, then let it go.
 *
 * Guaranteed: only a backfill with our label is deleted, and what runs goes on.
 */
export function decideCancellation(seen: Observed, now: number): Decision {
  const { metadata, policy, status } = seen.object;
  if (!hasFinalizer(metadata)) return { do: "settle", verdict: { state: "released" } };
  if (metadata.annotations?.[ANNOTATION.abandon] === "true") return release("abandoned");
  const foreign = ofAnotherInstance(seen);
  if (foreign) return foreign;
  const { submission, guard } = status;
  if (submission === undefined && guard === undefined) return release("deleted");
  if ((policy.deletionPolicy ?? seen.settings.deletionPolicy) === "Orphan") return release("orphaned");
  if (seen.server.kind !== "up")
    return waiting(
      "DeletionBlocked",
      `Kestra cannot be used to cancel the backfill; this is done as soon as it can. If it is gone for good, annotate this resource with ${ANNOTATION.abandon}=true.`,
      SOON_MS,
    );
  const { row } = seen;
  if (row === undefined) return { do: "read", fact: "row" };
  if (row === "missing") return release("deleted");
  const holder = holderOf(row, metadata.uid);
  if (holder.by === "us") {
    // It had an answer after all: nothing more can come of the call.
    if (submission !== undefined && submission.submittedAt === undefined)
      return { do: "write", write: { op: "record", status: { submission: { ...submission, submittedAt: iso(now) } } } };
    return { do: "write", write: { op: "withdraw" } };
  }
  const live = Date.parse(guard?.live ?? submission?.live ?? "");
  if (holder.by === "guard" || (holder.by === "nobody" && runsAway(row, live, now)))
    return putRight(seen, row, live, now);
  // A flow that is saved, or the end of the execution that holds the trigger, may bring back what was taken (ADR 11): look once more.
  if (seen.withdrewAt !== undefined || (guard !== undefined && row.executionId))
    return waiting("Cancelling", "Cancelled what has not started.", SOON_MS);
  const unanswered = submission?.submittedAt === undefined ? submission?.intendedAt : undefined;
  const called = Math.max(Date.parse(unanswered ?? "") || 0, Date.parse(guard?.calledAt ?? "") || 0);
  const left = called + UNANSWERED_MS - now;
  if (left > 0)
    return waiting(
      "Cancelling",
      "Waiting until it is clear that no call to Kestra can take effect any more.",
      Math.min(left, SOON_MS),
    );
  if (guard !== undefined && holder.by !== "nobody")
    return waiting(
      "Cancelling",
      "Waiting for the end of somebody else's backfill, after which Kestra would replay the past. To give that up, annotate this resource with " +
        `${ANNOTATION.abandon}=true.`,
      SOON_MS,
    );
  return release("deleted");
}

function release(because: string): Decision {
  return { do: "write", write: { op: "release", because } };
}
