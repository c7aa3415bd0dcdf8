import type { KubernetesClient } from "../../../../src/kubernetes/client.ts";
import type { Condition } from "../../../../src/kubernetes/conditions.ts";
import { isNotFound } from "../../../../src/kubernetes/errors.ts";
import { coreTypes, type KubernetesObject, type ResourceType } from "../../../../src/kubernetes/objects.ts";
import { until } from "../../../unit/kubernetes/support/until.ts";

export type Widget = KubernetesObject<{ source?: string }, { revision?: number; conditions?: Condition[] }>;

/** A type of a test file's own, so that neither files meet nor what an interrupted run has left. */
export function widgetType(file: string): ResourceType {
  return {
    group: `${file}-${process.pid}.machinery.test`,
    version: "v1",
    plural: "widgets",
    kind: "Widget",
    namespaced: true,
  };
}

export function widget(name: string, spec: Widget["spec"] = {}) {
  return { metadata: { namespace: "default", name }, spec };
}

export async function createCrd(client: KubernetesClient, type: ResourceType): Promise<void> {
  await client.create(coreTypes.customResourceDefinition, crdOf(type));
  await until("the CRD is served", () => client.list(type).then(always, () => false), 20_000);
}

/** Resolves when the type is not served any more. */
export async function deleteCrd(client: KubernetesClient, type: ResourceType): Promise<void> {
  await client.delete(coreTypes.customResourceDefinition, { name: `${type.plural}.${type.group}` });
  await until("the CRD is gone", () => client.list(type, { limit: 1 }).then(() => false, isNotFound), 60_000);
}

export function crdOf(type: ResourceType) {
  const open = { type: "object", "x-kubernetes-preserve-unknown-fields": true };
  const schema = { openAPIV3Schema: { type: "object", properties: { spec: open, status: open } } };
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${type.plural}.${type.group}` },
    spec: {
      group: type.group,
      scope: "Namespaced",
      names: { plural: type.plural, singular: "widget", kind: type.kind, listKind: `${type.kind}List` },
      versions: [{ name: type.version, served: true, storage: true, schema, subresources: { status: {} } }],
    },
  };
}

function always(): true {
  return true;
}
