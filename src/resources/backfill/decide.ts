import type { TriggerRow } from "../../kestra/types.ts";
import type { FlowDefinition } from "../../kestra/types.ts";
import { parsePeriod } from "../../lib/period.ts";
import { ANNOTATION } from "../annotations.ts";
import { asked, hasFinalizer, serverTrouble, stalled } from "../decisions.ts";
import { ofAnotherInstance } from "../ownership/instance.ts";
import { accept, planAnew } from "./accept.ts";
import { decideCancellation } from "./cancel.ts";
import { putRight } from "./guard.ts";
import type { Decision, Observed } from "./model.ts";
import { holderOf, runsAway } from "./native.ts";
import type { Holder } from "./native.ts";
import { iso, nextSlice, planOf, rangeAfter, rangeOf, rangesOf } from "./plan.ts";
import { progressFields, recordedProgress } from "./progress.ts";
import type { Progress } from "./progress.ts";
import type { BackfillStatus, Submission } from "./schema.ts";
import { executionUrl, specDigest, ticksOf } from "./source.ts";
import { definitionDigest, flawOfExecutions, isDisabled, sameSlots, targetOf } from "./target.ts";
import { IDLE_MS, LISTED_MS, MOST_LOST, POLL, QUEUE_MS, SLOT_MS, SOON_MS, UNANSWERED_MS } from "./timing.ts";
import { complete, failed, previewed, queued, refused, running, suspended, waiting } from "./verdicts.ts";

/**
 * The next step for a Backfill: pure, so that every situation is a row in a table test.
 *
 * Guaranteed: what is handed over to Kestra, or taken back, was recorded before; the same range is never handed over twice in one attempt;
 * a backfill of somebody else is neither replaced nor deleted; what is finished is never looked at again, but for the live schedule.
 *
 * @param now milliseconds since the epoch
 */
export function decide(seen: Observed, now: number): Decision {
  const { metadata, policy, status } = seen.object;
  if (metadata.deletionTimestamp !== undefined) return decideCancellation(seen, now);
  if (metadata.annotations?.[ANNOTATION.paused] === "true") return { do: "settle", verdict: { state: "paused" } };
  const foreign = ofAnotherInstance(seen);
  if (foreign) return foreign;
  if (status.finishedAt !== undefined) return afterwards(seen, Date.parse(status.finishedAt), now);
  if (status.specDigest !== undefined && status.specDigest !== specDigest(policy))
    return stalled(
      "SpecChanged",
      "The inputs of a Backfill cannot be changed: change them back, or make another Backfill.",
    );
  const trouble = serverTrouble(seen);
  if (trouble) return { do: "settle", verdict: trouble };
  if (status.target === undefined) return accept(seen, now);
  const refusal = seen.settings.refusal(metadata.namespace ?? "", status.target.namespace);
  if (refusal !== undefined) return refused("NamespaceNotAllowed", refusal);
  if (policy.mode === "Preview") return preview(seen);
  return status.submission ? follow(seen, status.submission, now) : proceed(seen, now);
}

/** What would be run is in the status; it is counted again only on request. */
function preview(seen: Observed): Decision {
  const { status } = seen.object;
  if (status.state === "Previewed" && asked(seen))
    return { do: "write", write: { op: "record", status: { target: undefined, state: undefined } } };
  const { total = 0, present = 0 } = status.slots ?? {};
  const span = status.first === undefined ? "" : `, from ${status.first} to ${status.last ?? status.first}`;
  return previewed(
    `${total} slots, ${present} of them left out: ${total - present} would be run${span}. Nothing was started.`,
  );
}

/** Something was handed over to Kestra: see what becomes of it. */
function follow(seen: Observed, submission: Submission, now: number): Decision {
  const { status, metadata } = seen.object;
  const { row, progress } = seen;
  if (row === undefined) return glance(seen, submission, now) ?? { do: "read", fact: "row" };
  if (row === "missing") return withoutTrigger(seen);
  // After the row: what the row tells to be over is in the list.
  if (progress === undefined) return { do: "read", fact: "progress" };
  if (progress.behind)
    return running(`Counting what was run while nobody looked: ${countedIn(status, progress)}.`, SOON_MS);
  const holder = holderOf(row, metadata.uid);
  if (holder.by === "guard") return putRight(seen, row, Date.parse(submission.live), now);
  if (holder.by === "us") return holds(seen, submission, { row, progress, attempt: holder.attempt }, now);

  const confirmed = submission.submittedAt !== undefined;
  if (!confirmed && !progress.attempted) return unanswered(seen, submission, holder, now);
  if (!confirmed) return recordSubmission(seen, { ...submission, submittedAt: iso(now) });
  const { lastSeen = -Infinity, watermark } = progress;
  if (lastSeen >= Date.parse(submission.last)) {
    const counted = (watermark?.slot ?? -Infinity) >= Date.parse(submission.last);
    return counted ? close(seen, submission, now) : onTheWay(seen, "All slots are started", now);
  }
  if (submission.withdrawn !== undefined) return withdrawn(seen, submission, { row, progress }, now);
  if (holder.by !== "nobody")
    return failed(
      "ReplacedInKestra",
      `${whose(seen, holder)} replaced this one in Kestra when ${countedIn(status, progress)}. Make another Backfill for what is missing.`,
    );
  if (runsAway(row, Date.parse(submission.live), now)) return overtaken(seen, progress);
  if (row.executionId) return locked(seen, row.executionId, now) ?? onTheWay(seen, "Running", now);
  return vanished(seen, submission, progress, now);
}

/** The trigger has our backfill no more, since it was taken back. */
function withdrawn(
  seen: Observed,
  submission: Submission,
  { row: { executionId }, progress }: { row: TriggerRow; progress: Progress },
  now: number,
): Decision {
  const decidedAt = Date.parse(submission.withdrawn ?? "");
  const { withdrewAt = decidedAt, object } = seen;
  // It may have been undone and done again.
  if (withdrewAt - decidedAt >= SOON_MS) return recordSubmission(seen, { ...submission, withdrawn: iso(withdrewAt) });
  // The end of the execution that holds the trigger may bring back what we took (ADR 11): we are not done before it has ended.
  const stuck = executionId ? locked(seen, executionId, now) : undefined;
  if (stuck?.do === "read") return stuck;
  const left = decidedAt + LISTED_MS - now;
  if (left <= 0 && seen.withdrewAt === undefined && (!executionId || stuck)) return close(seen, submission, now);
  const { suspend, failurePolicy } = object.policy;
  if (suspend || (isSpent(seen) && failurePolicy?.action !== "Stop")) return heldBack(seen, progress.running, SOON_MS);
  return executionId
    ? onTheWay(seen, "Running", now)
    : running(`Running: ${countedIn(object.status, progress)}.`, Math.max(left, SOON_MS));
}

/** Slots that ended since the last look show that all goes on: then one call is enough. Undefined where it is not. */
function glance(seen: Observed, submission: Submission, now: number): Decision | undefined {
  const { policy, status } = seen.object;
  const { progress } = seen;
  const { submittedAt, withdrawn, vanished, last } = submission;
  const undisturbed = submittedAt !== undefined && withdrawn === undefined && vanished === undefined;
  if (!undisturbed || status.watermark === undefined || policy.suspend) return undefined;
  if (progress === undefined) return { do: "read", fact: "progress" };
  const { watermark, lastSeen = Infinity, attempted, behind } = progress;
  const moved = attempted && (watermark?.slot ?? 0) > Date.parse(status.watermark.slot);
  if (!moved || behind || isSpent(seen) || lastSeen >= Date.parse(last)) return undefined;
  return onTheWay(seen, "Running", now);
}

/** The trigger has our backfill. */
function holds(
  seen: Observed,
  submission: Submission,
  { row, progress, attempt }: { row: TriggerRow; progress: Progress; attempt: number },
  now: number,
): Decision {
  const { status, policy } = seen.object;
  // A call that had no answer took effect after all, and what it was about has been handed over again since.
  if (attempt !== status.attempt) return { do: "write", write: { op: "withdraw" } };
  if (submission.submittedAt === undefined) {
    // An execution that ends in this moment may undo what we did (ADR 11), unless it is one of ours.
    if (row.executionId && !progress.attempted)
      return running("Handed over: looked at again to see that it lasts.", SOON_MS);
    return recordSubmission(seen, { ...submission, live: liveAfter(row, submission), submittedAt: iso(now) });
  }
  // One hand-over in a look: each can lead to the next as fast as Kestra answers.
  if (seen.intended === attempt) return onTheWay(seen, "Running", now);
  if (submission.withdrawn !== undefined) return { do: "write", write: { op: "withdraw" } };
  if (policy.suspend || isSpent(seen)) return recordSubmission(seen, { ...submission, withdrawn: iso(now) });
  if (row.backfill?.paused)
    return suspended(
      "PausedInKestra",
      `Somebody paused it in Kestra, which stops the live schedule too: resume it there, or set suspend here, which does not. ${countedIn(status, progress)}.`,
      QUEUE_MS,
    );
  if (row.disabled)
    return waiting(
      "TriggerDisabled",
      `The trigger was disabled in Kestra: enable it, and the slots go on. ${countedIn(status, progress)}.`,
      QUEUE_MS,
    );
  const { nextExecutionDate: next, executionId } = row;
  const late = typeof next === "number" && next > now + SOON_MS && !executionId;
  // With recoverMissedSchedules NONE, Kestra goes on at the next live date only, after a slot and when any flow is saved (ADR 11).
  if (late) return recordSubmission(seen, { ...submission, withdrawn: iso(now) });
  if (executionId) return locked(seen, executionId, now) ?? onTheWay(seen, "Running", now);
  return idle(seen, now) ?? onTheWay(seen, "Running", now);
}

/** Where the live schedule goes on after our backfill: later than it stood, where a live slot was run between the look and the call. */
function liveAfter({ backfill }: TriggerRow, { live }: Submission): string {
  const found = backfill?.previousNextExecutionDate;
  return typeof found === "number" && found > Date.parse(live) ? iso(found) : live;
}

/** Kestra has slots to run, and starts none: why. */
function idle(seen: Observed, now: number): Decision | undefined {
  const { flow } = seen;
  if (!isIdle(seen, now)) return undefined;
  if (flow === undefined) return { do: "read", fact: "flow" };
  return flow === "missing" ? flowMissing(seen) : whyOff(seen, false);
}

function isIdle({ object: { status }, progress }: Observed, now: number): boolean {
  const began = progress?.watermark?.startedAt ?? 0;
  const handedOver = Date.parse(status.submission?.submittedAt ?? "") || 0;
  return now - Math.max(began, handedOver) >= IDLE_MS;
}

/** Kestra can leave a trigger waiting for an execution that has ended, as when it is killed (ADR 11): nothing is started any more. */
function locked(seen: Observed, executionId: string, now: number): Decision | undefined {
  if ((seen.progress?.running ?? 0) > 0 || !isIdle(seen, now)) return undefined;
  if (seen.lock === undefined) return { do: "read", fact: "lock" };
  if (!seen.lock.stale) return undefined;
  return waiting(
    "TriggerLocked",
    `The trigger waits for the execution ${executionId}, which has ended: Kestra lost track of it, as when it is killed. Unlock the trigger in Kestra (Administration, Triggers). ${countedIn(seen.object.status, seen.progress)}.`,
    QUEUE_MS,
  );
}

/** It was recorded that slots are to be handed over, and Kestra shows nothing of them. */
function unanswered(seen: Observed, submission: Submission, holder: Holder, now: number): Decision {
  const { attempt = 1 } = seen.object.status;
  const { row, intended } = seen;
  if (intended === attempt && row && row !== "missing") {
    // Exactly what was recorded, or nothing.
    const idle = holder.by === "nobody" && !row.executionId && !row.disabled;
    const free = idle && row.nextExecutionDate === Date.parse(submission.live);
    return free ? { do: "write", write: { op: "submit", attempt, submission } } : close(seen, submission, now);
  }
  const left = Date.parse(submission.intendedAt) + UNANSWERED_MS - now;
  if (left > 0)
    return running(
      `Kestra gave no answer when slots were handed over: looked at again when it is clear that it never took them.`,
      Math.min(left, QUEUE_MS),
    );
  return close(seen, submission, now);
}

/** Nobody holds the trigger, and slots are missing: an edit of the trigger drops its backfill, and so does a person. */
function vanished(seen: Observed, submission: Submission, progress: Progress, now: number): Decision {
  const { status } = seen.object;
  if (submission.vanished === undefined) return recordSubmission(seen, { ...submission, vanished: iso(now) });
  const left = Date.parse(submission.vanished) + LISTED_MS - now;
  if (left > 0) return running(`Kestra dropped the backfill: finding out why. ${countedIn(status, progress)}.`, left);
  const { flow } = seen;
  if (flow === undefined) return { do: "read", fact: "flow" };
  if (flow === "missing") return flowMissing(seen);
  const otherSlots = changed(seen, flow, progress);
  if (otherSlots) return otherSlots;
  if (wasEdited(seen, flow, submission, progress))
    return close(seen, submission, now, {
      because: `Kestra dropped the backfill when its trigger was edited (revision ${flow.revision}): going on with the missing slots.`,
    });
  const { lost = 0 } = status;
  // With recoverMissedSchedules NONE, it is lost where any flow is saved in the moment in which it is handed over (ADR 11).
  if (!progress.attempted && lost < MOST_LOST && isOneByOne(seen, flow))
    return close(seen, submission, now, {
      because: `Kestra dropped the slot ${submission.first} and did not run it, as it can where any flow is saved in the same moment and recoverMissedSchedules is NONE: going on with it.`,
      lost: lost + 1,
    });
  return progress.attempted
    ? failed(
        "CancelledInKestra",
        `Somebody deleted the backfill in Kestra when ${countedIn(status, progress)}. Make another Backfill for what is missing.`,
      )
    : failed(
        "NoExecutions",
        `Kestra took the slots from ${submission.first} on and made no execution of them: somebody deleted the backfill in Kestra, or Kestra cannot read the inputs of the trigger or of this Backfill. Start the flow by hand with the same inputs to see.`,
      );
}

/**
 * Whether an edit of the flow can have dropped the backfill. A slot that ran with an edited flow shows that its backfill outlived the edit,
 * unless that edit changed the trigger: Kestra can start one more slot before it drops the backfill.
 */
function wasEdited(seen: Observed, flow: FlowDefinition, submission: Submission, { watermark }: Progress): boolean {
  const { definition, revision } = submission;
  const trigger = seen.object.status.target?.trigger ?? "";
  if (definition !== undefined && definitionDigest(flow, trigger) !== definition) return true;
  return flow.revision > Math.max(revision, watermark?.revision ?? 0);
}

/** Nobody holds the trigger, and it is about to replay the past: only a backfill that replaced ours leaves that behind. */
function overtaken(seen: Observed, progress: Progress): Decision {
  const { flow } = seen;
  if (flow === undefined) return { do: "read", fact: "flow" };
  if (flow === "missing") return flowMissing(seen);
  const message = `A backfill that somebody started in Kestra replaced this one when ${countedIn(seen.object.status, progress)}, and has ended. Make another Backfill for what is missing.`;
  return changed(seen, flow, progress) ?? failed("ReplacedInKestra", message);
}

/** Whether Kestra has to be given the slots one at a time. */
function isOneByOne({ object: { policy } }: Observed, flow: FlowDefinition): boolean {
  const target = targetOf(flow, policy);
  return !("reason" in target) && target.oneByOne;
}

/** The verdict on a trigger whose slots are others now. */
function changed(seen: Observed, flow: FlowDefinition, progress: Progress): Decision | undefined {
  const { policy, status } = seen.object;
  const target = targetOf(flow, policy);
  if (!("reason" in target) && status.target !== undefined && sameSlots(status.target, target)) return undefined;
  return failed(
    "TriggerChanged",
    `The trigger was changed in revision ${flow.revision} of its flow when ${countedIn(status, progress)}: its slots are others now. Make another Backfill for what is missing.`,
  );
}

/** Nothing is with Kestra: hand over the next slots, or find that there are none. */
function proceed(seen: Observed, now: number): Decision {
  const { policy, status } = seen.object;
  const { row, flow, progress } = seen;
  if (status.guard !== undefined) {
    if (row === undefined) return { do: "read", fact: "row" };
    return putRight(seen, row, Date.parse(status.guard.live), now);
  }
  if (status.attempt !== undefined && progress === undefined) return { do: "read", fact: "progress" };
  const unfinished = progress?.running ?? 0;
  if (policy.suspend) return heldBack(seen, unfinished);
  if (isSpent(seen))
    return policy.failurePolicy?.action === "Stop" && unfinished === 0
      ? failed(
          "FailureBudgetSpent",
          `${failures(seen)} slots failed, at which failurePolicy stops: ${countedIn(status, progress)}.`,
        )
      : heldBack(seen, unfinished);
  const { ranges, until } = status.plan ?? { ranges: [] };
  if (ranges.length === 0 && until === undefined)
    return unfinished > 0 ? onTheWay(seen, "All slots are started", now) : finish(seen);
  if (ranges.length === 0) return planAnew(seen, until);
  const [first] = seen.ahead;
  if (seen.contended) return queued("Waiting for another Backfill, which begins in this moment.", SOON_MS);
  if (first)
    return queued(
      `Waiting for the Backfill ${first.metadata.name}, which is older. ${countedIn(status, progress)}.`,
      QUEUE_MS,
    );

  if (row === undefined) return { do: "read", fact: "row" };
  if (row === "missing") return withoutTrigger(seen);
  const holder = holderOf(row, seen.object.metadata.uid);
  if (holder.by === "us") return { do: "write", write: { op: "withdraw" } };
  if (holder.by !== "nobody")
    return queued(`Waiting for the end of ${whose(seen, holder)}: a trigger has one at a time.`, POLL.least);
  if (flow === undefined) return { do: "read", fact: "flow" };
  if (flow === "missing") return flowMissing(seen);
  const off = whyOff(seen, row.disabled === true);
  if (off) return off;
  const target = targetOf(flow, policy);
  if ("reason" in target || status.target === undefined || !sameSlots(status.target, target))
    return status.attempt === undefined
      ? { do: "write", write: { op: "record", status: { target: undefined } } }
      : failed(
          "TriggerChanged",
          `The trigger was changed in revision ${flow.revision} of its flow when ${countedIn(status, progress)}: its slots are others now.`,
        );
  const flaw = flawOfExecutions(flow, target.trigger, policy);
  if (flaw) return refused(flaw.reason, flaw.message);
  if (row.executionId) {
    const waits = queued(`Waiting for the execution ${row.executionId}, which the trigger started.`, SOON_MS);
    return locked(seen, row.executionId, now) ?? waits;
  }
  if (status.attempt === undefined && !seen.planned && policy.reprocess !== "All") return planAnew(seen);
  if (seen.history?.unfinished)
    return waiting(
      "ExecutionsUnfinished",
      `The execution ${seen.history.unfinished.id} of a slot in the range has not ended: whether that slot is to be run is not known before.`,
      POLL.most,
    );
  const live = row.nextExecutionDate;
  if (typeof live !== "number")
    return waiting("TriggerNotReady", "Kestra has no next date for the trigger yet.", SOON_MS);
  return intend(seen, flow, live, target.oneByOne, now);
}

/** Records what is handed over next. */
function intend(seen: Observed, flow: FlowDefinition, live: number, oneByOne: boolean, now: number): Decision {
  const { status, policy, metadata } = seen.object;
  const ticks = ticksOf(status);
  if (!ticks.includes(live))
    return refused(
      "SlotsNotProvable",
      `Kestra's next date for the trigger, ${iso(live)}, is no tick of its cron in ${status.target?.timeZone ?? "UTC"}: give the trigger a timezone.`,
    );
  const window = policy.window === undefined ? undefined : parsePeriod(policy.window);
  const sliced = window && { window, start: Date.parse(status.range?.start ?? "") };
  const next = nextSlice(ticks, rangesOf(status), oneByOne ? "oneByOne" : sliced);
  if (next === undefined) return finish(seen);
  const { slice, rest } = next;
  if (policy.window !== undefined && live <= now)
    return queued(`Waiting for the live slot of ${iso(live)}, which has its turn between two slices.`, SOON_MS);
  if (slice.last >= live)
    return queued(
      `Waiting for the live schedule, which stands at ${iso(live)} and has slots of the range to run itself.`,
      QUEUE_MS,
    );
  if (seen.intended !== undefined) return queued("Waiting for the trigger, which has changed just now.", SOON_MS);
  if (!hasFinalizer(metadata)) return { do: "write", write: { op: "hold" } };
  const submission: Submission = {
    first: iso(slice.first),
    last: iso(slice.last),
    intendedAt: iso(now),
    live: iso(live),
    revision: flow.revision,
    definition: definitionDigest(flow, status.target?.trigger ?? ""),
  };
  return {
    do: "write",
    write: {
      op: "record",
      status: {
        attempt: (status.attempt ?? 0) + 1,
        submission,
        startedAt: status.startedAt ?? iso(now),
        plan: planOf(rest, status.plan?.until),
        effective: { maxActive: 1 },
      },
    },
  };
}

/**
 * Nothing of a submission is left to happen: what was not started goes back into the plan.
 *
 * @param because why it goes on, where people may wonder
 * @param lost hand-overs in a row that came to nothing, this one included
 */
function close(
  seen: Observed,
  { first, last, live }: Submission,
  now: number,
  { because, lost }: { because?: string; lost?: number } = {},
): Decision {
  const { status } = seen.object;
  const { row, progress = recordedProgress(status) } = seen;
  const ticks = ticksOf(status);
  const { lastSeen = -Infinity } = progress;
  const [from, to] = [Date.parse(first), Date.parse(last)];
  const left = lastSeen >= from ? rangeAfter(ticks, lastSeen, to) : rangeOf(ticks, from, to);
  const ranges = [...(left ? [left] : []), ...rangesOf(status)];
  const threatened = row && row !== "missing" && runsAway(row, Date.parse(live), now);
  const next: Partial<BackfillStatus> = {
    ...progressFields(status, progress, (id) => executionUrl(status, id)),
    submission: undefined,
    ...(lost !== undefined || (lastSeen >= from && status.lost !== undefined) ? { lost } : {}),
    plan: planOf(ranges, status.plan?.until),
    ...(threatened ? { guard: { live } } : {}),
  };
  const act = because === undefined ? {} : { act: { type: "Normal", reason: "Resumed", message: because } as const };
  return { do: "write", write: { op: "record", status: next, ...act } };
}

function finish(seen: Observed): Decision {
  const { status } = seen.object;
  const { total = 0, present = 0 } = status.slots ?? {};
  const { done, failed: bad, unproved } = seen.progress ?? recordedProgress(status);
  const planned = total - present;
  if (bad > 0)
    return failed(
      "SlotsFailed",
      `${bad} of ${planned} slots failed, ${done} succeeded. Mend the cause, then run them with another Backfill and reprocess: Failed.`,
    );
  if (unproved > 0 || done < planned)
    return failed(
      "SlotsUnproved",
      `${done} of ${planned} slots are proved to have succeeded: Kestra made no executions of the others, or they were deleted before they were counted.`,
    );
  if (planned === 0) return complete(`Nothing was to be run: all ${total} slots are left out.`);
  return complete(`All ${planned} slots were run.${present > 0 ? ` ${present} more were left out.` : ""}`);
}

/** It is over: only the live schedule may still need us, and the resource may have to go. */
function afterwards(seen: Observed, finishedAt: number, now: number): Decision {
  const { policy, status } = seen.object;
  const { row } = seen;
  if (status.guard !== undefined && seen.server.kind === "up") {
    if (row === undefined) return { do: "read", fact: "row" };
    return putRight(seen, row, Date.parse(status.guard.live), now);
  }
  const { ttlSecondsAfterFinished: ttl } = policy;
  if (ttl === undefined) return { do: "settle", verdict: { state: "unchanged" } };
  const left = finishedAt + ttl * 1_000 - now;
  if (left > 0) return { do: "settle", verdict: { state: "unchanged", retryAfterMs: left } };
  return seen.expired ? { do: "settle", verdict: { state: "unchanged" } } : { do: "write", write: { op: "expire" } };
}

function withoutTrigger(seen: Observed): Decision {
  const { flow } = seen;
  const { status } = seen.object;
  if (flow === undefined) return { do: "read", fact: "flow" };
  if (flow === "missing") return flowMissing(seen);
  const trigger = status.target?.trigger;
  if (flow.triggers?.some(({ id }) => id === trigger))
    return waiting("TriggerNotReady", `Kestra has no state of the trigger ${trigger ?? ""} yet.`, SOON_MS);
  const message = `The trigger ${trigger ?? ""} was removed in revision ${flow.revision} of its flow when ${countedIn(status, seen.progress)}.`;
  return status.attempt === undefined ? refused("TriggerMissing", message) : failed("TriggerRemoved", message);
}

function flowMissing({ object: { status }, progress }: Observed): Decision {
  const { namespace = "", flow = "" } = status.target ?? {};
  return waiting(
    "FlowMissing",
    `The flow ${namespace}/${flow} is not in Kestra: when it is there again, the slots go on. ${countedIn(status, progress)}.`,
    QUEUE_MS,
  );
}

/** Why Kestra would take slots and not run them. */
function whyOff({ flow, object: { status } }: Observed, rowDisabled: boolean): Decision | undefined {
  if (flow === undefined || flow === "missing") return undefined;
  const name = `${flow.namespace}/${flow.id}`;
  const trigger = status.target?.trigger ?? "";
  if (flow.disabled)
    return waiting("FlowDisabled", `The flow ${name} is disabled: enable it, and the slots are run.`, QUEUE_MS);
  if (rowDisabled || isDisabled(flow, trigger))
    return waiting(
      "TriggerDisabled",
      `The trigger ${trigger} of the flow ${name} is disabled: enable it, and the slots are run.`,
      QUEUE_MS,
    );
  return undefined;
}

/** Suspended by the spec, or by the failure policy. */
function heldBack(seen: Observed, unfinished: number, retryAfterMs?: number): Decision {
  const { policy, status } = seen.object;
  const counted = countedIn(status, seen.progress);
  const retry = retryAfterMs ?? (unfinished > 0 ? POLL.least : undefined);
  if (policy.suspend) return suspended("Suspended", `Suspended: ${counted}. The live schedule goes on.`, retry);
  return suspended(
    "FailureBudgetSpent",
    `${failures(seen)} slots failed, at which failurePolicy pauses: ${counted}. Raise maxFailed or remove the policy to go on.`,
    retry,
  );
}

function onTheWay(seen: Observed, what: string, now: number): Decision {
  const { status } = seen.object;
  return running(`${what}: ${countedIn(status, seen.progress)}.`, pauseOf(seen, now));
}

/** The longer it goes on, the longer a slot takes, and the more there are, the rarer the looks; but one when the last slot may have been started. */
function pauseOf({ object: { policy, status }, progress }: Observed, now: number): number {
  if (policy.failurePolicy) return POLL.least;
  const handedOver = Date.parse(status.submission?.submittedAt ?? "") || now;
  const since = now - (progress?.watermark?.startedAt ?? handedOver);
  const { total = 0, present = 0 } = status.slots ?? {};
  const { done, failed: bad, unproved } = progress ?? recordedProgress(status);
  const untilLast = (total - present - done - bad - unproved) * SLOT_MS;
  const usual = Math.max(Math.min(POLL.usual, (now - handedOver) / 4), total * 5);
  const wanted = Math.max(since / 8, Math.min(usual, untilLast));
  return Math.round(Math.min(POLL.most, Math.max(POLL.least, wanted)));
}

function recordSubmission({ object: { status } }: Observed, submission: Submission): Decision {
  const begins = submission.submittedAt !== undefined && status.submission?.submittedAt === undefined;
  const { first, last } = submission;
  const what = status.attempt === 1 ? "Started" : "Resumed";
  const message = `Handed the slots from ${first} to ${last} over to Kestra (attempt ${status.attempt ?? 1}).`;
  return {
    do: "write",
    write: {
      op: "record",
      status: { submission },
      ...(begins ? { act: { type: "Normal", reason: what, message } as const } : {}),
    },
  };
}

function isSpent(seen: Observed): boolean {
  const { failurePolicy } = seen.object.policy;
  return failurePolicy !== undefined && failures(seen) >= failurePolicy.maxFailed;
}

function failures({ object: { status }, progress }: Observed): number {
  return progress?.failed ?? status.slots?.failed ?? 0;
}

function countedIn({ slots }: BackfillStatus, progress: Progress | undefined): string {
  const planned = (slots?.total ?? 0) - (slots?.present ?? 0);
  const { done, failed: bad } = progress ?? { done: slots?.done ?? 0, failed: slots?.failed ?? 0 };
  return `${done} of ${planned} slots are done${bad > 0 ? `, ${bad} failed` : ""}`;
}

function whose(seen: Observed, holder: Holder): string {
  if (holder.by !== "another") return "a backfill that somebody started in Kestra";
  const name = seen.nameOf(holder.uid);
  return name === undefined ? "the backfill of a Backfill that is gone" : `the Backfill ${name}`;
}
