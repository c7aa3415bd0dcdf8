import type { FlowDefinition } from "../../kestra/types.ts";
import { parsePeriod } from "../../lib/period.ts";
import { progressing } from "../decisions.ts";
import { UnsupportedCron } from "./cron.ts";
import type { Decision, History, Observed } from "./model.ts";
import { iso, MAX_SLOTS, planOf, planSlots } from "./plan.ts";
import type { SlotPlan } from "./plan.ts";
import { recordedProgress } from "./progress.ts";
import { rangeOfSpec } from "./range.ts";
import type { Range } from "./range.ts";
import type { BackfillStatus } from "./schema.ts";
import { executionsUrl, specDigest, ticksOf } from "./source.ts";
import { flawOfExecutions, targetOf } from "./target.ts";
import type { Target } from "./target.ts";
import { parseSchedule } from "./ticks.ts";
import type { Ticks } from "./ticks.ts";
import { QUEUE_MS, SOON_MS } from "./timing.ts";
import { refused, waiting } from "./verdicts.ts";

/**
 * The next step towards accepting a Backfill: everything that can be wrong with it is found before anything is started. What is accepted
 * is recorded, so that it means the same slots ever after.
 */
export function accept(seen: Observed, now: number): Decision {
  const { metadata, policy } = seen.object;
  const { settings, server, flowReference: reference, flow, row } = seen;
  if ("missing" in reference) return progressing("FlowNotReady", `Waiting for ${reference.missing}.`);
  const refusal = settings.refusal(metadata.namespace ?? "", reference.namespace);
  if (refusal !== undefined) return refused("NamespaceNotAllowed", refusal);
  if (server.kind === "up" && !server.info.version.startsWith("1."))
    return refused("KestraVersionUnsupported", `Backfills need Kestra 1.x; this one is ${server.info.version}.`);
  if (flow === undefined) return { do: "read", fact: "flow" };
  const name = `${reference.namespace}/${reference.id}`;
  if (flow === "missing")
    return waiting("FlowMissing", `Waiting for the flow ${name}, which is not in Kestra.`, QUEUE_MS);

  const target = targetOf(flow, policy);
  if ("reason" in target) return refused(target.reason, target.message);
  const range = rangeOfSpec(policy, target.timeZone, now);
  if ("reason" in range) return refused(range.reason, range.message);
  const ticks = readCron(target);
  if ("reason" in ticks) return refused(ticks.reason, ticks.message);
  if (policy.window !== undefined && parsePeriod(policy.window) === undefined)
    return refused("WindowInvalid", `window ${policy.window} is no length of time: write P1M, P2W or PT12H.`);
  const flaw = flawOfExecutions(flow, target.trigger, policy);
  if (flaw) return refused(flaw.reason, flaw.message);

  if (row === undefined) return { do: "read", fact: "row" };
  if (row === "missing")
    return waiting("TriggerNotReady", `Kestra has no state of the trigger ${target.trigger} yet.`, SOON_MS);
  const live = row.backfill ? row.backfill.previousNextExecutionDate : row.nextExecutionDate;
  if (typeof live === "number" && !row.backfill && !ticks.includes(live)) return outOfStep(target, live);
  const plan = planned(seen, ticks, range);
  if ("do" in plan) return plan;
  if (plan.total === 0) return refused("NoSlots", "There is no slot of the trigger between start and end.");
  return acceptance(seen, target, range, plan, flow, now);
}

/**
 * Finds anew which slots are to be run: what others ran since it was accepted is left out, and what a plan could not hold is planned.
 *
 * @param after the last slot that was planned before
 */
export function planAnew(seen: Observed, after?: string): Decision {
  const { status } = seen.object;
  const { start = "", end = "" } = status.range ?? {};
  const from = after === undefined ? Date.parse(start) : Date.parse(after) + 1;
  const plan = planned(seen, ticksOf(status), { start: from, end: Date.parse(end) });
  if ("do" in plan) return plan;
  const { slots } = status;
  if (slots === undefined) throw new Error("planned anew what was never planned");
  const progress = seen.progress ?? recordedProgress(status);
  const started = progress.done + progress.failed + progress.unproved + progress.running;
  const present = slots.total - started - (plan.total - plan.present);
  return { do: "write", write: { op: "record", status: { ...planFields(plan, after), slots: { ...slots, present } } } };
}

function acceptance(
  { object: { policy }, settings }: Observed,
  { trigger, cron, timeZone, zoneAssumed, withSeconds }: Target,
  range: Range,
  plan: SlotPlan,
  { namespace, id, revision }: FlowDefinition,
  now: number,
): Decision {
  const { total, present } = plan;
  const flow = { namespace, id };
  const counts = {
    total,
    present,
    done: 0,
    skipped: 0,
    failed: 0,
    running: 0,
    unproved: 0,
    remaining: total - present,
  };
  const status: Partial<BackfillStatus> = {
    target: {
      tenant: settings.tenant,
      namespace,
      flow: id,
      trigger,
      cron,
      timeZone,
      ...(withSeconds ? { withSeconds } : {}),
      ...(zoneAssumed ? { zoneAssumed } : {}),
      revision,
      url: executionsUrl(settings, flow),
    },
    range: { start: iso(range.start), end: iso(range.end) },
    specDigest: specDigest(policy),
    acceptedAt: iso(now),
    slots: counts,
    progress: `0/${total - present}`,
    percent: total === present ? 100 : 0,
    ...planFields(plan),
  };
  return { do: "write", write: { op: "record", status } };
}

function planFields(plan: SlotPlan, after?: string): Partial<BackfillStatus> {
  const { ranges, until, first, last } = plan;
  return {
    plan: planOf(ranges, until === undefined ? undefined : iso(until)),
    ...(after === undefined
      ? { first: first === undefined ? undefined : iso(first), last: last === undefined ? undefined : iso(last) }
      : {}),
  };
}

function readCron({ cron, withSeconds, timeZone, trigger }: Target): Ticks | { reason: string; message: string } {
  try {
    return parseSchedule({ cron, withSeconds, zone: timeZone });
  } catch (error) {
    if (!(error instanceof UnsupportedCron)) throw error;
    return {
      reason: "SlotsNotProvable",
      message: `The cron of the trigger ${trigger} cannot be followed: ${error.message}`,
    };
  }
}

/** Kestra reads a cron without a zone in the zone that its server runs in, which it does not tell. */
function outOfStep({ trigger, cron, timeZone, zoneAssumed }: Target, live: number): Decision {
  const remedy = zoneAssumed
    ? `The trigger names no time zone, so that Kestra's server decides: give the trigger a timezone, or set spec.timeZone to the server's.`
    : `Something else than the flow seems to change the trigger, such as the server's plugin defaults.`;
  return refused(
    "SlotsNotProvable",
    `Kestra's next date for the trigger ${trigger}, ${iso(live)}, is no tick of ${cron} in ${timeZone}. ${remedy}`,
  );
}

function planned(seen: Observed, ticks: Ticks, range: Range): SlotPlan | Decision {
  const { reprocess } = seen.object.policy;
  const { history } = seen;
  if (history === undefined && reprocess !== "All") return { do: "read", fact: "history" };
  if (history?.incomplete)
    return refused(
      "TooManyExecutions",
      "The flow has too many executions in the range to see which slots were run: use a shorter range, or reprocess: All.",
    );
  const plan = planSlots(ticks, range, wanted(reprocess, history));
  if (plan === undefined)
    return refused(
      "TooManySlots",
      `The range has more than ${MAX_SLOTS} slots: Kestra runs one a second. Use a shorter range, or several Backfills.`,
    );
  return plan;
}

/** Which slots are to be run, for what became of them before. */
export function wanted(
  reprocess: "Missing" | "Failed" | "All",
  history: History | undefined,
): (slot: number) => boolean {
  if (reprocess === "All" || history === undefined) return () => true;
  const { outcomes } = history;
  return reprocess === "Failed" ? (slot) => outcomes.get(slot) === "failed" : (slot) => outcomes.get(slot) !== "done";
}
