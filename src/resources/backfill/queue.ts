import type { CachedBackfill } from "./cache.ts";

/**
 * The Backfills that come before this one on its trigger, oldest first: those that have something to do and may do it. One that is
 * suspended, finished or refused lets others pass, unless the live schedule of the trigger still needs it.
 */
export function aheadOf(object: CachedBackfill, all: Iterable<CachedBackfill>): CachedBackfill[] {
  const trigger = triggerKey(object);
  if (trigger === undefined) return [];
  return [...all]
    .filter((other) => other.metadata.uid !== object.metadata.uid && triggerKey(other) === trigger)
    .filter((other) => other.status.guard !== undefined || (competes(other) && isOlder(other, object)))
    .sort((a, b) => (isOlder(a, b) ? -1 : 1));
}

function triggerKey({ status: { target, instance } }: CachedBackfill): string | undefined {
  return target && [instance, target.tenant, target.namespace, target.flow, target.trigger].join("/");
}

function competes({ metadata, policy, status }: CachedBackfill): boolean {
  if (status.submission !== undefined) return true;
  if (metadata.deletionTimestamp !== undefined || status.finishedAt !== undefined) return false;
  return policy.mode === "Run" && !policy.suspend && (status.state === "Queued" || status.state === "Running");
}

function isOlder({ metadata: a }: CachedBackfill, { metadata: b }: CachedBackfill): boolean {
  const [at, bt] = [a.creationTimestamp ?? "", b.creationTimestamp ?? ""];
  return at === bt ? a.uid < b.uid : at < bt;
}
