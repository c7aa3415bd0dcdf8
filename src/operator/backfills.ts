import type { EventRecorder } from "../kubernetes/events.ts";
import { keyOf } from "../kubernetes/objects.ts";
import type { ObjectName } from "../kubernetes/objects.ts";
import type { CachedBackfill } from "../resources/backfill/cache.ts";
import { backfillKind } from "../resources/backfill/kind.ts";
import type { BackfillContext } from "../resources/backfill/observe.ts";
import { Turns } from "../resources/backfill/turns.ts";
import { backfills } from "../resources/backfill/schema.ts";
import { Reconciler } from "../resources/reconciler.ts";
import type { ControlledKind } from "./resourceController.ts";

/** Keys of the Backfills that refer to a KestraFlow and are not finished. */
export function* backfillsOf({ namespace, name }: ObjectName, backfills: Iterable<CachedBackfill>): Generator<string> {
  for (const { metadata, policy, status } of backfills) {
    const refers = policy.target.flowRef?.name === name && metadata.namespace === namespace;
    if (refers && status.finishedAt === undefined) yield keyOf({ metadata });
  }
}

/** How Backfills are controlled. */
export function controlledBackfills(
  caches: Pick<BackfillContext, "flows" | "backfills">,
  events: EventRecorder,
): ControlledKind<CachedBackfill> {
  return {
    name: backfills.kind,
    nouns: "backfills",
    // Nothing that a Backfill has in Kestra is in a list: it looks at its trigger itself while it has something to do.
    list: () => Promise.resolve([]),
    reconciler: (resourceContext) => {
      const context = { ...resourceContext, ...caches, turns: new Turns(resourceContext.clock) };
      const reconciler = new Reconciler(context, backfillKind(context), events);
      return (key, signal) => reconciler.reconcile(key, signal);
    },
    paced: true,
    recordsFirst: true,
    declared: () => undefined,
    configMapOf: () => undefined,
  };
}
