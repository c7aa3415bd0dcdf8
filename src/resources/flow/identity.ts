import type { FlowIdentity } from "../../kestra/types.ts";

/** Kestra's own rules for a flow's id and namespace (kestra-rest §3: AbstractFlow). */
export const FLOW_ID = /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,99}$/;
export const FLOW_NAMESPACE = /^[a-z0-9][a-z0-9._-]{0,149}$/;

/** One text for one flow, e.g. `main/zoomcamp/01_hello_world`: the key of indexes. None of its parts can contain a slash. */
export function identityKey({ tenant, namespace, id }: FlowIdentity): string {
  return `${tenant}/${namespace}/${id}`;
}

export function sameIdentity(a: FlowIdentity | undefined, b: FlowIdentity | undefined): boolean {
  return a !== undefined && b !== undefined && identityKey(a) === identityKey(b);
}

/** How people write it: namespace and id. */
export function displayName({ namespace, id }: FlowIdentity): string {
  return `${namespace}/${id}`;
}
