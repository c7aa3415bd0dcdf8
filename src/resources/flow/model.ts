import type { FlowIdentity, FlowValidation, StoredFlow } from "../../kestra/types.ts";
import type { ServerState } from "../../kestra/server.ts";
import type { Act, Verdict } from "../verdict.ts";
import type { Claimant } from "./arbitration.ts";
import type { CachedFlow } from "./cache.ts";
import type { DeletionPolicy, DriftKind } from "./schema.ts";
import type { Desired, Unreadable } from "./source.ts";

/** What the operator is configured to do with flows. */
export interface FlowSettings {
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

/** Everything a decision may rest on. What is optional has not been read yet in this reconcile: a decision can ask for it. */
export interface Observed {
  /** Kept up to date with our own writes. */
  object: CachedFlow;
  readonly settings: FlowSettings;
  readonly server: ServerState;
  /** All resources that want a flow and may have it, this one included. */
  readonly claimantsOf: (identity: FlowIdentity) => readonly Claimant[];
  /** Whether Kestra must be looked at before it is said that a flow is as it was left. */
  readonly mustLook: (identity: FlowIdentity) => boolean;

  /** What the resource declares. For a resource in sync this comes from its status, without the text. */
  desired?: Desired | Unreadable | Missing;
  /** The flow in Kestra at the declared identity. */
  stored?: StoredFlow | "missing";
  /** The flow in Kestra at an identity that was claimed, but is not declared: read before it is deleted. */
  claimed?: StoredFlow | "missing";
  /** A create was answered with "exists". */
  exists?: true;
  /** Kestra's verdict on the declared text. */
  validation?: FlowValidation;
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

/** What to do next: exactly one of reading a fact, making one external write, or coming to a verdict. */
export type Decision =
  | { do: "read"; fact: "content" | "stored" | "claimed" | "validation" }
  | { do: "write"; write: Write }
  | { do: "settle"; verdict: Verdict; drift?: DriftKind };

/** The external writes there are. Each is idempotent, or guarded so that a repeat is harmless. */
export type Write =
  /** Persist the intent to own a flow, with the finalizer. Without a digest: whatever the flow holds. */
  | { op: "claim"; identity: FlowIdentity; digest?: string }
  /** Take back a claim that came to nothing, and the finalizer unless another flow is owned. */
  | { op: "unclaim" }
  | { op: "create"; identity: FlowIdentity; text: string; because: Reason }
  | { op: "update"; identity: FlowIdentity; text: string; because: Reason }
  | { op: "delete"; identity: FlowIdentity; because: "renamed" | "deleted" }
  /** Give another resource the right to a flow, by a claim in its annotations. */
  | { op: "handOver"; identity: FlowIdentity; heir: Claimant }
  /** Remove the finalizer. */
  | { op: "release"; because: string };

/** Why a flow is written: the resource asks for something new, or Kestra drifted. */
export type Reason = "changed" | DriftKind;
