import type { KestraClient } from "../kestra/client.ts";
import type { EventRecorder } from "../kubernetes/events.ts";
import type { CachedFlow } from "../resources/flow/cache.ts";
import { flowKind } from "../resources/flow/kind.ts";
import { listedFlows } from "../resources/flow/listing.ts";
import { declaredBy } from "../resources/flow/observe.ts";
import { kestraFlows } from "../resources/flow/schema.ts";
import { Reconciler } from "../resources/reconciler.ts";
import type { ControlledKind } from "./resourceController.ts";

/** How KestraFlows are controlled. */
export function controlledFlows(kestra: KestraClient, events: EventRecorder): ControlledKind<CachedFlow> {
  return {
    name: kestraFlows.kind,
    nouns: "flows",
    list: async (namespace, signal) => listedFlows(await kestra.flows.list(namespace, signal)),
    reconciler: (context) => {
      const reconciler = new Reconciler(context, flowKind(context), events);
      return (key, signal) => reconciler.reconcile(key, signal);
    },
    declared: (context, object) => {
      const declared = declaredBy(context, object);
      return declared && "identity" in declared ? declared.identity : undefined;
    },
    configMapOf: ({ policy }) => policy.sourceFrom?.configMapKeyRef.name,
  };
}
