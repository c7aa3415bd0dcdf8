import type { Kind } from "../reconciler.ts";
import { apply } from "./apply.ts";
import { projectWhole } from "./cache.ts";
import type { CachedFlow } from "./cache.ts";
import { conclude } from "./conclude.ts";
import { decide } from "./decide.ts";
import type { Fact, Observed, Write } from "./model.ts";
import { observe, read } from "./observe.ts";
import type { FlowContext } from "./observe.ts";
import { kestraFlows } from "./schema.ts";

/** How KestraFlows are reconciled. */
export function flowKind(context: FlowContext): Kind<CachedFlow, Observed, Fact, Write> {
  return {
    type: kestraFlows,
    project: projectWhole,
    remove: (identity, signal) => context.kestra.flows.delete(identity, signal),
    observe: (object) => observe(context, object),
    decide,
    read: (seen, fact, signal) => read(context, seen, fact, signal),
    apply: (seen, write, signal) => apply(context, seen, write, signal),
    conclude,
    sighted: ({ stored, desired }) => {
      if (stored === undefined || desired === undefined || !("identity" in desired)) return undefined;
      return { identity: desired.identity, revision: stored === "missing" ? undefined : stored.revision };
    },
  };
}
