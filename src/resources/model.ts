import type { Metadata } from "../kubernetes/objects.ts";
import type { ServerState } from "../kestra/server.ts";
import type { Claimant } from "./ownership/arbitration.ts";
import type { Identity } from "./ownership/identity.ts";
import type { CommonStatus, DeletionPolicy, DriftKind } from "./common.ts";
import type { Act, Verdict } from "./verdict.ts";

/** What the operator is configured to do with resources of any kind. */
export interface ResourceSettings {
  /** Name of the Kestra instance this operator writes to. */
  instance: string;
  tenant: string;
  /** Address of Kestra's user interface, without a slash at the end. */
  uiUrl: string;
  deletionPolicy: DeletionPolicy;
  /** Milliseconds between two looks for drift. */
  driftIntervalMs: number;
  /** Milliseconds after which a stalled resource is looked at again. */
  stalledRetryMs: number;
  /** Says why a Kubernetes namespace may not write to a Kestra namespace, or undefined when it may. */
  refusal: (kubernetesNamespace: string, kestraNamespace: string) => string | undefined;
}

/** A resource of any kind as caches keep it. */
export interface CachedResource {
  metadata: Metadata;
  policy: { instanceRef?: { name: string } | undefined; deletionPolicy?: DeletionPolicy | undefined };
  status: CommonStatus;
  /** What its status records as its own in Kestra. */
  owned?: Identity;
  /** The API server does not have it any more: it is kept to be cleaned up, and can be written to no longer. */
  removed?: boolean;
}

/** Everything a decision may rest on, whatever the kind. What is optional has not been read yet in this reconcile. */
export interface Observed<R extends CachedResource = CachedResource> {
  /** Kept up to date with our own writes. */
  object: R;
  /** What the resource owns in Kestra, in messages. */
  readonly noun: "flow" | "entry" | "backfill";
  readonly settings: ResourceSettings;
  readonly server: ServerState;
  /** All resources that want something in Kestra and may have it, this one included. */
  readonly claimantsOf: (identity: Identity) => readonly Claimant[];
  /** Whether Kestra must be looked at before it is said that something is as it was left. */
  readonly mustLook: (identity: Identity) => boolean;

  /** Whether Kestra still holds what was claimed, but is not declared: looked at before it is deleted. */
  claimProved?: boolean;
  /** Identities, by key, that are settled with: deleted, handed over, or left on purpose. */
  readonly leftBehind: Set<string>;
  /** The drift that this reconcile corrected. */
  corrected?: DriftKind;
  /** What was done so far in this reconcile. */
  readonly acts: Act[];
}

/** A reference that leads nowhere (yet). */
export interface Missing {
  missing: string;
}

/** Why nothing can be written from what a resource declares. */
export interface Unreadable {
  reason: string;
  message: string;
}

/** What to do next: exactly one of reading a fact, making one external write, or coming to a verdict. */
export type Decision<Fact extends string, Write> =
  { do: "read"; fact: Fact } | { do: "write"; write: Write | OwnershipWrite } | Settled;

export interface Settled {
  do: "settle";
  verdict: Verdict;
  /** Drift that is reported and left. */
  drift?: DriftKind;
}

/** Decisions that rest on who owns what alone. */
export type OwnershipDecision = Decision<"claimed", never>;

/** The external writes that change who owns what. Each is idempotent, or guarded so that a repeat is harmless. */
export type OwnershipWrite =
  /** Persist the intent to own something, with the finalizer. Without a digest: whatever it holds. */
  | { op: "claim"; identity: Identity; digest?: string }
  /** Take back a claim that came to nothing, and the finalizer unless something else is owned. */
  | { op: "unclaim" }
  | { op: "delete"; identity: Identity; because: "renamed" | "deleted" }
  /** Give another resource the right to something, by a claim in its annotations. */
  | { op: "handOver"; identity: Identity; heir: Claimant }
  /** Remove the finalizer. */
  | { op: "release"; because: string };

/** Why something is written: the resource asks for something new, or Kestra drifted. */
export type Reason = "changed" | DriftKind;
