import { truncate } from "../lib/text.ts";

/** The standard condition of Kubernetes' API conventions. */
export interface Condition {
  type: string;
  status: "True" | "False" | "Unknown";
  /** One word in CamelCase. */
  reason: string;
  message: string;
  /** The generation of the spec that this was said about. */
  observedGeneration?: number;
  /** When `status` last changed, RFC 3339 in whole seconds. */
  lastTransitionTime: string;
}

export type WantedCondition = Pick<Condition, "type" | "status" | "reason" | "message">;

export interface ConditionsInput {
  /** What the object has. */
  current: readonly Condition[] | undefined;
  /** What is so now. */
  wanted: readonly WantedCondition[];
  /** Every type we ever set: those that are not wanted now are removed. Others' conditions stay as they are. */
  owned: readonly string[];
  generation: number;
  now: Date;
}

/** Longest message of a condition, in UTF-16 units, which is what JavaScript counts and more than what users read. */
const LONGEST_MESSAGE = 1024;

/**
 * The conditions after a reconcile: others' first and untouched, then the wanted ones in their order. A condition whose
 * status stays keeps its transition time, so that equal input gives equal output.
 */
export function nextConditions({ current = [], wanted, owned, generation, now }: ConditionsInput): Condition[] {
  const ours = new Set([...owned, ...wanted.map(({ type }) => type)]);
  const foreign = current.filter(({ type }) => !ours.has(type));
  const next = wanted.map(({ type, status, reason, message }): Condition => {
    const before = current.find((condition) => condition.type === type);
    const lastTransitionTime = before?.status === status ? before.lastTransitionTime : toSeconds(now);
    return {
      type,
      status,
      reason,
      message: boundedMessage(message),
      observedGeneration: generation,
      lastTransitionTime,
    };
  });
  return [...foreign, ...next];
}

export function findCondition(conditions: readonly Condition[] | undefined, type: string): Condition | undefined {
  return conditions?.find((condition) => condition.type === type);
}

export function isTrue(conditions: readonly Condition[] | undefined, type: string): boolean {
  return findCondition(conditions, type)?.status === "True";
}

/** A message as conditions and Events hold it. */
export function boundedMessage(message: string): string {
  return truncate(message, LONGEST_MESSAGE);
}

/** RFC 3339 in whole seconds, as metav1.Time has it. */
export function toSeconds(time: Date): string {
  return time.toISOString().replace(/\.\d+Z$/, "Z");
}
