import { isDeepStrictEqual } from "node:util";
import { dumpYaml, parseYaml } from "../../lib/yaml.ts";

/** The parts of a folder of manifests, and how the names of their files begin. */
export type Section = "flows" | "kv" | "secrets" | "backfills";

/** A Kubernetes object that is to be written out. */
export interface Resource {
  /** What its folder is called: the Kestra namespace that it is about. */
  group: string;
  section: Section;
  /** Name of its file, without an ending. */
  file: string;
  object: Manifest;
  /** What to say above it, without `#`. */
  comment?: string;
}

export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string>; annotations?: Record<string, string> };
  spec?: object;
  type?: string;
}

/**
 * A resource as a YAML document that every reader of YAML 1.1 and 1.2 reads alike. Texts of several lines are literal blocks where that
 * keeps every character, else quoted.
 *
 * Guaranteed: reading it gives back the object, to the last character; what would not is never written.
 */
export function textOf({ object, comment }: Resource): string {
  const text = dumpYaml(object);
  const read = parseYaml(text);
  if (!read.ok || !isDeepStrictEqual(read.value, object))
    throw new Error(`the manifest of ${object.kind} ${object.metadata.name} cannot be written as YAML`);
  const lines = (comment ?? "").split("\n").map((line) => `# ${line}\n`);
  return comment === undefined ? text : lines.join("") + text;
}

/** All in one stream, as `kubectl apply -f -` reads it. */
export function streamOf(resources: readonly Resource[]): string {
  return resources.map((resource) => `---\n${textOf(resource)}`).join("");
}

/** By group, section and file: the order of everything that is written. */
export function inOrder(a: Resource, b: Resource): number {
  return compare(a.group, b.group) || compare(a.section, b.section) || compare(a.file, b.file);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
