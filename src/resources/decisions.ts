import { findCondition } from "../kubernetes/conditions.ts";
import type { Metadata } from "../kubernetes/objects.ts";
import { ANNOTATION, FINALIZER } from "./annotations.ts";
import type { CachedResource, Observed, Settled } from "./model.ts";
import { winnerOf } from "./ownership/arbitration.ts";
import { displayName } from "./ownership/identity.ts";
import type { Identity } from "./ownership/identity.ts";
import type { Verdict } from "./verdict.ts";

export function stalled(reason: string, message: string): Settled {
  return { do: "settle", verdict: { state: "stalled", reason, message } };
}

export function progressing(reason: string, message: string): Settled {
  return { do: "settle", verdict: { state: "progressing", reason, message } };
}

/** The policy refuses this resource its namespace in Kestra, or another resource has the better right to the identity. */
export function mayNotWrite(seen: Observed, identity: Identity): Settled | undefined {
  const { metadata } = seen.object;
  const refusal = seen.settings.refusal(metadata.namespace ?? "", identity.namespace);
  if (refusal !== undefined) return stalled("NamespaceNotAllowed", refusal);
  const winner = winnerOf(seen.claimantsOf(identity));
  if (winner === undefined || winner.uid === metadata.uid) return undefined;
  const { noun } = seen;
  const [owner, other] = noun === "flow" ? ["KestraFlow", "id"] : ["KestraKV", "key"];
  return stalled(
    "Conflict",
    `The ${noun} ${displayName(identity)} belongs to the ${owner} ${winner.key}: delete one of the two, or give this ${noun} another ${other}.`,
  );
}

/** What the state of the server makes of a resource that Kestra would have to be asked about. */
export function serverTrouble({ object, server }: Observed): Verdict | undefined {
  switch (server.kind) {
    case "up":
      return undefined;
    case "unauthorized":
      return { state: "progressing", reason: "KestraUnauthorized", message: `${server.message}.` };
    case "unknown":
      return { state: "progressing", reason: "KestraUnreachable", message: "Kestra has not been reached yet." };
    case "down":
      return isSettled(object) ? { state: "unchanged" } : unreachable(server.message);
    case "lost":
      return unreachable(server.message);
  }
}

function unreachable(message: string): Verdict {
  return { state: "progressing", reason: "KestraUnreachable", message: `Kestra is out of reach: ${message}.` };
}

/** Whether the status says that exactly this spec is what Kestra holds. */
export function isSettled({ metadata, status, owned }: Pick<CachedResource, "metadata" | "status" | "owned">): boolean {
  return status.observedGeneration === metadata.generation && owned !== undefined && isReady(status);
}

export function isReady(status: CachedResource["status"]): boolean {
  return findCondition(status.conditions, "Ready")?.status === "True";
}

/** Why it is Ready, or is not. */
export function readyReason({ conditions }: CachedResource["status"]): string | undefined {
  return findCondition(conditions, "Ready")?.reason;
}

export function hasFinalizer({ finalizers }: Pick<Metadata, "finalizers">): boolean {
  return finalizers?.includes(FINALIZER) ?? false;
}

/** Whether somebody asked for a reconcile that has not come yet. */
export function asked({ object: { metadata, status } }: Observed): boolean {
  const request = metadata.annotations?.[ANNOTATION.reconcileRequestedAt];
  return request !== undefined && request !== status.handledReconcileAt;
}
