import { ANNOTATION } from "../annotations.ts";
import type { CachedResource, Observed, Settled } from "../model.ts";

/** Whether a resource belongs to this Kestra instance: it names it, or none. */
export function belongsTo(instance: string, { policy: { instanceRef } }: Pick<CachedResource, "policy">): boolean {
  return instanceRef === undefined || instanceRef.name === instance;
}

/** The verdict on a resource of another instance: what it owns is in another Kestra, so nothing may be done for it in ours. */
export function ofAnotherInstance({ object, settings }: Observed): Settled | undefined {
  const { policy, metadata } = object;
  if (belongsTo(settings.instance, object)) return undefined;
  const leaving = metadata.deletionTimestamp !== undefined;
  const remedy = leaving ? ` If its own operator is gone for good, annotate it with ${ANNOTATION.abandon}=true.` : "";
  const message = `This operator serves the Kestra instance "${settings.instance}", not "${policy.instanceRef?.name}".${remedy}`;
  return { do: "settle", verdict: { state: "stalled", reason: "UnknownInstance", message } };
}
