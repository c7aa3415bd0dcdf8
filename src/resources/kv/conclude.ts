import type { DriftKind } from "../common.ts";
import { concludeWith } from "../conclude.ts";
import type { Conclusion } from "../conclude.ts";
import type { Verdict } from "../verdict.ts";
import { renewalOf } from "./expiry.ts";
import type { Observed } from "./model.ts";
import type { KvStatus } from "./schema.ts";

/** What a reconcile of a KestraKV leaves behind; see {@link concludeWith}. Never a value. */
export function conclude(
  seen: Observed,
  verdict: Verdict,
  drift: DriftKind | undefined,
  now: number,
): Conclusion<KvStatus> {
  return concludeWith(seen, verdict, drift, verdict.state === "synced" && !drift ? whatWasApplied(seen, now) : {}, now);
}

function whatWasApplied({ object, stored, desired, settings, written }: Observed, now: number): Partial<KvStatus> {
  if (typeof stored !== "object" || desired === undefined || !("identity" in desired)) return {};
  const { tenant, namespace, id: key } = desired.identity;
  const { digest, sourceVersion } = desired;
  const { version, expirationDate } = stored;
  const renewal = renewalOf(object, stored, written === undefined ? undefined : now);
  return {
    entry: {
      tenant,
      namespace,
      key,
      type: stored.stored.type,
      version,
      url: `${settings.uiUrl}/ui/${tenant}/namespaces/edit/${namespace}/kv`,
      ...(expirationDate === undefined ? {} : { expiresAt: expirationDate }),
      ...(renewal === undefined ? {} : { renewsAt: new Date(renewal).toISOString() }),
    },
    applied: { digest, ...(sourceVersion === undefined ? {} : { sourceVersion }) },
  };
}
