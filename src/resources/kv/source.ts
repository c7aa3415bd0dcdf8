import type { KvIdentity } from "../../kestra/types.ts";
import { canonicalJson, digestOf } from "../../lib/digest.ts";
import { isoDurationMs } from "../../lib/isoDuration.ts";
import type { Unreadable } from "../model.ts";
import type { CachedKv } from "./cache.ts";
import { flawOfDescription } from "./description.ts";
import type { Encoded } from "./value.ts";

/** An entry as its resource declares it. */
export interface Desired {
  identity: KvIdentity;
  /** Of what the spec declares: of a literal with its value, of a reference without. */
  digest: string;
  /** resourceVersion of the Secret or ConfigMap that a reference leads to. */
  sourceVersion?: string;
  /** Undefined while nothing needs to be written or compared. */
  value?: Encoded;
}

/** The least time to live, in milliseconds: long enough to read back what was written. */
const LEAST_MS = 1_000;
/** The least with which an entry is renewed: each renewal is a write. */
const LEAST_RENEWED_MS = 10_000;
/** A hundred years: beyond it dates stop being dates. */
const MOST_MS = 36_500 * 86_400_000;

/** Where a resource wants its entry. */
export function identityOf({ policy: { namespace, key } }: CachedKv, tenant: string): KvIdentity {
  return { tenant, namespace, id: key };
}

/**
 * Digest of what a spec declares of an entry. Nothing of what a reference leads to is in it, so it may be shown.
 *
 * @param literal the value, for a resource without a reference
 */
export function declarationDigest(object: CachedKv, literal?: unknown): string {
  const { valueFrom, type, ttl } = object.policy;
  return digestOf(canonicalJson({ valueFrom, literal, type, description: descriptionOf(object), ttl }));
}

/** What is wrong with a spec besides its value, or undefined. */
export function flawOfSpec(object: CachedKv): Unreadable | undefined {
  const { ttl, ttlPolicy } = object.policy;
  const description = descriptionOf(object);
  const flaw = description === undefined ? undefined : flawOfDescription(description);
  if (flaw !== undefined) return { reason: "InvalidDescription", message: flaw };
  if (ttl === undefined) return undefined;
  const milliseconds = isoDurationMs(ttl);
  if (milliseconds === undefined || milliseconds < LEAST_MS || milliseconds > MOST_MS) {
    return {
      reason: "InvalidTtl",
      message:
        "spec.ttl is not a time to live: give a duration of days, hours, minutes and seconds like P1DT12H or PT15M, from a second to a hundred years.",
    };
  }
  if (ttlPolicy === "Renew" && milliseconds < LEAST_RENEWED_MS) {
    return {
      reason: "InvalidTtl",
      message: "spec.ttl is too short to be renewed: give at least PT10S, or leave spec.ttl out.",
    };
  }
  return undefined;
}

/** The description as Kestra can keep it, without blanks around it: a block of YAML ends in a newline. A blank one is none. */
export function descriptionOf({ policy: { description } }: CachedKv): string | undefined {
  const text = description?.trim();
  return text === "" ? undefined : text;
}

/** Milliseconds that the entry lives after a write, or undefined for ever. */
export function ttlOf({ policy: { ttl } }: CachedKv): number | undefined {
  return ttl === undefined ? undefined : isoDurationMs(ttl);
}
