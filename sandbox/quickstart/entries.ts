import { findCondition } from "../../src/kubernetes/conditions.ts";
import { kestraKvs, type KestraKv } from "../../src/resources/kv/schema.ts";
import { SandboxError } from "../errors.ts";
import { poll } from "../polling.ts";
import type { EntryOutcome } from "./outcome.ts";
import { conditionLines, LOOK_EVERY_MS, stateOf, type World } from "./world.ts";

const SETTLED_WITHIN_MS = 60_000;

/**
 * Waits until the KestraKVs that came with the flows are Ready, and names their keys. Puts how they fared into `outcomes`; throws, after
 * showing why, when one is not Ready. Without any, nothing is shown.
 */
export async function showEntries({ kubernetes, screen, signal }: World, outcomes: EntryOutcome[]): Promise<void> {
  let entries: KestraKv[] = [];
  const look = async () => {
    entries = (await kubernetes.list<KestraKv>(kestraKvs, { signal })).items;
    const settled = entries.filter((entry) => stateOf(entry) !== "pending");
    screen.waiting(`${settled.length} of ${entries.length} entries settled`);
    return settled.length === entries.length;
  };
  await poll(look, { timeout: SETTLED_WITHIN_MS, every: LOOK_EVERY_MS, signal });
  screen.rest();
  outcomes.push(...entries.map(outcomeOf));
  const others = entries.filter((entry) => stateOf(entry) !== "ready");
  for (const entry of others) {
    screen.failed(`${entry.metadata.name}: ${outcomeOf(entry).reason}`);
    for (const line of conditionLines(entry)) screen.line(line);
  }
  if (others.length > 0) {
    const names = others.map(({ metadata }) => metadata.name).join(", ");
    throw new SandboxError(`${others.length} of ${entries.length} entries are not Ready: ${names}.`);
  }
  if (entries.length === 0) return;
  const keys = entries.map(({ spec }) => spec.key).join(", ");
  screen.line(`And ${entries.length} of ${entries.length} key-value entries: ${keys}.`);
}

function outcomeOf(entry: KestraKv): EntryOutcome {
  return {
    name: entry.metadata.name,
    ready: stateOf(entry) === "ready",
    reason: findCondition(entry.status?.conditions, "Ready")?.reason ?? "Pending",
  };
}
