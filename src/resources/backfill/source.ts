import { canonicalJson, digestOf } from "../../lib/digest.ts";
import type { ResourceSettings } from "../model.ts";
import type { BackfillSpec, BackfillStatus } from "./schema.ts";
import { parseSchedule } from "./ticks.ts";
import type { Ticks } from "./ticks.ts";

/** Of everything in a spec that cannot be changed. */
export function specDigest(spec: BackfillSpec): string {
  const { target, start, end, timeZone, inputs, labels, mode, reprocess, window } = spec;
  return digestOf(canonicalJson({ target, start, end, timeZone, inputs, labels, mode, reprocess, window }));
}

/** The slots of an accepted Backfill's trigger. */
export function ticksOf({ target }: BackfillStatus): Ticks {
  if (target === undefined) throw new Error("asked for the slots of a Backfill that is not accepted");
  return parseSchedule({ cron: target.cron, withSeconds: target.withSeconds ?? false, zone: target.timeZone });
}

/** The flow's executions in Kestra's user interface. */
export function executionsUrl(
  { uiUrl, tenant }: ResourceSettings,
  { namespace, id }: { namespace: string; id: string },
): string {
  return `${uiUrl}/ui/${tenant}/flows/edit/${namespace}/${id}/executions`;
}

/** One execution in Kestra's user interface. */
export function executionUrl({ target }: BackfillStatus, execution: string): string {
  if (target === undefined) return "";
  const { url, tenant, namespace, flow } = target;
  return `${url.slice(0, url.indexOf("/ui/"))}/ui/${tenant}/executions/${namespace}/${flow}/${execution}`;
}
