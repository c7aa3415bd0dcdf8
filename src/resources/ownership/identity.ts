/** What a resource owns in Kestra: a flow by its id, a key-value entry by its key. */
export interface Identity {
  tenant: string;
  namespace: string;
  id: string;
}

/** Kestra's rule for a namespace, and what the ids of flows and the keys of entries have in common (kestra-rest §3, §4). */
export const KESTRA_NAMESPACE = /^[a-z0-9][a-z0-9._-]{0,149}$/;
export const KESTRA_ID = /^[a-zA-Z0-9][a-zA-Z0-9._-]*$/;

/** One text for one identity, e.g. `main/zoomcamp/01_hello_world`: the key of indexes. None of its parts can contain a slash. */
export function identityKey({ tenant, namespace, id }: Identity): string {
  // Joined for the reason that is given in keyFor().
  return [tenant, namespace, id].join("/");
}

/** The inverse of {@link identityKey}. */
export function parseIdentityKey(key: string): Identity {
  const [tenant = "", namespace = "", id = ""] = key.split("/");
  return { tenant, namespace, id };
}

export function sameIdentity(a: Identity | undefined, b: Identity | undefined): boolean {
  return a !== undefined && b !== undefined && identityKey(a) === identityKey(b);
}

/** How people write it: namespace and id. */
export function displayName({ namespace, id }: Identity): string {
  return `${namespace}/${id}`;
}
