import type { Verdict } from "../../resources/verdict.ts";
import { NotLookedAt } from "./references.ts";

/**
 * What an apply would do in Kestra, in one word: `none` leaves it as it is; `refused` needs a person; `waiting` waits for something that is
 * not there; `unknown` could not be looked at.
 */
export type Result = "create" | "update" | "none" | "refused" | "waiting" | "unknown";

export interface Outcome {
  result: Result;
  /** What there is to say, as a sentence. */
  message?: string;
}

/** What the operator's verdict means for somebody who has not applied anything yet. */
export function outcomeOf(verdict: Verdict): Outcome {
  switch (verdict.state) {
    case "synced": {
      const message = verdict.drift?.message ?? (verdict.reason === undefined ? undefined : verdict.message);
      return { result: "none", ...(message === undefined ? {} : { message }) };
    }
    case "progressing":
      return { result: "waiting", message: verdict.message };
    case "stalled":
      return { result: "refused", message: verdict.message };
    case "paused":
      return { result: "none", message: "Paused by its annotation: the operator leaves it alone." };
    case "unchanged":
    case "released":
      return { result: "none" };
  }
}

/** Does something that has to look at files and cluster; the outcome is that of what cannot be looked at, or undefined. */
export async function lookedAt(work: () => Promise<void>): Promise<Outcome | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    if (!(error instanceof NotLookedAt)) throw error;
    const { message } = error;
    return { result: "unknown", message: `${message.charAt(0).toUpperCase()}${message.slice(1)}.` };
  }
}
