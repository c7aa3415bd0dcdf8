import type { AnyObject, Metadata } from "../../kubernetes/objects.ts";
import { isSettled } from "../decisions.ts";
import { intern } from "../../lib/intern.ts";
import { dropSpentClaim, slimMetadata, slimStatus } from "../metadata.ts";
import type { Identity } from "../ownership/identity.ts";
import type { Adoption } from "../common.ts";
import type { FlowSpec, FlowStatus, KestraFlow } from "./schema.ts";

/** What declares the flow: the part of a spec that can be large. */
export type Content = Pick<FlowSpec, "source" | "flow">;

/**
 * A KestraFlow as the cache keeps it: without foreign annotations, and without its content once it is in sync. What is left of ten
 * thousand flows fits in some twenty megabytes.
 */
export interface CachedFlow {
  metadata: Metadata;
  policy: Omit<FlowSpec, "source" | "flow">;
  /** Undefined for a resource in sync, and for one whose content is in a ConfigMap. */
  content?: Content;
  status: FlowStatus;
  owned?: Identity;
}

/** The schema's own defaults: an object made before the schema had them lacks them. */
const DEFAULTS = { adoption: "IfIdentical", driftPolicy: "Correct", disabledDrift: "Report" } as const;

/** Projects an object from the API server. */
export function projectFlow(object: AnyObject): CachedFlow {
  const { spec, status } = object as Partial<KestraFlow>;
  const { source, flow, ...given } = (spec ?? {}) as Partial<FlowSpec>;
  const policy = { ...DEFAULTS, ...given };
  policy.adoption = intern(policy.adoption) as Adoption;
  const cached: CachedFlow = { metadata: slimMetadata(object.metadata), policy, status: slimStatus(status ?? {}) };
  if (cached.status.flow !== undefined) {
    cached.status.flow = { ...cached.status.flow, namespace: intern(cached.status.flow.namespace) };
    cached.owned = cached.status.flow;
  }
  dropSpentClaim(cached);
  if (isSettled(cached)) return cached;
  if (source !== undefined) cached.content = { source };
  if (flow !== undefined) cached.content = { flow };
  return cached;
}

/** As {@link projectFlow}, with the content kept in any case. */
export function projectWhole(object: AnyObject): CachedFlow {
  const { source, flow } = (object as KestraFlow).spec;
  const content = source !== undefined ? { source } : flow !== undefined ? { flow } : undefined;
  return { ...projectFlow(object), ...(content ? { content } : {}) };
}
