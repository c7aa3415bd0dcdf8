import { findCondition, isTrue } from "../kubernetes/conditions.ts";
import type { Condition } from "../kubernetes/conditions.ts";
import type { KubernetesClient } from "../kubernetes/client.ts";
import { isNotFound } from "../kubernetes/errors.ts";
import { apiVersionOf, keyOf } from "../kubernetes/objects.ts";
import type { KubernetesObject, ResourceType } from "../kubernetes/objects.ts";
import { backfills } from "../resources/backfill/schema.ts";
import type { Backfill } from "../resources/backfill/schema.ts";
import type { CommonStatus } from "../resources/common.ts";
import { kestraFlows } from "../resources/flow/schema.ts";
import type { KestraFlow } from "../resources/flow/schema.ts";
import { kestraKvs } from "../resources/kv/schema.ts";
import type { KestraKv } from "../resources/kv/schema.ts";
import { UserError } from "./failure.ts";

/** A resource of any of our kinds. */
export type Resource = KubernetesObject<object, CommonStatus>;

/** The resources of a cluster, or of one of its namespaces. */
export interface Resources {
  flows: KestraFlow[];
  kvs: KestraKv[];
  backfills: Backfill[];
}

/** Our kinds. */
export const KINDS = { flows: kestraFlows, kvs: kestraKvs, backfills } as const satisfies Record<
  keyof Resources,
  ResourceType
>;

export interface Selection {
  /** Undefined for all namespaces. */
  namespace: string | undefined;
  labelSelector?: string | undefined;
}

const PAGE_SIZE = 500;

/** All resources of a kind, by namespace and name. */
export async function listAll<R extends Resource>(
  client: KubernetesClient,
  type: ResourceType,
  selection: Selection,
): Promise<R[]> {
  const items: R[] = [];
  let page: string | undefined;
  do {
    const list = await client.list<R>(type, { ...selection, limit: PAGE_SIZE, continue: page });
    items.push(
      ...list.items.map((item) => ({
        ...withoutManagers(item),
        apiVersion: apiVersionOf(type),
        kind: type.kind,
      })),
    );
    page = list.metadata.continue === "" ? undefined : list.metadata.continue;
  } while (page !== undefined);
  return items.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

/** One resource. @throws {UserError} where there is none */
export async function readOne<R extends Resource>(
  client: KubernetesClient,
  type: ResourceType,
  name: { namespace: string | undefined; name: string },
): Promise<R> {
  try {
    return withoutManagers(await client.get<R>(type, name));
  } catch (error) {
    if (!isNotFound(error) || error.reason !== "NotFound") throw error;
    throw new UserError(`There is no ${type.kind} ${name.name} in the namespace ${name.namespace ?? "default"}.`);
  }
}

/** Without `managedFields`, as kubectl shows objects. */
function withoutManagers<R extends Resource>(object: R): R {
  const { managedFields, ...metadata } = object.metadata as R["metadata"] & { managedFields?: unknown };
  void managedFields;
  return { ...object, metadata };
}

/** The condition Ready, where it speaks of the spec as it is now. */
export function readyOf({ metadata, status }: Resource): Condition | undefined {
  const ready = findCondition(status?.conditions, "Ready");
  return ready?.observedGeneration === undefined || ready.observedGeneration === metadata.generation
    ? ready
    : undefined;
}

/** Whether a condition of this type is True. */
export function has({ status }: Resource, type: string): boolean {
  return isTrue(status?.conditions, type);
}
