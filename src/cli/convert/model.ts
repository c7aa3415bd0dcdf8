import type { Manifest } from "../manifests.ts";
import type { KestraName, ResourceName } from "../names.ts";
import type { Resource } from "../delivery/resource.ts";

/** What a document is converted to: resources, once their names are known, and what there is to say about it. */
export interface Converted {
  /** What is to be named after what it is in Kestra. Undefined for what has a name in Kubernetes already. */
  wants?: KestraName & { kind: "KestraFlow" | "KestraKV" };
  resources: (name: ResourceName) => Resource[];
  notes: string[];
}

/** Why a document, or a part of one, is not converted. */
export class NotConverted extends Error {}

export interface ConvertOptions {
  /** Kubernetes namespace to be named in the manifests, in place of the one that they name. */
  target: string | undefined;
  /** Which entries get a reference to a Secret in place of their value. */
  secret: (key: string) => boolean;
}

/** Where a document is, for a message. */
export function placeOf({ file, position }: Pick<Manifest, "file" | "position">): string {
  return `${file}:${position.line}`;
}
