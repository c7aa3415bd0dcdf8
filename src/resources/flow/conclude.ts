import { truncate } from "../../lib/text.ts";
import type { DriftKind } from "../common.ts";
import { concludeWith } from "../conclude.ts";
import type { Conclusion } from "../conclude.ts";
import type { Verdict } from "../verdict.ts";
import type { Observed } from "./model.ts";
import type { FlowStatus } from "./schema.ts";

const MAX_NOTES = 10;
const MAX_NOTE_LENGTH = 300;

/** What a reconcile of a KestraFlow leaves behind; see {@link concludeWith}. */
export function conclude(
  seen: Observed,
  verdict: Verdict,
  drift: DriftKind | undefined,
  now: number,
): Conclusion<FlowStatus> {
  const applied = verdict.state === "synced" && !drift ? whatWasApplied(seen) : {};
  return concludeWith(seen, verdict, drift, { ...applied, ...notes(seen) }, now);
}

function whatWasApplied({ stored, desired, settings }: Observed): Partial<FlowStatus> {
  if (stored === undefined || stored === "missing" || desired === undefined || !("identity" in desired)) return {};
  const { tenant, namespace, id } = desired.identity;
  const url = `${settings.uiUrl}/ui/${tenant}/flows/edit/${namespace}/${id}`;
  const { digest, configMapVersion } = desired;
  return {
    flow: { tenant, namespace, id, revision: stored.revision, url },
    applied: { digest, ...(configMapVersion === undefined ? {} : { configMapVersion }) },
  };
}

/** Kestra's remarks from the last validation; none are left out of the status. */
function notes({ validation }: Observed): { warnings?: string[] | undefined; deprecations?: string[] | undefined } {
  if (validation === undefined) return {};
  const bounded = (texts: readonly string[]): string[] | undefined =>
    texts.length === 0 ? undefined : texts.slice(0, MAX_NOTES).map((text) => truncate(text, MAX_NOTE_LENGTH));
  return { warnings: bounded(validation.warnings), deprecations: bounded(validation.deprecationPaths) };
}
