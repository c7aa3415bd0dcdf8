import { findCondition } from "../../src/kubernetes/conditions.ts";
import type { AnyObject, Metadata } from "../../src/kubernetes/objects.ts";
import { kestraFlows, type KestraFlow } from "../../src/resources/flow/schema.ts";
import { SandboxError } from "../errors.ts";
import { poll } from "../polling.ts";
import { toSeconds, type FlowOutcome } from "./outcome.ts";
import { conditionLines, LOOK_EVERY_MS, stateOf, type World } from "./world.ts";

const SETTLED_WITHIN_MS = 120_000;

/** As wide as the tutorial's longest, which leaves room for the rest in a terminal of 80 columns. */
const [NAME_WIDTH, ID_WIDTH] = [29, 32];

/** All that were applied, hence at least one. */
export type Flows = [KestraFlow, ...KestraFlow[]];

/**
 * Applies the manifests, and shows each KestraFlow as it becomes Ready or is found not to become so. Puts how they fared into
 * `outcomes` as it learns it, and returns the flows; throws, after showing why, when one is not Ready.
 */
export async function applyFlows(world: World, manifests: string[], outcomes: FlowOutcome[]): Promise<Flows> {
  const { kubernetes, screen, signal } = world;
  const begin = performance.now();
  const application = apply(world, manifests);
  const flows = new Map<string, KestraFlow>();
  const settled = new Set<string>();
  const settle = (flow: KestraFlow) => {
    settled.add(keyOf(flow.metadata));
    const milliseconds = performance.now() - begin;
    outcomes.push(outcomeOf(flow, milliseconds));
    show(world, flow, milliseconds);
  };
  // The operator is at work on the first flows while kubectl still applies the last ones.
  const look = async () => {
    const { items } = await kubernetes.list<KestraFlow>(kestraFlows, { signal });
    for (const flow of items) {
      flows.set(keyOf(flow.metadata), flow);
      if (!settled.has(keyOf(flow.metadata)) && stateOf(flow) !== "pending") settle(flow);
    }
    const applied = application.done();
    screen.waiting(`${settled.size} of ${applied?.length ?? "…"} settled`);
    return applied?.every((key) => settled.has(key));
  };
  const ended = await poll(look, { timeout: SETTLED_WITHIN_MS, every: LOOK_EVERY_MS, signal });
  for (const [key, flow] of flows) if (!settled.has(key)) settle(flow);
  assertAllReady(outcomes);
  if (!ended) throw new SandboxError(`kubectl apply has not ended within ${SETTLED_WITHIN_MS / 1000} s.`);
  return [...flows.values()] as Flows;
}

/** Runs kubectl apply. `done` answers the keys of the KestraFlows when that has ended, and throws if it failed. */
function apply({ kubectl }: World, manifests: string[]): { done: () => string[] | undefined } {
  let applied: string[] | undefined;
  let failure: unknown;
  kubectl.run(["apply", ...manifests, "-o", "json"]).then(
    (output) => {
      const answer = JSON.parse(output) as AnyObject | { kind: "List"; items: AnyObject[] };
      const objects = "items" in answer ? answer.items : [answer];
      applied = objects.filter(({ kind }) => kind === kestraFlows.kind).map(({ metadata }) => keyOf(metadata));
    },
    (error: unknown) => (failure = error),
  );
  return {
    done: () => {
      if (failure !== undefined) throw failure as Error;
      return applied;
    },
  };
}

function show({ screen }: World, flow: KestraFlow, milliseconds: number): void {
  const name = flow.metadata.name.padEnd(NAME_WIDTH);
  const id = (flow.status?.flow?.id ?? "–").padEnd(ID_WIDTH);
  if (stateOf(flow) === "ready") {
    screen.rest();
    screen.done(`${name} ${id} Ready`, milliseconds);
    return;
  }
  screen.failed(`${name} ${id} ${outcomeOf(flow, milliseconds).reason}`);
  for (const line of conditionLines(flow)) screen.line(line);
}

function outcomeOf(flow: KestraFlow, milliseconds: number): FlowOutcome {
  return {
    name: flow.metadata.name,
    ready: stateOf(flow) === "ready",
    reason: findCondition(flow.status?.conditions, "Ready")?.reason ?? "Pending",
    revision: flow.status?.flow?.revision ?? null,
    seconds: toSeconds(milliseconds),
  };
}

function assertAllReady(outcomes: FlowOutcome[]): void {
  if (outcomes.length === 0) throw new SandboxError("There is no KestraFlow among the manifests.");
  const others = outcomes.filter(({ ready }) => !ready).map(({ name }) => name);
  if (others.length > 0)
    throw new SandboxError(`${others.length} of ${outcomes.length} flows are not Ready: ${others.join(", ")}.`);
}

const keyOf = ({ namespace, name }: Metadata) => `${namespace}/${name}`;
