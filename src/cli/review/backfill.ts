import { FlowDefinition } from "../../kestra/types.ts";
import { parsePeriod } from "../../lib/period.ts";
import { parseYaml } from "../../lib/yaml.ts";
import { rangeOfSpec } from "../../resources/backfill/range.ts";
import type { BackfillSpec } from "../../resources/backfill/schema.ts";
import { complaintOnLabels, flawOfExecutions, targetOf } from "../../resources/backfill/target.ts";
import type { Unreadable } from "../../resources/model.ts";
import { error } from "./complaint.ts";
import type { Complaint } from "./complaint.ts";

/**
 * What the operator would say against a Backfill whose shape is right.
 *
 * @param flow the flow that it means, where that is known
 * @param now milliseconds since the epoch
 */
export function reviewBackfill(spec: BackfillSpec, flow: FlowDefinition | undefined, now: number): Complaint[] {
  const target = flow && targetOf(flow, spec);
  const zone = target !== undefined && "timeZone" in target ? target.timeZone : (spec.timeZone ?? "UTC");
  const range = rangeOfSpec(spec, zone, now);
  const complaints: Complaint[] = [];
  const complain = (found: Unreadable | undefined, ...path: string[]): void => {
    if (found) complaints.push(error(found.reason, found.message, ["spec", ...path]));
  };
  if ("reason" in range) complain(range, blamed(range.message));
  if (spec.window !== undefined && parsePeriod(spec.window) === undefined)
    complaints.push(
      error("WindowInvalid", "The window is no length of time: write P1M, P2W or PT12H.", ["spec", "window"]),
    );
  complain(complaintOnLabels(spec.labels ?? {}), "labels");
  if (flow === undefined || target === undefined) return complaints;
  if ("reason" in target) complain(target, "target");
  else {
    const flaw = flawOfExecutions(flow, target.trigger, spec);
    if (flaw?.reason === "InputsInvalid") complain(flaw, "inputs");
  }
  return complaints;
}

/** A flow's text as Kestra would give it back, parsed; undefined where it cannot be told. */
export function definitionOf(text: string): FlowDefinition | undefined {
  const parsed = parseYaml(text);
  if (!parsed.ok || typeof parsed.value !== "object") return undefined;
  return FlowDefinition.safeParse({ ...parsed.value, revision: 0, source: text }).data;
}

function blamed(message: string): string {
  return ["timeZone", "end"].find((field) => message.startsWith(field)) ?? "start";
}
