import type { ResourceType } from "./objects.ts";

/** Path of one object, or of the list of objects when `name` is missing; all namespaces when `namespace` is. */
export function pathOf(
  type: ResourceType,
  { namespace, name }: { namespace?: string | undefined; name?: string | undefined },
): string {
  const segments = type.group === "" ? ["api", type.version] : ["apis", type.group, type.version];
  if (type.namespaced && namespace !== undefined) segments.push("namespaces", namespace);
  segments.push(type.plural);
  if (name !== undefined) segments.push(name);
  return `/${segments.map(segment).join("/")}`;
}

/** `?name=value...`, or nothing when every value is undefined. */
export function queryOf(parameters: Record<string, string | number | boolean | undefined>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) query.set(name, String(value));
  }
  return query.size === 0 ? "" : `?${query.toString()}`;
}

function segment(text: string): string {
  // A URL parser would resolve these away, encoded or not, and the call would go somewhere else.
  if (text === "" || text === "." || text === "..") throw new Error(`"${text}" cannot be part of a Kubernetes path.`);
  return encodeURIComponent(text);
}
