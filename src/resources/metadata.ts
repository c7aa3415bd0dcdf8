import type { Metadata } from "../kubernetes/objects.ts";
import { GROUP } from "./annotations.ts";

/** What caches keep of an object's metadata: nothing that only others care for. */
export function slimMetadata(metadata: Metadata): Metadata {
  const { name, namespace, uid, resourceVersion, generation, creationTimestamp, deletionTimestamp, finalizers } =
    metadata;
  const ours = Object.entries(metadata.annotations ?? {}).filter(([key]) => key.startsWith(`${GROUP}/`));
  return {
    name,
    uid,
    resourceVersion,
    ...(namespace === undefined ? {} : { namespace }),
    ...(generation === undefined ? {} : { generation }),
    ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
    ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
    ...(finalizers === undefined ? {} : { finalizers }),
    ...(ours.length === 0 ? {} : { annotations: Object.fromEntries(ours) }),
  };
}
