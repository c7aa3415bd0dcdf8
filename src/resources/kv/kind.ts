import type { Kind } from "../reconciler.ts";
import { apply } from "./apply.ts";
import { projectWhole } from "./cache.ts";
import type { CachedKv } from "./cache.ts";
import { conclude } from "./conclude.ts";
import { decide } from "./decide.ts";
import type { Fact, Observed, Write } from "./model.ts";
import { observe, read } from "./observe.ts";
import type { KvContext } from "./observe.ts";
import { kestraKvs } from "./schema.ts";

/** How KestraKVs are reconciled. */
export function kvKind(context: KvContext): Kind<CachedKv, Observed, Fact, Write> {
  return {
    type: kestraKvs,
    project: projectWhole,
    remove: (identity, signal) => context.kestra.kv.delete(identity, signal),
    observe: (object) => observe(context, object),
    decide,
    read: (seen, fact, signal) => read(context, seen, fact, signal),
    apply: (seen, write, signal) => apply(context, seen, write, signal),
    conclude,
    sighted: ({ stored, desired }) => {
      if (stored === undefined || desired === undefined || !("identity" in desired)) return undefined;
      return { identity: desired.identity, revision: typeof stored === "object" ? stored.version : undefined };
    },
  };
}
