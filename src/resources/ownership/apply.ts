import { addFinalizer, patchFinalizer, removeFinalizer } from "../../kubernetes/finalizer.ts";
import type { FinalizerPatch } from "../../kubernetes/finalizer.ts";
import { isNotFound } from "../../kubernetes/errors.ts";
import { keyOf } from "../../kubernetes/objects.ts";
import type { AnyObject, ResourceType } from "../../kubernetes/objects.ts";
import { ANNOTATION, FINALIZER } from "../annotations.ts";
import type { ResourceContext } from "../context.ts";
import type { CachedResource, Observed, OwnershipWrite } from "../model.ts";
import { writeClaim } from "./claim.ts";
import { displayName, identityKey } from "./identity.ts";
import type { Identity } from "./identity.ts";

/** What ownership needs to know of a kind. */
export interface OwnedKind<R extends CachedResource> {
  type: ResourceType;
  /** An object of the API server as a reconcile works on it. */
  project: (object: AnyObject) => R;
  /** Deletes one thing in Kestra; what is not there counts as deleted. */
  remove: (identity: Identity, signal: AbortSignal) => Promise<void>;
}

/**
 * Makes one write that changes who owns what, and takes its answer into what is observed.
 *
 * Guaranteed: each is idempotent or guarded by resourceVersion, so that a repeat after a crash is harmless.
 */
export async function applyOwnership<R extends CachedResource>(
  context: ResourceContext<R>,
  kind: OwnedKind<R>,
  seen: Observed<R>,
  write: OwnershipWrite,
  signal: AbortSignal,
): Promise<void> {
  const { metadata, owned } = seen.object;
  const key = keyOf(seen.object);
  // Guarded by the version it was decided on: a 409 means that the cache is behind.
  const patchMetadata = async (patch: FinalizerPatch): Promise<void> => {
    seen.object = kind.project(await patchFinalizer(context.kubernetes, kind.type, seen.object, patch, { signal }));
  };
  const disposed = (identity: Identity, reason: string, message: string): void => {
    context.drift.forget(identity, key);
    seen.leftBehind.add(identityKey(identity));
    seen.acts.push({ type: "Normal", reason, message });
  };
  switch (write.op) {
    case "claim": {
      const claim = writeClaim(metadata.uid, write.identity, write.digest);
      await patchMetadata(addFinalizer(metadata, FINALIZER, claim));
      return;
    }
    case "unclaim": {
      const patch = owned ? addFinalizer(metadata, FINALIZER) : removeFinalizer(metadata, FINALIZER);
      patch.metadata.annotations = { [ANNOTATION.claim]: null };
      await patchMetadata(patch);
      return;
    }
    case "delete": {
      await kind.remove(write.identity, signal);
      const message = `Deleted the ${seen.noun} ${displayName(write.identity)} (${write.because}).`;
      disposed(write.identity, "Deleted", message);
      return;
    }
    case "handOver": {
      const { heir, identity } = write;
      const successor = context.resources.get(heir.key);
      if (successor === undefined) return;
      // With the finalizer, so that an heir that is deleted before it knows of its inheritance still cleans up.
      const patch = addFinalizer(successor.metadata, FINALIZER, writeClaim(successor.metadata.uid, identity));
      context.resources.learn(await patchFinalizer(context.kubernetes, kind.type, successor, patch, { signal }));
      disposed(identity, "HandedOver", `Handed the ${seen.noun} ${displayName(identity)} over to ${heir.key}.`);
      return;
    }
    case "release": {
      if (owned) context.drift.forget(owned, key);
      const patch = removeFinalizer(metadata, FINALIZER);
      try {
        if (seen.object.removed) context.resources.forget(key);
        else await patchMetadata(patch);
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
      seen.object = {
        ...seen.object,
        metadata: { ...seen.object.metadata, finalizers: patch.metadata.finalizers ?? [] },
      };
      context.logger.info({ key, because: write.because }, "let go");
    }
  }
}
