import { KestraRejected } from "../../kestra/errors.ts";
import { displayName } from "../ownership/identity.ts";
import type { Observed, Write } from "./model.ts";
import type { KvContext } from "./observe.ts";
import { descriptionOf } from "./source.ts";

/**
 * Writes the entry that the resource declares. What Kestra made of it is not known after it, and has to be read.
 *
 * Guaranteed: a repeat after a crash is harmless but for the time to live, which starts anew.
 */
export async function apply(context: KvContext, seen: Observed, write: Write, signal: AbortSignal): Promise<void> {
  const { desired, object } = seen;
  if (desired === undefined || !("identity" in desired) || desired.value === undefined)
    throw new Error("decided to write a value that was not read");
  const description = descriptionOf(object);
  const { ttl } = object.policy;
  const entry = {
    body: desired.value.body,
    ...(description === undefined ? {} : { description }),
    ...(ttl === undefined ? {} : { ttl }),
  };
  try {
    await context.kestra.kv.put(write.identity, entry, signal);
  } catch (error) {
    if (!(error instanceof KestraRejected)) throw error;
    seen.rejected = error.message;
    return;
  }
  delete seen.stored;
  seen.written = write.because;
  const { because } = write;
  const name = displayName(write.identity);
  if (because === "changed" || because === "renewed") {
    const message = `Wrote the entry ${name}${because === "renewed" ? " before it expired" : ""}.`;
    seen.acts.push({ type: "Normal", reason: because === "renewed" ? "Renewed" : "Applied", message });
    return;
  }
  seen.corrected = because;
  context.onCorrected?.(because);
  seen.acts.push({
    type: "Normal",
    reason: "DriftCorrected",
    message: `Wrote the entry ${name}, which had drifted (${because}).`,
  });
}
