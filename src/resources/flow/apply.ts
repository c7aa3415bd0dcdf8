import { addFinalizer, patchFinalizer, removeFinalizer } from "../../kubernetes/finalizer.ts";
import type { FinalizerPatch } from "../../kubernetes/finalizer.ts";
import { keyOf } from "../../kubernetes/objects.ts";
import { isNotFound } from "../../kubernetes/errors.ts";
import type { StoredFlow } from "../../kestra/types.ts";
import { ANNOTATION, FINALIZER } from "../annotations.ts";
import { projectWhole } from "./cache.ts";
import { writeClaim } from "./claim.ts";
import type { FlowContext } from "./context.ts";
import { displayName, identityKey } from "./identity.ts";
import type { Observed, Reason, Write } from "./model.ts";
import { kestraFlows } from "./schema.ts";

/**
 * Makes one external write and takes its answer into what is observed.
 *
 * Guaranteed: each is idempotent or guarded (patches of metadata by resourceVersion, a create by Kestra's "exists"), so that a repeat
 * after a crash is harmless.
 */
export async function apply(context: FlowContext, seen: Observed, write: Write, signal: AbortSignal): Promise<void> {
  const { kestra, drift } = context;
  const { metadata } = seen.object;
  const key = keyOf(seen.object);
  switch (write.op) {
    case "claim": {
      const claim = writeClaim(metadata.uid, write.identity, write.digest);
      await patchMetadata(context, seen, addFinalizer(metadata, FINALIZER, claim), signal);
      return;
    }
    case "unclaim": {
      const owner = seen.object.status.flow !== undefined;
      const patch = owner ? addFinalizer(metadata, FINALIZER) : removeFinalizer(metadata, FINALIZER);
      patch.metadata.annotations = { [ANNOTATION.claim]: null };
      await patchMetadata(context, seen, patch, signal);
      return;
    }
    case "create": {
      const created = await kestra.flows.create(write.text, signal);
      delete seen.stored;
      if (created === "exists") seen.exists = true;
      else wrote(context, seen, created, write.because, `Created the flow ${displayName(write.identity)}`);
      return;
    }
    case "update": {
      const updated = await kestra.flows.update(write.identity, write.text, signal);
      if (updated === "missing") seen.stored = "missing";
      else wrote(context, seen, updated, write.because, `Updated the flow ${displayName(write.identity)}`);
      return;
    }
    case "delete":
      await kestra.flows.delete(write.identity, signal);
      drift.forget(write.identity, key);
      seen.leftBehind.add(identityKey(write.identity));
      seen.acts.push({
        type: "Normal",
        reason: "Deleted",
        message: `Deleted the flow ${displayName(write.identity)} (${write.because}).`,
      });
      return;
    case "handOver": {
      const { heir, identity } = write;
      const successor = context.flows.get(heir.key);
      if (successor === undefined) return;
      // With the finalizer, so that an heir that is deleted before it knows of its flow still cleans up.
      const patch = addFinalizer(successor.metadata, FINALIZER, writeClaim(successor.metadata.uid, identity));
      context.flows.learn(await patchFinalizer(context.kubernetes, kestraFlows, successor, patch, { signal }));
      drift.forget(identity, key);
      seen.leftBehind.add(identityKey(identity));
      seen.acts.push({
        type: "Normal",
        reason: "HandedOver",
        message: `Handed the flow ${displayName(identity)} over to ${heir.key}.`,
      });
      return;
    }
    case "release":
      await release(context, seen, signal);
      context.logger.info({ key, because: write.because }, "let go");
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

async function release(context: FlowContext, seen: Observed, signal: AbortSignal): Promise<void> {
  const { metadata, status } = seen.object;
  if (status.flow) context.drift.forget(status.flow, keyOf(seen.object));
  const patch = removeFinalizer(metadata, FINALIZER);
  try {
    await patchMetadata(context, seen, patch, signal);
  } catch (error) {
    if (!isNotFound(error)) throw error;
    seen.object = { ...seen.object, metadata: { ...metadata, finalizers: patch.metadata.finalizers ?? [] } };
  }
}

/** Patches our own object's metadata, guarded by the version it was decided on: a 409 means that the cache is behind. */
async function patchMetadata(
  context: FlowContext,
  seen: Observed,
  patch: FinalizerPatch,
  signal: AbortSignal,
): Promise<void> {
  seen.object = projectWhole(await patchFinalizer(context.kubernetes, kestraFlows, seen.object, patch, { signal }));
}
