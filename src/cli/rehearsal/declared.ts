import type { AnyObject, KubernetesObject, Metadata } from "../../kubernetes/objects.ts";
import { BackfillSpec, backfills } from "../../resources/backfill/schema.ts";
import { FlowSpec, kestraFlows } from "../../resources/flow/schema.ts";
import { kestraKvs, KvSpec } from "../../resources/kv/schema.ts";
import { sameTree } from "../../lib/digest.ts";
import type { BrokenManifest, Manifest } from "../manifests.ts";
import { complaintsOnShape, isOwnGroup, isTree } from "../review/shape.ts";

/** A resource of ours as a file declares it. */
export interface Declared<Spec> {
  file: string;
  line: number;
  object: KubernetesObject<Spec, undefined>;
}

export interface DeclaredResources {
  flows: Declared<FlowSpec>[];
  kvs: Declared<KvSpec>[];
  backfills: Declared<BackfillSpec>[];
  /** Everything else that the files have: what ours may refer to. */
  others: AnyObject[];
  /** What is ours and cannot be read, with its place. */
  flaws: string[];
}

/** Where something was found, for people. */
export function placeOf({ file, line }: { file: string; line: number }): string {
  return `${file}:${line}`;
}

/** What keeps a document from being read, with its place. */
export function flawOf({ file, position, message }: BrokenManifest): string {
  return `${placeOf({ file, line: position.line })}: ${message}`;
}

/** Resources by kind. @param namespace of those that name none */
export function declaredIn(manifests: readonly Manifest[], namespace: string): DeclaredResources {
  const found: DeclaredResources = { flows: [], kvs: [], backfills: [], others: [], flaws: [] };
  for (const manifest of manifests) {
    const { file, position, value } = manifest;
    if (!isTree(value) || !isObject(value)) continue;
    const object = { ...value, metadata: { namespace, ...value.metadata } } as AnyObject;
    if (!isOwnGroup(object.apiVersion)) {
      found.others.push(object);
      continue;
    }
    const { complaints } = complaintsOnShape(value);
    for (const { path, message } of complaints)
      found.flaws.push(`${placeOf({ file, line: manifest.locate(path).line })}: ${object.kind}: ${message}`);
    if (complaints.length === 0) take(object, { file, line: position.line }, found);
  }
  return found;
}

/**
 * The object as the API server would have it after an apply.
 *
 * @param existing what it has now: undefined where there is none, "unknown" where it was not asked
 */
export function asApplied<Spec>(
  { object }: Declared<Spec>,
  existing: KubernetesObject<Spec> | undefined | "unknown",
): AnyObject {
  const { namespace, name, annotations } = object.metadata;
  if (existing === undefined || existing === "unknown") {
    const uid = `${object.kind}/${namespace ?? ""}/${name}`;
    const metadata: Metadata = { ...object.metadata, uid, resourceVersion: "", generation: 1 };
    return { ...object, metadata };
  }
  const { metadata } = existing;
  const generation = (metadata.generation ?? 1) + (sameTree(existing.spec, object.spec) ? 0 : 1);
  const merged = { ...metadata.annotations, ...annotations };
  return { ...existing, spec: object.spec, metadata: { ...metadata, generation, annotations: merged } } as AnyObject;
}

/** Takes in an object whose shape is right, with the defaults of its schema, as the API server adds them. */
function take(object: AnyObject, place: { file: string; line: number }, found: DeclaredResources): void {
  const { spec } = object as KubernetesObject;
  switch (object.kind) {
    case kestraFlows.kind:
      found.flows.push({ ...place, object: { ...object, spec: FlowSpec.parse(spec) } });
      return;
    case kestraKvs.kind:
      found.kvs.push({ ...place, object: { ...object, spec: KvSpec.parse(spec) } });
      return;
    case backfills.kind:
      found.backfills.push({ ...place, object: { ...object, spec: BackfillSpec.parse(spec) } });
  }
}

function isObject(tree: Record<string, unknown>): tree is Record<string, unknown> & AnyObject {
  const { apiVersion, kind, metadata } = tree;
  return typeof apiVersion === "string" && typeof kind === "string" && isTree(metadata);
}
