import type { z } from "zod";
import { apiVersionOf } from "../../kubernetes/objects.ts";
import type { AnyObject, KubernetesObject, Metadata, ResourceType } from "../../kubernetes/objects.ts";
import { GROUP } from "../../resources/annotations.ts";
import { BackfillSpec, backfills } from "../../resources/backfill/schema.ts";
import { FlowSpec, kestraFlows } from "../../resources/flow/schema.ts";
import { kestraKvs, KvSpec } from "../../resources/kv/schema.ts";
import { sameTree } from "../../lib/digest.ts";
import type { Manifest } from "../manifests.ts";

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

/** Resources by kind. @param namespace of those that name none */
export function declaredIn(manifests: readonly Manifest[], namespace: string): DeclaredResources {
  const found: DeclaredResources = { flows: [], kvs: [], backfills: [], others: [], flaws: [] };
  for (const { file, position, value } of manifests) {
    const place = { file, line: position.line };
    if (!isObject(value)) continue;
    const object = { ...value, metadata: { namespace, ...value.metadata } } as AnyObject;
    if (!object.apiVersion.startsWith(`${GROUP}/`)) {
      found.others.push(object);
      continue;
    }
    const flaw =
      take(kestraFlows, FlowSpec, place, object, found.flows) ??
      take(kestraKvs, KvSpec, place, object, found.kvs) ??
      take(backfills, BackfillSpec, place, object, found.backfills);
    if (flaw === undefined)
      found.flaws.push(`${placeOf(place)}: there is no kind ${object.kind} in ${object.apiVersion}`);
    else if (flaw !== "") found.flaws.push(`${placeOf(place)}: ${flaw}`);
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

/** Takes an object of this type in. Undefined where it is of another one; an empty text where all is well. */
function take<Schema extends z.ZodType>(
  type: ResourceType,
  schema: Schema,
  place: { file: string; line: number },
  object: AnyObject,
  into: Declared<z.infer<Schema>>[],
): string | undefined {
  if (object.kind !== type.kind || object.apiVersion !== apiVersionOf(type)) return undefined;
  const { name }: { name?: unknown } = object.metadata;
  if (typeof name !== "string" || name === "") return `a ${type.kind} without metadata.name`;
  const parsed = schema.safeParse((object as KubernetesObject).spec);
  if (parsed.success) {
    into.push({ ...place, object: { ...object, spec: parsed.data } });
    return "";
  }
  const [issue] = parsed.error.issues;
  const path = ["spec", ...(issue?.path ?? [])].join(".");
  return `${type.kind} ${name}: ${path}: ${issue?.message ?? "is not as it must be"}`;
}

function isObject(value: unknown): value is AnyObject {
  if (typeof value !== "object" || value === null) return false;
  const { apiVersion, kind, metadata } = value as Record<string, unknown>;
  return (
    typeof apiVersion === "string" && typeof kind === "string" && typeof metadata === "object" && metadata !== null
  );
}
