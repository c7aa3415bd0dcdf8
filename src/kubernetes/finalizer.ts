import type { CallOptions, KubernetesClient } from "./client.ts";
import type { AnyObject, Metadata, ResourceType } from "./objects.ts";

/**
 * Where an object stands with a finalizer of ours:
 *
 * - `absent`: it lives without it. Add it before anything is made outside that a deletion would have to clean up.
 * - `held`: it lives with it.
 * - `deleting`: it is to be deleted and waits for us. Clean up, then remove the finalizer.
 * - `released`: it is to be deleted and does not wait for us. Touch nothing any more.
 */
export type FinalizerState = "absent" | "held" | "deleting" | "released";

export function classifyFinalizer(metadata: FinalizerMetadata, finalizer: string): FinalizerState {
  const present = metadata.finalizers?.includes(finalizer) ?? false;
  if (metadata.deletionTimestamp === undefined) return present ? "held" : "absent";
  return present ? "deleting" : "released";
}

export type FinalizerMetadata = Pick<Metadata, "finalizers" | "deletionTimestamp">;

/** A merge patch of metadata. The version guards it: finalizers are a list, and a list is replaced as a whole. */
export interface FinalizerPatch {
  metadata: {
    resourceVersion: string;
    finalizers?: string[];
    annotations?: Record<string, string | null>;
  };
}

type Patchable = Pick<Metadata, "finalizers" | "resourceVersion">;

/**
 * Adds the finalizer, keeps those of others, and sets annotations (null removes) in the same write: what we intend is on
 * record from the very moment that the object waits for us. The finalizers are left alone if ours is there already.
 */
export function addFinalizer(
  { finalizers = [], resourceVersion }: Patchable,
  finalizer: string,
  annotations?: Record<string, string | null>,
): FinalizerPatch {
  const added = finalizers.includes(finalizer) ? {} : { finalizers: [...finalizers, finalizer] };
  return { metadata: { resourceVersion, ...added, ...(annotations === undefined ? {} : { annotations }) } };
}

/** Removes the finalizer and keeps those of others: the object goes when none is left. */
export function removeFinalizer({ finalizers = [], resourceVersion }: Patchable, finalizer: string): FinalizerPatch {
  return { metadata: { resourceVersion, finalizers: finalizers.filter((other) => other !== finalizer) } };
}

/**
 * Writes the patch. A conflict (`isConflict`) means that the object has changed since it was read: read it again and decide
 * anew. Not found means that it is gone, which after a removal is what was wanted.
 */
export function patchFinalizer<T extends AnyObject>(
  client: KubernetesClient,
  type: ResourceType,
  object: { metadata: Pick<Metadata, "name" | "namespace"> },
  patch: FinalizerPatch,
  options?: CallOptions,
): Promise<T> {
  return client.mergePatch<T>(type, object.metadata, patch, options);
}
