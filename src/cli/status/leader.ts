import { isForbidden } from "../../kubernetes/errors.ts";
import type { KubernetesClient } from "../../kubernetes/client.ts";
import { coreTypes } from "../../kubernetes/objects.ts";
import type { AnyObject } from "../../kubernetes/objects.ts";
import { shortDuration } from "../duration.ts";

/** Whether an operator works, as its Lease tells. */
export interface Leader {
  /** `unknown`: we may not look, or it runs without leader election. */
  state: "leads" | "expired" | "released" | "none" | "unknown";
  message: string;
  holder?: string;
  /** `namespace/name` of the Lease. */
  lease?: string;
}

interface Lease extends AnyObject {
  spec?: { holderIdentity?: string | null; renewTime?: string | null; leaseDurationSeconds?: number | null };
}

/**
 * Looks for the operator's Lease in all namespaces, as the one that the operator runs in is not known.
 *
 * @param now milliseconds since the epoch; the clock of whoever renews it is not ours, so that some seconds are allowed for
 */
export async function leaderOf(client: KubernetesClient, name: string, now: number): Promise<Leader> {
  let leases: Lease[];
  try {
    leases = (await client.list<Lease>(coreTypes.lease, { fieldSelector: `metadata.name=${name}` })).items;
  } catch (error) {
    if (isForbidden(error)) return { state: "unknown", message: "the Leases of the cluster may not be listed" };
    throw error;
  }
  const told = leases.map((lease) => judge(lease, now));
  const best = told.find(({ state }) => state === "leads") ?? told[0];
  const none = `there is no Lease ${name}: no operator, or one without leader election`;
  return best ?? { state: "none", message: none };
}

/** How far the clocks of two machines may be apart. */
const SKEW_MS = 5_000;

function judge({ metadata, spec }: Lease, now: number): Leader {
  const lease = `${metadata.namespace ?? ""}/${metadata.name}`;
  const holder = spec?.holderIdentity ?? "";
  if (holder === "") return { state: "released", lease, message: `nobody holds the Lease ${lease}` };
  const silent = now - Date.parse(spec?.renewTime ?? "");
  const expired = !(silent <= (spec?.leaseDurationSeconds ?? 15) * 1_000 + SKEW_MS);
  const renewed = `renewed ${shortDuration(silent)} ago`;
  const message = expired
    ? `${holder} held the Lease ${lease} last, ${renewed}: it does not run any more`
    : `${holder} holds the Lease ${lease}, ${renewed}`;
  return { state: expired ? "expired" : "leads", lease, holder, message };
}
