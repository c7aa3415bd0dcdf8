import type { StoredFlow } from "../../kestra/types.ts";
import type { Reason } from "../model.ts";
import { displayName } from "../ownership/identity.ts";
import type { FlowContext } from "./observe.ts";
import type { Observed, Write } from "./model.ts";

/**
 * Makes one write to Kestra and takes its answer into what is observed.
 *
 * Guaranteed: a create is guarded by Kestra's "exists" and an update is idempotent, so that a repeat after a crash is harmless.
 */
export async function apply(context: FlowContext, seen: Observed, write: Write, signal: AbortSignal): Promise<void> {
  const { flows } = context.kestra;
  const { identity, text, because } = write;
  if (write.op === "create") {
    const created = await flows.create(text, signal);
    delete seen.stored;
    if (created === "exists") seen.exists = true;
    else wrote(context, seen, created, because, `Created the flow ${displayName(identity)}`);
  } else {
    const updated = await flows.update(identity, text, signal);
    if (updated === "missing") seen.stored = "missing";
    else wrote(context, seen, updated, because, `Updated the flow ${displayName(identity)}`);
  }
}

function wrote(context: FlowContext, seen: Observed, stored: StoredFlow, because: Reason, deed: string): void {
  seen.stored = stored;
  if (because === "changed") {
    seen.acts.push({ type: "Normal", reason: "Applied", message: `${deed}, now at revision ${stored.revision}.` });
    return;
  }
  seen.corrected = because;
  context.onCorrected?.(because);
  const message = `${deed}, which had drifted (${because}), now at revision ${stored.revision}.`;
  seen.acts.push({ type: "Normal", reason: "DriftCorrected", message });
}
