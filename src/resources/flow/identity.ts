import type { FlowIdentity } from "../../kestra/types.ts";

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
