import type { AnyObject, Metadata } from "../../kubernetes/objects.ts";
import { intern } from "../../lib/intern.ts";
import { isSettled } from "../decisions.ts";
import { dropSpentClaim, slimMetadata, slimStatus } from "../metadata.ts";
import type { Identity } from "../ownership/identity.ts";
import type { KestraKv, KvSpec, KvStatus } from "./schema.ts";

/** A KestraKV as the cache keeps it: without foreign annotations, and without its literal once it is in sync. */
export interface CachedKv {
  metadata: Metadata;
  policy: Omit<KvSpec, "value">;
  /** Undefined for a resource in sync, and for one that refers to its value. */
  content?: { value: unknown };
  status: KvStatus;
  owned?: Identity;
}

/** The schema's own defaults: an object made before the schema had them lacks them. */
const DEFAULTS = { adoption: "IfIdentical", driftPolicy: "Correct", ttlPolicy: "Once", writePolicy: "Always" } as const;

/** Projects an object from the API server. */
export function projectKv(object: AnyObject): CachedKv {
  const cached = projectWhole(object);
  if (isSettled(cached)) delete cached.content;
  return cached;
}

/** As {@link projectKv}, with the literal kept in any case. */
export function projectWhole(object: AnyObject): CachedKv {
  const { metadata, spec, status = {} } = object as KestraKv;
  const { value, ...policy } = spec;
  const cached: CachedKv = {
    metadata: slimMetadata(metadata),
    policy: { ...DEFAULTS, ...policy, namespace: intern(policy.namespace) },
    status: slimStatus(status),
  };
  if (status.entry) {
    const { tenant, namespace, key: id } = status.entry;
    cached.owned = { tenant, namespace: intern(namespace), id };
    dropSpentClaim(cached);
  }
  if (policy.valueFrom === undefined) cached.content = { value };
  return cached;
}
