import type { Execution, FlowDefinition, TriggerRow } from "../../kestra/types.ts";
import type * as resources from "../model.ts";
import type { Act } from "../verdict.ts";
import type { CachedBackfill } from "./cache.ts";
import type { Progress } from "./progress.ts";
import type { BackfillStatus, Submission } from "./schema.ts";

/** The flow that is meant: by its KestraFlow, which may not be there or not be Ready, or by its id. */
export type FlowReference = { namespace: string; id: string } | resources.Missing;

/** What became of slots before: the best of what their executions came to. */
export interface History {
  outcomes: ReadonlyMap<number, "done" | "failed" | "unfinished">;
  /** Some execution that has not ended. */
  unfinished?: Execution;
  /** There are more executions than are read. */
  incomplete: boolean;
}

/** Everything a decision may rest on. What is optional has not been read yet in this reconcile: a decision can ask for it. */
export interface Observed extends resources.Observed<CachedBackfill> {
  readonly flowReference: FlowReference;
  /** Backfills of the same trigger that come first, oldest first. */
  readonly ahead: readonly CachedBackfill[];
  /** Name of the Backfill with this uid. */
  readonly nameOf: (uid: string) => string | undefined;

  /** The flow as it is in Kestra. */
  flow?: FlowDefinition | "missing";
  /** State of the trigger. */
  row?: TriggerRow | "missing";
  /** What our executions came to; read after the row. */
  progress?: Progress;
  history?: History;
  /** Whether the execution that the trigger waits for ended a while ago, or is not there. */
  lock?: { stale: boolean };
  /** The submission that was recorded in this reconcile: only such a one may be made without more ado. */
  intended?: number;
  /** What is to be run was found in this reconcile: nobody can have run it since. */
  planned?: boolean;
  /** Another Backfill was about to hand slots of this trigger over. */
  contended?: boolean;
  /** When something was taken back in this reconcile, in milliseconds since the epoch. */
  withdrewAt?: number;
  /** This resource was deleted, since its time to live is over. */
  expired?: boolean;
}

export type Fact = "flow" | "row" | "progress" | "history" | "lock";

/** The writes besides those that change who owns what. Each is guarded by what was recorded before it. */
export type Write =
  /** Wait for us before this resource is deleted. */
  | { op: "hold" }
  /** Persist what was found or is intended. Fields that are undefined are removed. */
  | { op: "record"; status: Partial<BackfillStatus>; act?: Act }
  /** Hand slots over to Kestra. */
  | { op: "submit"; attempt: number; submission: Submission }
  /** Take back what has not started. */
  | { op: "withdraw" }
  /** One step towards putting the trigger's next date right. */
  | { op: "guard"; previous: number; live: number }
  /** The time to live of this resource is over. */
  | { op: "expire" };

export type Decision = resources.Decision<Fact, Write>;
