import type { AnyObject, Metadata } from "../../kubernetes/objects.ts";
import { slimMetadata, slimStatus } from "../metadata.ts";
import type { Identity } from "../ownership/identity.ts";
import type { Backfill, BackfillSpec, BackfillStatus } from "./schema.ts";

/** A Backfill as the cache keeps it: without foreign annotations. */
export interface CachedBackfill {
  metadata: Metadata;
  policy: BackfillSpec;
  status: BackfillStatus;
  /** The flow whose slots are run, once it is accepted. */
  owned?: Identity;
}

/** The schema's own defaults: an object made before the schema had them lacks them. */
const DEFAULTS = { mode: "Run", reprocess: "Missing", suspend: false } as const;

/** Projects an object from the API server. */
export function projectBackfill(object: AnyObject): CachedBackfill {
  const { metadata, spec, status = {} } = object as Backfill;
  const cached: CachedBackfill = {
    metadata: slimMetadata(metadata),
    policy: { ...DEFAULTS, ...spec },
    status: slimStatus(status),
  };
  if (status.target) {
    const { tenant, namespace, flow } = status.target;
    cached.owned = { tenant, namespace, id: flow };
  }
  return cached;
}
