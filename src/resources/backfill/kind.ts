import type { Kind } from "../reconciler.ts";
import { apply } from "./apply.ts";
import { projectBackfill } from "./cache.ts";
import type { CachedBackfill } from "./cache.ts";
import { conclude } from "./conclude.ts";
import { decide } from "./decide.ts";
import type { Fact, Observed, Write } from "./model.ts";
import { observe, read } from "./observe.ts";
import type { BackfillContext } from "./observe.ts";
import { backfills } from "./schema.ts";

/** How Backfills are reconciled. */
export function backfillKind(context: BackfillContext): Kind<CachedBackfill, Observed, Fact, Write> {
  return {
    type: backfills,
    project: projectBackfill,
    // A Backfill owns nothing in Kestra that a list could show: what it has there is told by labels.
    remove: () => Promise.resolve(),
    observe: (object) => observe(context, object),
    decide,
    read: (seen, fact, signal) => read(context, seen, fact, signal),
    apply: (seen, write, signal) => apply(context, seen, write, signal),
    conclude,
    sighted: () => undefined,
  };
}
