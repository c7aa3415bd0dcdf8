import { inParallel } from "../../lib/async.ts";
import { flowsOfFiles, rehearseBackfill } from "./backfills.ts";
import type { BackfillOutcome } from "./backfills.ts";
import type { DeclaredResources } from "./declared.ts";
import { observeFlow, rehearseFlow } from "./flows.ts";
import type { FlowOutcome } from "./flows.ts";
import { observeKv, rehearseKv } from "./kvs.ts";
import type { KvOutcome } from "./kvs.ts";
import { claimsOfOneKind } from "./world.ts";
import type { World } from "./world.ts";

/** What an apply of some files would do, in their order. */
export interface Rehearsal {
  flows: FlowOutcome[];
  kvs: KvOutcome[];
  backfills: BackfillOutcome[];
}

/** Calls to Kestra at the same time. */
const CONCURRENCY = 8;

/**
 * Rehearses what an apply of these resources would do: each as the operator would decide on it, all of them applied at once. Nothing is
 * written.
 */
export async function rehearseAll(
  world: World,
  declared: Pick<DeclaredResources, "flows" | "kvs" | "backfills">,
): Promise<Rehearsal> {
  const { signal } = new AbortController();
  // A flow and an entry can have the same identity: the claims on each are told apart.
  const kvWorld = { ...world, claims: claimsOfOneKind() };
  const observedFlows = await inOrder(declared.flows, (flow) => observeFlow(world, flow, signal));
  const observedKvs = await inOrder(declared.kvs, (kv) => observeKv(kvWorld, kv));
  const flows = await inOrder(observedFlows, (flow) => rehearseFlow(world, flow, signal));
  const kvs = await inOrder(observedKvs, (kv) => rehearseKv(kvWorld, kv, signal));
  const files = flowsOfFiles(flows);
  const backfills = await inOrder(declared.backfills, (backfill) =>
    rehearseBackfill(world, backfill, files, { signal }),
  );
  return { flows, kvs, backfills };
}

async function inOrder<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results = new Map<T, R>();
  await inParallel(items, CONCURRENCY, async (item) => {
    results.set(item, await work(item));
  });
  return items.flatMap((item) => results.get(item) ?? []);
}
