import type { DriftKind } from "../common.ts";
import type { Observed, Settled } from "../model.ts";
import { displayName } from "../ownership/identity.ts";
import type { Identity } from "../ownership/identity.ts";
import { nextCorrection } from "./contest.ts";

/**
 * The verdict on drift that is not to be corrected now: because it is only to be reported, or because corrections are undone again and
 * again. Undefined when it is to be corrected.
 *
 * @param now milliseconds since the epoch
 */
export function leaveDrift(
  seen: Observed,
  identity: Identity,
  kind: DriftKind,
  report: boolean,
  now: number,
): Settled | undefined {
  const { noun, settings, object } = seen;
  const deed = { Edited: "was edited", Deleted: "was deleted", Disabled: "was disabled" }[kind];
  const message = `The ${noun} ${displayName(identity)} ${deed} in Kestra.`;
  if (report)
    return { do: "settle", drift: kind, verdict: { state: "synced", message, drift: { reason: kind, message } } };
  const { drift } = object.status;
  const next = nextCorrection(drift, settings.driftIntervalMs);
  if (next <= now) return undefined;
  const contested = `${message} It was put right ${drift?.corrections ?? 0} times in a row and undone again: find out who else writes this ${noun}, or set spec.driftPolicy to Report. The next correction follows at ${new Date(next).toISOString()}.`;
  return {
    do: "settle",
    drift: kind,
    verdict: {
      state: "stalled",
      reason: "Contested",
      message: contested,
      retryAfterMs: next - now,
      drift: { reason: "Contested", message: contested },
    },
  };
}
