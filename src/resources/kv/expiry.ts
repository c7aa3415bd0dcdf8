import type { CachedKv } from "./cache.ts";
import { ttlOf } from "./source.ts";

/** How far Kestra's clock may be ahead of ours before an entry that expired there passes for one that was deleted. */
const CLOCK_SKEW_MS = 5_000;
/** How far the end that Kestra set may be from where the ttl puts it. */
const TTL_TOLERANCE_MS = 2_000;

/** When the entry as it was last seen ends, in milliseconds since the epoch; undefined for one that lives for ever. */
export function endOf({ status: { entry } }: CachedKv): number | undefined {
  return entry?.expiresAt === undefined ? undefined : Date.parse(entry.expiresAt);
}

/** Whether an entry that is gone can have gone by its ttl. */
export function canHaveExpired(object: CachedKv, now: number): boolean {
  const end = endOf(object);
  return end !== undefined && now >= end - CLOCK_SKEW_MS;
}

/** When an entry with this end is to be written again: when a third of its life is left. Undefined when it is to expire. */
export function renewalOf(object: CachedKv, end: number | undefined): number | undefined {
  const ttl = ttlOf(object);
  return object.policy.ttlPolicy !== "Renew" || ttl === undefined || end === undefined ? undefined : end - ttl / 3;
}

/** Whether Kestra drops an entry as long after its last write as the ttl says. */
export function endsAsDeclared(
  object: CachedKv,
  { updateDate, expirationDate }: { updateDate: string; expirationDate?: string },
): boolean {
  const ttl = ttlOf(object);
  if (expirationDate === undefined || ttl === undefined) return expirationDate === undefined && ttl === undefined;
  return Math.abs(Date.parse(expirationDate) - Date.parse(updateDate) - ttl) <= TTL_TOLERANCE_MS;
}
