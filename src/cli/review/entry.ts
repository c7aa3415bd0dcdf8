import type { AnyObject } from "../../kubernetes/objects.ts";
import { projectWhole } from "../../resources/kv/cache.ts";
import type { KvSpec } from "../../resources/kv/schema.ts";
import { flawOfSpec } from "../../resources/kv/source.ts";
import { fromLiteral } from "../../resources/kv/value.ts";
import { error } from "./complaint.ts";
import type { Complaint } from "./complaint.ts";

/** What the operator would say against a KestraKV whose shape is right. Nothing of a value is in it. */
export function reviewEntry(manifest: Record<string, unknown>): Complaint[] {
  const spec = manifest.spec as KvSpec;
  const flaw = flawOfSpec(projectWhole(manifest as unknown as AnyObject));
  const value = spec.valueFrom === undefined ? fromLiteral(spec.value, spec.type) : undefined;
  return [
    ...(flaw ? [error(flaw.reason, flaw.message, ["spec", flaw.reason === "InvalidTtl" ? "ttl" : "description"])] : []),
    ...(value !== undefined && "reason" in value ? [error(value.reason, value.message, ["spec", "value"])] : []),
  ];
}
