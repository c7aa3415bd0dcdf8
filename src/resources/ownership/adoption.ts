import type { Adoption } from "../common.ts";
import { stalled } from "../decisions.ts";
import type { Observed, OwnershipDecision } from "../model.ts";
import { readClaim } from "./claim.ts";
import { displayName, sameIdentity } from "./identity.ts";
import type { Identity } from "./identity.ts";

/**
 * The next step towards refusing to take over what exists in Kestra and was not made by this resource.
 *
 * @param difference how it differs from what is declared, as in ` with another source`; empty where it does not
 */
export function refuseAdoption(
  seen: Observed,
  identity: Identity,
  adoption: Adoption,
  difference: string,
): OwnershipDecision {
  // A claim that came to nothing must not keep the resource from being deleted while Kestra is away; one on another id did not.
  if (sameIdentity(readClaim(seen.object.metadata), identity)) return { do: "write", write: { op: "unclaim" } };
  const remedy =
    adoption === "Never"
      ? "delete it there, or set spec.adoption"
      : "make the two identical, delete it there, or set spec.adoption to Always";
  return stalled(
    "AdoptionRefused",
    `The ${seen.noun} ${displayName(identity)} exists in Kestra${difference} and was not made by this resource: ${remedy}.`,
  );
}
