import type { Metadata } from "../kubernetes/objects.ts";
import { intern } from "../lib/intern.ts";
import { ANNOTATION, FINALIZER, GROUP } from "./annotations.ts";
import type { CommonStatus } from "./common.ts";
import { isSettled } from "./decisions.ts";
import type { CachedResource } from "./model.ts";
import { readClaim } from "./ownership/claim.ts";
import { sameIdentity } from "./ownership/identity.ts";

/** Most resources have this finalizer and no other. */
const OUR_FINALIZER = Object.freeze([FINALIZER]) as string[];

/** What caches keep of an object's metadata: nothing that only others care for, and what many have in common once. */
export function slimMetadata(metadata: Metadata): Metadata {
  const { name, namespace, uid, resourceVersion, generation, creationTimestamp, deletionTimestamp, finalizers } =
    metadata;
  const ours = Object.entries(metadata.annotations ?? {}).filter(([key]) => key.startsWith(`${GROUP}/`));
  const onlyOurs = finalizers?.length === 1 && finalizers[0] === FINALIZER;
  return {
    name,
    uid,
    resourceVersion,
    ...(namespace === undefined ? {} : { namespace: intern(namespace) }),
    ...(generation === undefined ? {} : { generation }),
    ...(creationTimestamp === undefined ? {} : { creationTimestamp: intern(creationTimestamp) }),
    ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
    ...(finalizers === undefined ? {} : { finalizers: onlyOurs ? OUR_FINALIZER : finalizers }),
    ...(ours.length === 0 ? {} : { annotations: Object.fromEntries(ours) }),
  };
}

/** A status whose texts are shared with those of other resources that say the same. */
export function slimStatus<Status extends CommonStatus>(status: Status): Status {
  const { instance, conditions } = status;
  return {
    ...status,
    ...(instance === undefined ? {} : { instance: intern(instance) }),
    ...(conditions === undefined
      ? {}
      : {
          conditions: conditions.map((condition) => ({
            ...condition,
            reason: intern(condition.reason),
            message: intern(condition.message),
            lastTransitionTime: intern(condition.lastTransitionTime),
          })),
        }),
  };
}

/** Takes the claim out of a resource in sync that owns what it claims: it says nothing that the status does not say. */
export function dropSpentClaim(resource: CachedResource): void {
  const { metadata, owned } = resource;
  if (!isSettled(resource) || !sameIdentity(readClaim(metadata), owned)) return;
  const { [ANNOTATION.claim]: claim, ...annotations } = metadata.annotations ?? {};
  void claim;
  // Made anew: what a property was deleted from takes five times as much memory.
  const { annotations: before, ...rest } = metadata;
  void before;
  resource.metadata = Object.keys(annotations).length > 0 ? { ...rest, annotations } : rest;
}
