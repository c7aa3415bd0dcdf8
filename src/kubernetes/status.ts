import type { StatusPatch } from "./client.ts";
import { mergePatchBetween } from "./mergePatch.ts";
import type { Metadata } from "./objects.ts";

/**
 * The one status write at the end of a reconcile, or undefined if the object says so already.
 *
 * Guarded by the version that was looked at, unless told otherwise: a change in between, of somebody else's condition or by
 * an object made again under the name, ends in a conflict. Nothing less would do: a merge patch replaces a list as a whole,
 * and the API server ignores a uid in the patch of a status.
 */
export function statusPatch(
  object: { metadata: Pick<Metadata, "resourceVersion">; status?: object | undefined },
  wanted: object,
  { guarded = true }: { guarded?: boolean } = {},
): StatusPatch | undefined {
  const status = mergePatchBetween(object.status, wanted);
  if (status === undefined) return undefined;
  return guarded ? { metadata: { resourceVersion: object.metadata.resourceVersion }, status } : { status };
}
