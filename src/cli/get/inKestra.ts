import type { KestraClient } from "../../kestra/client.ts";
import type { FlowItem, KvItem, TriggerRow } from "../../kestra/types.ts";
import { inParallel } from "../../lib/async.ts";
import { LABEL } from "../../resources/backfill/native.ts";
import type { Backfill } from "../../resources/backfill/schema.ts";
import type { KestraFlow } from "../../resources/flow/schema.ts";
import type { KestraKv } from "../../resources/kv/schema.ts";
import { moment } from "../duration.ts";
import type { Resource } from "../kinds.ts";

/** What Kestra has of a resource, seen now. */
export interface InKestra {
  /** In a few words. */
  state: string;
  /** Whether it is other than the status of the resource says. */
  differs: boolean;
  revision?: number;
  disabled?: boolean;
}

const CONCURRENCY = 8;

/** Looks at what the flows of resources are in Kestra: one list for each of its namespaces. */
export async function flowsInKestra(
  kestra: KestraClient,
  flows: readonly KestraFlow[],
): Promise<Map<Resource, InKestra>> {
  const namespaces = new Set(flows.flatMap(({ status }) => status?.flow?.namespace ?? []));
  const items = new Map<string, FlowItem>();
  await inParallel([...namespaces], CONCURRENCY, async (namespace) => {
    for (const item of await kestra.flows.list(namespace))
      if (!item.deleted) items.set(`${namespace}/${item.id}`, item);
  });
  const seen = new Map<Resource, InKestra>();
  await inParallel(flows, CONCURRENCY, async (resource) => {
    const recorded = resource.status?.flow;
    if (recorded === undefined) return;
    const { namespace, id } = recorded;
    // Absence from a list proves nothing.
    const found = items.get(`${namespace}/${id}`) ?? (await kestra.flows.get(recorded));
    seen.set(resource, found ? flowState(found, recorded.revision) : { state: "missing", differs: true });
  });
  return seen;
}

function flowState({ revision, disabled = false }: Pick<FlowItem, "revision" | "disabled">, applied: number): InKestra {
  const differs = revision !== applied;
  const words = [`revision ${revision}`, ...(disabled ? ["disabled"] : []), ...(differs ? ["drifted"] : [])];
  return { state: words.join(", "), differs, revision, disabled };
}

/** The same for entries. Their values are not read. */
export async function kvsInKestra(kestra: KestraClient, kvs: readonly KestraKv[]): Promise<Map<Resource, InKestra>> {
  const namespaces = new Set(kvs.flatMap(({ status }) => status?.entry?.namespace ?? []));
  const items = new Map<string, KvItem>();
  await inParallel([...namespaces], CONCURRENCY, async (namespace) => {
    for (const item of await kestra.kv.list(namespace)) items.set(`${namespace}/${item.key}`, item);
  });
  const seen = new Map<Resource, InKestra>();
  await inParallel(kvs, CONCURRENCY, async (resource) => {
    const recorded = resource.status?.entry;
    if (recorded === undefined) return;
    const { tenant, namespace, key: id, version, expiresAt } = recorded;
    const found = items.get(`${namespace}/${id}`) ?? (await kestra.kv.find({ tenant, namespace, id }));
    const expired = expiresAt !== undefined && Date.parse(expiresAt) <= Date.now();
    if (found) seen.set(resource, kvState(resource, found, version));
    else seen.set(resource, { state: expired ? "expired" : "missing", differs: !expired && isKept(resource) });
  });
  return seen;
}

/** What was made only once belongs to the flows, which may have changed or deleted it. */
function isKept({ spec }: KestraKv): boolean {
  return spec.writePolicy !== "CreateOnce";
}

function kvState(resource: KestraKv, { version, expirationDate }: KvItem, applied: number): InKestra {
  const differs = version !== applied && isKept(resource);
  const words = [
    `version ${version}`,
    ...(expirationDate === undefined ? [] : [`until ${moment(expirationDate)}`]),
    ...(differs ? ["drifted"] : []),
  ];
  return { state: words.join(", "), differs, revision: version };
}

/** What the triggers of unfinished Backfills have. */
export async function backfillsInKestra(
  kestra: KestraClient,
  backfills: readonly Backfill[],
): Promise<Map<Resource, InKestra>> {
  const seen = new Map<Resource, InKestra>();
  await inParallel(backfills, CONCURRENCY, async (resource) => {
    const { target, finishedAt } = resource.status ?? {};
    if (target === undefined || finishedAt !== undefined) return;
    const row = await kestra.triggers.get(target);
    seen.set(resource, { state: row ? triggerState(row, resource.metadata.uid) : "no such trigger", differs: !row });
  });
  return seen;
}

function triggerState({ backfill, disabled }: TriggerRow, uid: string): string {
  const off = disabled ? ", trigger disabled" : "";
  if (!backfill) return `nothing handed over${off}`;
  if (backfill.labels?.[LABEL.backfill] !== uid) return `another backfill${off}`;
  const next = typeof backfill.currentDate === "number" ? `next slot ${moment(backfill.currentDate)}` : "at its end";
  return `${backfill.paused ? "paused, " : ""}${next}${off}`;
}
