import type { WantedCondition } from "../kubernetes/conditions.ts";
import { PHASES } from "./verdict.ts";
import type { Verdict } from "./verdict.ts";

/** Conditions to set, and types to remove: abnormal-true conditions are absent while all is well. */
export interface ConditionChanges {
  set: WantedCondition[];
  remove: ("Reconciling" | "Stalled" | "Drifted" | "Paused" | (typeof PHASES)[number])[];
}

/** The state table of design.md §2.1. */
export function conditionsOf(verdict: Verdict): ConditionChanges {
  const { set, remove } = commonConditions(verdict);
  if (!("phase" in verdict) || verdict.phase === undefined) return { set, remove };
  const { phase, reason = phase, message } = verdict;
  const current: WantedCondition[] = phase === "none" ? [] : [{ type: phase, status: "True", reason, message }];
  return { set: [...set, ...current], remove: [...remove, ...PHASES.filter((other) => other !== phase)] };
}

/** What all kinds have in common. */
function commonConditions(verdict: Verdict): ConditionChanges {
  switch (verdict.state) {
    case "synced": {
      const { drift, reason = "Synced", message } = verdict;
      const ready = { type: "Ready", status: "True", reason, message } as const;
      return drift
        ? { set: [ready, { type: "Drifted", status: "True", ...drift }], remove: ["Reconciling", "Stalled", "Paused"] }
        : { set: [ready], remove: ["Reconciling", "Stalled", "Drifted", "Paused"] };
    }
    case "progressing": {
      const { reason, message } = verdict;
      const set: WantedCondition[] = [
        { type: "Ready", status: "False", reason, message },
        { type: "Reconciling", status: "True", reason, message },
      ];
      return { set, remove: ["Stalled", "Paused"] };
    }
    case "stalled": {
      const { reason, message, drift } = verdict;
      const set: WantedCondition[] = [
        { type: "Ready", status: "False", reason, message },
        { type: "Stalled", status: "True", reason, message },
      ];
      if (drift) set.push({ type: "Drifted", status: "True", ...drift });
      return { set, remove: ["Reconciling", "Paused"] };
    }
    case "paused": {
      const message = "Left alone because of the annotation kestraflow.dev/paused; remove it to go on.";
      return { set: [{ type: "Paused", status: "True", reason: "Paused", message }], remove: [] };
    }
    case "unchanged":
    case "released":
      return { set: [], remove: ["Paused"] };
  }
}
