import type { FlowIdentity, StoredFlow } from "../../kestra/types.ts";
import { projectWhole } from "../../resources/flow/cache.ts";
import type { CachedFlow } from "../../resources/flow/cache.ts";
import { decide } from "../../resources/flow/decide.ts";
import type { Observed } from "../../resources/flow/model.ts";
import { observe, read } from "../../resources/flow/observe.ts";
import { kestraFlows } from "../../resources/flow/schema.ts";
import type { FlowSpec, KestraFlow } from "../../resources/flow/schema.ts";
import { digestLike } from "../../resources/flow/source.ts";
import { heirOf } from "../../resources/ownership/arbitration.ts";
import { sameIdentity } from "../../resources/ownership/identity.ts";
import { asApplied } from "./declared.ts";
import type { Declared } from "./declared.ts";
import { lookedAt, outcomeOf } from "./outcome.ts";
import type { Outcome } from "./outcome.ts";
import { assumeOwned, rehearse } from "./rehearse.ts";
import type { World } from "./world.ts";

/** What an apply of a KestraFlow would do. */
export interface FlowOutcome extends Outcome {
  declared: Declared<FlowSpec>;
  /** The flow it is about, where it could be read. */
  identity?: FlowIdentity;
  /** What Kestra holds; undefined where there is none. */
  before?: StoredFlow;
  /** Its source as declared. */
  after?: string;
  /** The flow that the resource has now under another id or namespace, and that would be deleted. */
  leaves?: FlowIdentity;
  /** As it is in the cluster, for what refers to it. */
  object: CachedFlow;
}

/** A KestraFlow of which is known what it declares. */
export interface ObservedFlow {
  declared: Declared<FlowSpec>;
  seen: Observed;
  /** Whether the cluster has the resource was not asked. */
  assumed: boolean;
  /** What keeps it from being rehearsed. */
  unknown?: Outcome;
}

/**
 * Finds out what a KestraFlow declares. To be done for all of them before the first is rehearsed: two may want the same flow.
 */
export async function observeFlow(
  world: World,
  declared: Declared<FlowSpec>,
  signal: AbortSignal,
): Promise<ObservedFlow> {
  const existing = await world.kubernetes.existing<KestraFlow>(kestraFlows, declared.object.metadata);
  const seen: Observed = observe(world, projectWhole(asApplied(declared, existing)));
  const assumed = existing === "unknown";
  const unknown = await lookedAt(async () => {
    if (seen.desired === undefined) await read(world, seen, "content", signal);
  });
  if (unknown) return { declared, seen, assumed, unknown };
  world.claims.update(seen.object, identityIn(seen));
  return { declared, seen, assumed };
}

/**
 * Rehearses one KestraFlow. Where no cluster was named, what Kestra has already is taken for its own.
 *
 * @throws {KestraError}
 */
export async function rehearseFlow(world: World, observed: ObservedFlow, signal: AbortSignal): Promise<FlowOutcome> {
  const { declared, seen, assumed, unknown } = observed;
  if (unknown) return { declared, object: seen.object, ...unknown };
  const identity = identityIn(seen);
  if (identity) await read(world, seen, "stored", signal);
  const { stored, desired } = seen;
  const found = stored === "missing" ? undefined : stored;
  if (assumed && found && desired && "identity" in desired) {
    const flow = { ...desired.identity, revision: found.revision, url: "" };
    const applied = { digest: digestLike(desired.digest, found.source) };
    seen.object = assumeOwned(seen.object, { flow, applied }, desired.identity);
  }
  const text = desired && "identity" in desired ? desired.text : undefined;
  const { owned, policy } = seen.object;
  const rehearsed = await rehearse(
    { decide, read: (it, fact) => read(world, it, fact, signal) },
    seen,
    world.clock.now(),
  );
  const told: Outcome = rehearsed.would === "write" ? { result: rehearsed.write.op } : outcomeOf(rehearsed.verdict);
  const renamed = identity && owned && !sameIdentity(owned, identity) && policy.deletionPolicy !== "Orphan";
  const inherited = owned && heirOf(world.claims.of(owned), seen.object.metadata.uid) !== undefined;
  return {
    declared,
    object: seen.object,
    ...told,
    ...(identity ? { identity } : {}),
    ...(found ? { before: found } : {}),
    ...(text === undefined ? {} : { after: text }),
    ...(renamed && !inherited && told.result === "create" ? { leaves: owned } : {}),
  };
}

function identityIn({ desired }: Observed): FlowIdentity | undefined {
  return desired && "identity" in desired ? desired.identity : undefined;
}
