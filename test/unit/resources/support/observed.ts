import type { Metadata } from "../../../../src/kubernetes/objects.ts";
import { FINALIZER } from "../../../../src/resources/annotations.ts";
import type { CommonStatus } from "../../../../src/resources/common.ts";
import type { Decision, OwnershipWrite, ResourceSettings } from "../../../../src/resources/model.ts";
import type { Claimant } from "../../../../src/resources/ownership/arbitration.ts";
import { displayName } from "../../../../src/resources/ownership/identity.ts";
import type { Identity } from "../../../../src/resources/ownership/identity.ts";

export const settings: ResourceSettings = {
  instance: "default",
  tenant: "main",
  uiUrl: "http://kestra",
  deletionPolicy: "Delete",
  driftIntervalMs: 60_000,
  stalledRetryMs: 600_000,
  refusal: () => undefined,
};

export const NOW = Date.parse("2026-06-01T12:00:00Z");
export const UID = "uid-of-ours";
export const up = { kind: "up", info: { uuid: "u", version: "1.1.15" } } as const;
export const held: Partial<Metadata> = { finalizers: [FINALIZER] };
export const leaving: Partial<Metadata> = { finalizers: [FINALIZER], deletionTimestamp: "2026-06-01T00:00:00Z" };

export function ready(status: "True" | "False", reason: string): NonNullable<CommonStatus["conditions"]>[number] {
  return {
    type: "Ready",
    status,
    reason,
    message: "m",
    observedGeneration: 1,
    lastTransitionTime: "2026-01-01T00:00:00Z",
  };
}

export function claimantOf(key: string, uid: string, createdAt: string): Claimant {
  return { key, uid, createdAt, title: "declared", leaving: false };
}

type AnyWrite = OwnershipWrite | { op: "create" | "update" | "put"; identity: Identity; because: string };

/** A decision in one line. */
export function inShort(decision: Decision<string, AnyWrite>): string {
  if (decision.do === "read") return `read ${decision.fact}`;
  if (decision.do === "settle") {
    const { verdict } = decision;
    const reason = "reason" in verdict ? ` ${verdict.reason}` : "";
    const drift = "drift" in verdict && verdict.drift ? `, drift ${verdict.drift.reason}` : "";
    return `${verdict.state}${reason}${drift}`;
  }
  const { write } = decision;
  switch (write.op) {
    case "claim":
      return `claim ${displayName(write.identity)}${write.digest === undefined ? "" : " of this text"}`;
    case "create":
    case "update":
    case "put":
    case "delete":
      return `${write.op} ${displayName(write.identity)}, ${write.because}`;
    case "handOver":
      return `hand ${displayName(write.identity)} over to ${write.heir.key}`;
    case "unclaim":
    case "release":
      return write.op;
  }
}

/** What a settled decision tells people. */
export function messageOf(decision: Decision<string, unknown>): string {
  return decision.do === "settle" && "message" in decision.verdict ? decision.verdict.message : "";
}
