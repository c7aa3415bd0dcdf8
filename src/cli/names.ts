import { createHash } from "node:crypto";

/** The longest name of an object in Kubernetes. */
const MAX_LENGTH = 253;
const HASH_LENGTH = 8;

/** What Kestra knows something by: a flow by its id, an entry by its key. */
export interface KestraName {
  namespace: string;
  id: string;
}

/** The name of a resource, and the part of it that stands for the id. */
export interface ResourceName {
  name: string;
  short: string;
}

/**
 * Names for Kubernetes objects, one for each identity: `namespace.id`, in lower case, with `-` for what Kubernetes does not allow.
 *
 * Guaranteed: they are valid and distinct, and depend on nothing but the identities given. Where several ids of one namespace come to
 * the same name, those that had to be changed get a hash of what they were: whatever else comes or goes, the others keep their names.
 * Give all the ids of a namespace, so that a name does not depend on what is selected.
 */
export function namesOf(identities: readonly KestraName[]): (identity: KestraName) => ResourceName {
  const users = new Map<string, number>();
  for (const identity of identities) {
    const group = groupOf(identity);
    users.set(group, (users.get(group) ?? 0) + 1);
  }
  return (identity) => {
    const { namespace, id } = identity;
    const plain = plainName(identity);
    const contested = (users.get(groupOf(identity)) ?? 0) > 1 && idLabel(id) !== id;
    if (!contested && namespaceLabels(namespace) === namespace && plain.length <= MAX_LENGTH)
      return { name: plain, short: idLabel(id) };
    const hash = createHash("sha256").update(`${namespace}/${id}`).digest("hex").slice(0, HASH_LENGTH);
    const room = MAX_LENGTH - HASH_LENGTH - 1;
    return {
      name: `${trimmed(plain.slice(0, room))}-${hash}`,
      short: `${trimmed(idLabel(id).slice(0, room))}-${hash}`,
    };
  };
}

/** Those that could get the same name. Of namespaces that are alike, all but one have a hash in every name. */
function groupOf({ namespace, id }: KestraName): string {
  return `${namespace}/${idLabel(id)}`;
}

function plainName({ namespace, id }: KestraName): string {
  return `${namespaceLabels(namespace)}.${idLabel(id)}`;
}

/** A namespace keeps its dots; no other dot is in a name, so that where the namespace ends is never in doubt. */
function namespaceLabels(namespace: string): string {
  return namespace
    .split(".")
    .map((label) => trimmed(label.toLowerCase().replace(/[^a-z0-9]/g, "-")))
    .filter((label) => label !== "")
    .join(".");
}

function idLabel(id: string): string {
  return trimmed(id.toLowerCase().replace(/[^a-z0-9]/g, "-"));
}

function trimmed(label: string): string {
  return label.replace(/^[-.]+|[-.]+$/g, "");
}
