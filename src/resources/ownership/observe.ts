import { isNotFound } from "../../kubernetes/errors.ts";
import { keyOf, parseKey } from "../../kubernetes/objects.ts";
import type { AnyObject, ResourceType } from "../../kubernetes/objects.ts";
import type { ReadingContext } from "../context.ts";
import type { CachedResource, Observed, ResourceSettings } from "../model.ts";
import type { Claimant } from "./arbitration.ts";
import type { Identity } from "./identity.ts";

/** The resource went away, or became another one, while it was reconciled: there is nothing left to do for this one. */
export class ResourceGone extends Error {}

/** What is known of any resource without asking anybody. */
export function observeOwnership<R extends CachedResource>(
  { settings, server, claims, drift }: ReadingContext,
  object: R,
  noun: Observed["noun"],
): Observed<R> {
  return {
    object,
    noun,
    settings,
    server: server.state,
    claimantsOf: (identity) => claims.of(identity).filter(mayHave(settings, identity)),
    mustLook: (identity) => drift.mustLook(identity, keyOf(object)),
    leftBehind: new Set(),
    acts: [],
  };
}

/** A resource in a namespace that may not write to a Kestra namespace has no say in who gets what is in it. */
function mayHave({ refusal }: ResourceSettings, { namespace }: Identity): (claimant: Claimant) => boolean {
  return ({ key }) => refusal(parseKey(key).namespace ?? "", namespace) === undefined;
}

/**
 * The whole of a resource, of which the cache keeps a part.
 *
 * @throws {ResourceGone} when it is not there any more, or another one has its name
 */
export async function readWhole(
  { kubernetes }: Pick<ReadingContext, "kubernetes">,
  type: ResourceType,
  { metadata }: CachedResource,
  signal: AbortSignal,
): Promise<AnyObject> {
  const object = await kubernetes.get<AnyObject>(type, metadata, { signal }).catch((error: unknown) => {
    throw isNotFound(error) ? new ResourceGone() : error;
  });
  if (object.metadata.uid !== metadata.uid) throw new ResourceGone();
  return object;
}
