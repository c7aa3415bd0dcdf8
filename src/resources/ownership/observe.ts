import { keyOf, parseKey } from "../../kubernetes/objects.ts";
import type { ResourceContext } from "../context.ts";
import type { CachedResource, Observed, ResourceSettings } from "../model.ts";
import type { Claimant } from "./arbitration.ts";
import type { Identity } from "./identity.ts";

/** What is known of any resource without asking anybody. */
export function observeOwnership<R extends CachedResource>(
  { settings, server, claims, drift }: ResourceContext<R>,
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
