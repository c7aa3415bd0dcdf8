import type { KvItem } from "../../kestra/types.ts";
import type { CachedKv } from "./cache.ts";
import { ttlOf } from "./source.ts";

/** How far Kestra's clock may be ahead of ours before an entry that expired there passes for one that was deleted. */
const CLOCK_SKEW_MS = 5_000;
/** How far the end that Kestra set may be from where the ttl puts it. */
const TTL_TOLERANCE_MS = 2_000;

/** When an entry ends, in milliseconds since the epoch by Kestra's clock; undefined for one that lives for ever. */
export function endOf({ expirationDate }: Pick<KvItem, "expirationDate">): number | undefined {
  return expirationDate === undefined ? undefined : Date.parse(expirationDate);
}

/** Whether an entry that is gone can have gone by its ttl. */
export function canHaveExpired({ status: { entry } }: CachedKv, now: number): boolean {
  return entry?.expiresAt !== undefined && now >= Date.parse(entry.expiresAt) - CLOCK_SKEW_MS;
}

/**
 * When an entry is to be written again, in milliseconds since the epoch: when a third of its life is left. Undefined when it is to
 * expire. Of what we wrote ourselves by our own clock, so that one that differs from Kestra's makes us neither late nor restless.
 *
 * @param writtenAt when it was written, if that was just now
 */
export function renewalOf(
  object: CachedKv,
  { version, expirationDate }: Pick<KvItem, "version" | "expirationDate">,
  writtenAt?: number,
): number | undefined {
  const ttl = ttlOf(object);
  if (object.policy.ttlPolicy !== "Renew" || ttl === undefined || expirationDate === undefined) return undefined;
  const { entry } = object.status;
  if (entry?.renewsAt !== undefined && entry.version === version) return Date.parse(entry.renewsAt);
  return Math.round(writtenAt === undefined ? Date.parse(expirationDate) - ttl / 3 : writtenAt + (ttl * 2) / 3);
}

/** When something is to be done for an entry that stays as it was last seen: it is renewed, or ends. Undefined for never. */
export function nextMoment(object: CachedKv): number | undefined {
  const { entry } = object.status;
  if (entry?.expiresAt === undefined) return undefined;
  const seen = { version: entry.version, expirationDate: entry.expiresAt };
  return renewalOf(object, seen) ?? endOf(seen);
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
