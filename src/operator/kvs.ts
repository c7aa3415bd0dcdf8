import type { KestraClient } from "../kestra/client.ts";
import type { EventRecorder } from "../kubernetes/events.ts";
import type { NamedObjects } from "../kubernetes/namedObjects.ts";
import { keyFor } from "../kubernetes/objects.ts";
import type { CachedKv } from "../resources/kv/cache.ts";
import { kvKind } from "../resources/kv/kind.ts";
import { listedEntries } from "../resources/kv/listing.ts";
import { referenceOf } from "../resources/kv/observe.ts";
import { kestraKvs } from "../resources/kv/schema.ts";
import { identityOf } from "../resources/kv/source.ts";
import { Reconciler } from "../resources/reconciler.ts";
import type { ControlledKind } from "./resourceController.ts";

/** How KestraKVs are controlled. */
export function controlledKvs(
  kestra: KestraClient,
  secrets: NamedObjects,
  events: EventRecorder,
): ControlledKind<CachedKv> {
  return {
    name: kestraKvs.kind,
    nouns: "entries",
    list: async (namespace, signal) => listedEntries(await kestra.kv.list(namespace, signal)),
    reconciler: (resourceContext) => {
      const context = { ...resourceContext, secrets };
      const reconciler = new Reconciler(context, kvKind(context), events);
      return (key, signal) => reconciler.reconcile(key, signal);
    },
    declared: ({ settings }, object) => identityOf(object, settings.tenant),
    configMapOf: ({ policy }) => policy.valueFrom?.configMapKeyRef?.name,
    onResource: (key, object) => {
      const reference = object && referenceOf(object);
      if (object === undefined || reference?.kind !== "Secret") secrets.unfollow(key);
      else secrets.follow(key, keyFor({ namespace: object.metadata.namespace, name: reference.ref.name }));
    },
  };
}
