import { isNotFound } from "../../kubernetes/errors.ts";
import { coreTypes, keyFor } from "../../kubernetes/objects.ts";
import type { AnyObject, ObjectName } from "../../kubernetes/objects.ts";
import type { ReadingContext, ResourceContext } from "../context.ts";
import { isSettled } from "../decisions.ts";
import type { Missing, Unreadable } from "../model.ts";
import { observeOwnership, readWhole } from "../ownership/observe.ts";
import { readClaim } from "../ownership/claim.ts";
import { projectWhole } from "./cache.ts";
import type { CachedFlow } from "./cache.ts";
import type { Fact, Observed } from "./model.ts";
import { kestraFlows } from "./schema.ts";
import { fromObject, fromText, textDigest } from "./source.ts";
import type { Desired } from "./source.ts";

export type FlowContext = ResourceContext<CachedFlow>;

/** What is known of a resource without asking anybody. */
export function observe(context: ReadingContext, object: CachedFlow): Observed {
  const desired = declaredBy(context, object);
  return { ...observeOwnership(context, object, "flow"), ...(desired === undefined ? {} : { desired }) };
}

/** Reads one fact that a decision asked for, into what is observed. */
export async function read(context: ReadingContext, seen: Observed, fact: Fact, signal: AbortSignal): Promise<void> {
  const { flows } = context.kestra;
  switch (fact) {
    case "content":
      await readContent(context, seen, signal);
      return;
    case "stored":
      seen.stored = (await flows.get(desiredOf(seen).identity, signal)) ?? "missing";
      return;
    case "claimed": {
      const claim = readClaim(seen.object.metadata);
      const stored = claim && (await flows.get(claim, signal));
      seen.claimProved = stored !== undefined && textDigest(stored.source) === claim?.digest;
      return;
    }
    case "validation":
      seen.validation = await flows.validate(desiredOf(seen).text ?? "", signal);
  }
}

/** The readable declaration of a resource that a decision saw to be readable. */
export function desiredOf({ desired }: Observed): Desired {
  if (desired === undefined || !("identity" in desired)) throw new Error("decided on a flow that could not be read");
  return desired;
}

/** What the cache says that a resource declares; undefined where it has to be read. */
export function declaredBy(context: ReadingContext, object: CachedFlow): Desired | Unreadable | Missing | undefined {
  const { metadata, policy, content, status } = object;
  if (content) return parse(content, context.settings.tenant);
  if (policy.sourceFrom) {
    const { name } = policy.sourceFrom.configMapKeyRef;
    const configMap = context.configMaps.get(keyFor({ namespace: metadata.namespace, name }));
    if (configMap === undefined) return { missing: `the ConfigMap ${name}` };
    if (status.applied?.configMapVersion !== configMap.metadata.resourceVersion) return undefined;
  }
  if (!isSettled(object) || !status.flow || !status.applied) return undefined;
  const { tenant, namespace, id } = status.flow;
  return { identity: { tenant, namespace, id }, ...status.applied };
}

async function readContent(context: ReadingContext, seen: Observed, signal: AbortSignal): Promise<void> {
  const { metadata, policy } = seen.object;
  if (policy.sourceFrom) {
    seen.desired = await readConfigMap(context, metadata, policy.sourceFrom.configMapKeyRef, signal);
  } else {
    seen.object = projectWhole(await readWhole(context, kestraFlows, seen.object, signal));
    seen.desired = parse(seen.object.content ?? {}, context.settings.tenant);
  }
  const declared = "identity" in seen.desired ? seen.desired.identity : undefined;
  context.claims.update(seen.object, declared);
}

function parse({ source, flow }: NonNullable<CachedFlow["content"]>, tenant: string): Desired | Unreadable {
  return flow === undefined ? fromText(source ?? "", tenant) : fromObject(flow, tenant);
}

async function readConfigMap(
  { kubernetes, settings }: ReadingContext,
  { namespace }: ObjectName,
  { name, key }: { name: string; key: string },
  signal: AbortSignal,
): Promise<Desired | Unreadable | Missing> {
  try {
    const { metadata, data } = await kubernetes.get<ConfigMap>(coreTypes.configMap, { namespace, name }, { signal });
    const text = data?.[key];
    if (text === undefined || text.trim() === "") return { missing: `the key ${key} in the ConfigMap ${name}` };
    const desired = fromText(text, settings.tenant);
    return "identity" in desired ? { ...desired, configMapVersion: metadata.resourceVersion } : desired;
  } catch (error) {
    if (isNotFound(error)) return { missing: `the ConfigMap ${name}` };
    throw error;
  }
}

interface ConfigMap extends AnyObject {
  data?: Record<string, string>;
}
