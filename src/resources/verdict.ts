/**
 * What a reconcile came to, for a resource of any kind. design.md §2.1 says which conditions each state shows; conditions.ts writes
 * them. `reason` is a CamelCase word for machines, `message` a sentence for people that says what to do where something must be done.
 */
export type Verdict =
  /** As declared. `drift` when Kestra holds something else and that is only reported; `reason` when there is more to say. */
  | { state: "synced"; message: string; reason?: string; drift?: Reported; retryAfterMs?: number; phase?: Phase }
  /** Being written, or waiting for something that the reason names. */
  | { state: "progressing"; reason: string; message: string; retryAfterMs?: number; phase?: Phase }
  /** Needs a person: invalid, refused, contested. */
  | { state: "stalled"; reason: string; message: string; retryAfterMs?: number; drift?: Reported; phase?: Phase }
  /** Nothing is known that changes what the status says. */
  | { state: "unchanged"; retryAfterMs?: number }
  /** Left alone because its annotation says so. */
  | { state: "paused" }
  /** Let go: the finalizer is off, there is nothing left to report on. */
  | { state: "released" };

/** How far a resource has come that is done at some time: a condition of this name is True, with the verdict's reason and message. */
export type Phase = (typeof PHASES)[number] | "none";
export const PHASES = ["Running", "Suspended", "Complete", "Failed"] as const;

export interface Reported {
  reason: string;
  message: string;
}

/** Something that was done in this reconcile, told to users as an Event. */
export interface Act {
  type: "Normal" | "Warning";
  reason: string;
  message: string;
}
