/** The parts of Kubernetes' object model that every kind shares. */

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

export interface Metadata {
  name: string;
  namespace?: string;
  uid: string;
  resourceVersion: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  finalizers?: string[];
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: OwnerReference[];
}

/** The least that a cache needs to know of an object. */
export interface Identified {
  metadata: Pick<Metadata, "name" | "namespace" | "uid" | "resourceVersion">;
}

/** What the API server answers for any object, and all of it when only the metadata is asked for. */
export interface AnyObject {
  apiVersion: string;
  kind: string;
  metadata: Metadata;
}

export interface KubernetesObject<Spec = unknown, Status = unknown> extends AnyObject {
  spec: Spec;
  status?: Status;
}

export interface ResourceType {
  /** Empty for the core group. */
  group: string;
  version: string;
  plural: string;
  kind: string;
  namespaced: boolean;
}

/** Where an object is found within its type. */
export interface ObjectName {
  namespace?: string | undefined;
  name: string;
}

/** Names one object of any type, as an Event does. */
export interface ObjectReference extends ObjectName {
  apiVersion: string;
  kind: string;
  uid: string;
}

/** Types that every cluster has and this program uses. */
export const coreTypes = {
  configMap: { group: "", version: "v1", plural: "configmaps", kind: "ConfigMap", namespaced: true },
  event: { group: "", version: "v1", plural: "events", kind: "Event", namespaced: true },
  namespace: { group: "", version: "v1", plural: "namespaces", kind: "Namespace", namespaced: false },
  secret: { group: "", version: "v1", plural: "secrets", kind: "Secret", namespaced: true },
  lease: { group: "coordination.k8s.io", version: "v1", plural: "leases", kind: "Lease", namespaced: true },
  customResourceDefinition: {
    group: "apiextensions.k8s.io",
    version: "v1",
    plural: "customresourcedefinitions",
    kind: "CustomResourceDefinition",
    namespaced: false,
  },
} as const satisfies Record<string, ResourceType>;

export function apiVersionOf(type: ResourceType): string {
  return type.group === "" ? type.version : `${type.group}/${type.version}`;
}

/** `namespace/name`, or `name` for an object outside namespaces. */
export function keyOf(object: { metadata: ObjectName }): string {
  return keyFor(object.metadata);
}

export function keyFor({ namespace, name }: ObjectName): string {
  // Joined, it is one text; as a template, V8 would keep what it was put together from for as long as the key.
  return namespace === undefined ? name : [namespace, name].join("/");
}

/** The inverse of {@link keyFor}. */
export function parseKey(key: string): ObjectName {
  const slash = key.indexOf("/");
  return slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

export function referenceTo(object: AnyObject): ObjectReference {
  const { apiVersion, kind, metadata } = object;
  const { namespace, name, uid } = metadata;
  return { apiVersion, kind, name, uid, ...(namespace === undefined ? {} : { namespace }) };
}
