import type { KvIdentity } from "../../kestra/types.ts";
import { projectWhole } from "../../resources/kv/cache.ts";
import type { CachedKv } from "../../resources/kv/cache.ts";
import { decide } from "../../resources/kv/decide.ts";
import type { Observed, StoredEntry } from "../../resources/kv/model.ts";
import { observe, read } from "../../resources/kv/observe.ts";
import { kestraKvs } from "../../resources/kv/schema.ts";
import type { KestraKv, KvSpec, KvStatus } from "../../resources/kv/schema.ts";
import { descriptionOf, identityOf } from "../../resources/kv/source.ts";
import type { Encoded } from "../../resources/kv/value.ts";
import { asApplied } from "./declared.ts";
import type { Declared } from "./declared.ts";
import { lookedAt, outcomeOf } from "./outcome.ts";
import type { Outcome } from "./outcome.ts";
import { assumeOwned, rehearse } from "./rehearse.ts";
import type { World } from "./world.ts";

/** What an apply of a KestraKV would do. */
export interface KvOutcome extends Outcome {
  declared: Declared<KvSpec>;
  identity: KvIdentity;
  /** The entry in Kestra; undefined where there is none. Its value may be secret. */
  before?: StoredEntry;
  /** The value as declared, and what goes with it. It may be secret. */
  after?: Encoded;
  description?: string;
  ttl?: string;
  /** Whether the values before and after come from a Secret, or may do: they must not be shown. */
  secret: boolean;
}

/** A KestraKV of which is known which entry it wants. */
export interface ObservedKv {
  declared: Declared<KvSpec>;
  seen: Observed;
  existing: KestraKv | undefined | "unknown";
}

/** As observeFlow does for a KestraFlow. */
export async function observeKv(world: World, declared: Declared<KvSpec>): Promise<ObservedKv> {
  const existing = await world.kubernetes.existing<KestraKv>(kestraKvs, declared.object.metadata);
  const seen: Observed = observe(world, projectWhole(asApplied(declared, existing)));
  const identity = identityOf(seen.object, world.settings.tenant);
  world.claims.update(seen.object, identity);
  return { declared, seen, existing };
}

/**
 * Rehearses one KestraKV. Where no cluster was named, what Kestra has already is taken for its own.
 *
 * @throws {KestraError}
 */
export async function rehearseKv(
  world: World,
  { declared, seen, existing }: ObservedKv,
  signal: AbortSignal,
): Promise<KvOutcome> {
  const identity = identityOf(seen.object, world.settings.tenant);
  await read(world, seen, "stored", signal);
  const { stored } = seen;
  const { ttl } = seen.object.policy;
  if (existing === "unknown" && typeof stored === "object") seen.object = owning(seen.object, identity, stored);
  let told: Outcome = { result: "none" };
  const unknown = await lookedAt(async () => {
    const steps = { decide, read: (it: Observed, fact: Parameters<typeof read>[2]) => read(world, it, fact, signal) };
    const rehearsed = await rehearse(steps, seen, world.clock.now());
    told =
      rehearsed.would === "settle"
        ? outcomeOf(rehearsed.verdict)
        : { result: typeof stored === "object" ? "update" : "create" };
  });
  const { desired } = seen;
  const description = descriptionOf(seen.object);
  return {
    declared,
    identity,
    secret: refersToSecret(declared.object.spec) || (typeof existing === "object" && refersToSecret(existing.spec)),
    ...(unknown ?? told),
    ...(typeof stored === "object" ? { before: stored } : {}),
    ...(desired && "identity" in desired && desired.value ? { after: desired.value } : {}),
    ...(description === undefined ? {} : { description }),
    ...(ttl === undefined ? {} : { ttl }),
  };
}

function refersToSecret({ valueFrom }: KvSpec): boolean {
  return valueFrom?.secretKeyRef !== undefined;
}

function owning(
  object: CachedKv,
  { tenant, namespace, id: key }: KvIdentity,
  { version, stored: { type } }: StoredEntry,
): CachedKv {
  const status: KvStatus = {
    entry: { tenant, namespace, key, type, version, url: "" },
    applied: { digest: "" },
  };
  return assumeOwned(object, status, { tenant, namespace, id: key });
}
