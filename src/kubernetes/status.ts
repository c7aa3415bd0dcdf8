import type { StatusPatch } from "./client.ts";
import { mergePatchBetween } from "./mergePatch.ts";
import type { Metadata } from "./objects.ts";

/**
 * The one status write at the end of a reconcile, or undefined if the object says so already.
 *
 * Pass `guarded` when the status holds a list that others write to as well, as conditions are: a merge patch replaces a
 * list as a whole, and with the guard a change of theirs in between ends in a conflict instead of being lost.
 */
export function statusPatch(
  object: { metadata: Pick<Metadata, "resourceVersion" | "uid">; status?: object | undefined },
  wanted: object,
  options: { guarded?: boolean } = {},
): StatusPatch | undefined {
  const status = mergePatchBetween(object.status, wanted);
  if (status === undefined) return undefined;
  const { resourceVersion, uid } = object.metadata;
  // The uid alone keeps the status of a deleted object away from one made again under its name.
  return { metadata: options.guarded ? { resourceVersion, uid } : { uid }, status };
}
