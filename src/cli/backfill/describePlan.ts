import { keyFor } from "../../kubernetes/objects.ts";
import { SLOT_MS } from "../../resources/backfill/timing.ts";
import { moment, shortDuration } from "../duration.ts";
import { paint } from "../paint.ts";
import { plain } from "../plainText.ts";
import type { BackfillOutcome, Plan } from "../rehearsal/backfills.ts";
import { placeOf } from "../rehearsal/declared.ts";
import type { Slot } from "./preview.ts";

/** What a Backfill would be accepted as, for people. @param slots every slot, where they are to be listed */
export function describePlan(outcome: BackfillOutcome, slots: readonly Slot[] | undefined): string {
  const { declared, plan, message, result } = outcome;
  const { file, object } = declared;
  const title = `${object.kind} ${keyFor(object.metadata)}${file === "" ? "" : ` (${placeOf(declared)})`}`;
  const lines = [paint("bold", title)];
  if (plan) lines.push(...planLines(outcome, plan));
  const style = result === "refused" ? "red" : "yellow";
  if (message !== undefined) lines.push(row(plan ? "note" : result, paint(style, plain(message))));
  return `${[...lines, ...(slots ?? []).map(slotLine)].join("\n")}\n`;
}

function planLines({ declared, flowOfFiles, existing }: BackfillOutcome, plan: Plan): string[] {
  const { target, range, slots, plan: planned, first, last } = plan;
  const zone = `${target.timeZone}${target.zoneAssumed ? " (assumed: the trigger names none)" : ""}`;
  const span = first === undefined || last === undefined ? "" : `, ${spanOf(first, last)}`;
  const shown = planned.ranges.map(({ first, last, slots }) => `${spanOf(first, last)}: ${slots}`);
  const state = typeof existing === "object" ? existing.status?.state : undefined;
  return [
    row("flow", `${target.namespace}/${target.flow}${flowOfFiles ? ", as the files have it" : ""}`),
    row("trigger", `${target.trigger}: ${target.cron} in ${zone}`),
    row("range", spanOf(range.start, range.end)),
    row(
      "slots",
      `${slots.total} in the range, ${slots.present} left out (reprocess: ${declared.object.spec.reprocess})`,
    ),
    row("to run", paint("bold", `${slots.remaining}${span}`)),
    ...(shown.length > 1 ? shown.map((text, n) => row(n === 0 ? "ranges" : "", text)) : []),
    ...(planned.until === undefined ? [] : [row("", `and more after ${moment(planned.until)}`)]),
    ...(slots.remaining > 0 ? [row("time", `at least ${shortDuration(slots.remaining * SLOT_MS)}`)] : []),
    ...(state === undefined ? [] : [row("cluster", `has it already, ${state}: counted as for a new one`)]),
  ];
}

function slotLine({ at, runs, before }: Slot): string {
  const was = before === undefined ? "" : `  ${before} before`;
  return `  ${moment(at)}  ${runs ? paint("green", "run ") : paint("dim", "skip")}${was}`;
}

function spanOf(first: string, last: string): string {
  return first === last ? moment(first) : `${moment(first)} to ${moment(last)}`;
}

function row(title: string, text: string): string {
  return `  ${title.padEnd(8)} ${text}`;
}
