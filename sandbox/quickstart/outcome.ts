import { writeFileSync } from "node:fs";
import { messageOf } from "../../src/lib/async.ts";
import type { Cluster } from "./options.ts";

/** How one resource fared after it was applied. */
export interface FlowOutcome {
  name: string;
  ready: boolean;
  /** Of its condition Ready; "Pending" when it has none. */
  reason: string;
  /** The flow's revision in Kestra; null when it is not there. */
  revision: number | null;
  /** From the start of kubectl apply until it was Ready, or known not to become so. */
  seconds: number;
}

/** How one KestraKV fared. */
export type EntryOutcome = Pick<FlowOutcome, "name" | "ready" | "reason">;

/** How one Backfill fared. */
export interface BackfillOutcome extends EntryOutcome {
  /** Null when it has none yet. */
  state: string | null;
  /** Slots that have ended, of those to be run, such as "8/8"; null until they are counted. */
  progress: string | null;
}

/** What happened, for programs. */
export interface Outcome {
  /** Null, like `kestra`, when it did not come up. */
  cluster: Cluster | null;
  /** What answers as Kestra, in words. */
  kestra: string | null;
  /** From the start of the command, what npm installs before it not counted, until everything was shown. */
  seconds: number;
  flows: FlowOutcome[];
  entries: EntryOutcome[];
  backfills: BackfillOutcome[];
  /** The execution of hello_world; null when there was none. */
  execution: { flow: string; state: string } | null;
  /** Why not everything was shown. */
  error?: string;
}

/** Writes the outcome as JSON. */
export function writeOutcome(file: string, outcome: Outcome, error?: unknown): void {
  const whole = error === undefined ? outcome : { ...outcome, error: messageOf(error) };
  writeFileSync(file, `${JSON.stringify(whole, null, 2)}\n`);
}

/** Seconds with one decimal, of milliseconds. */
export function toSeconds(milliseconds: number): number {
  return Math.round(milliseconds / 100) / 10;
}
