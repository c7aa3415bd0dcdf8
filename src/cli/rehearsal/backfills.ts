import type { TriggerRow } from "../../kestra/types.ts";
import { isNotFound } from "../../kubernetes/errors.ts";
import { keyFor } from "../../kubernetes/objects.ts";
import type { AnyObject } from "../../kubernetes/objects.ts";
import { projectBackfill } from "../../resources/backfill/cache.ts";
import { decide } from "../../resources/backfill/decide.ts";
import type { Fact, History, Observed } from "../../resources/backfill/model.ts";
import { observe, read, triggerOf } from "../../resources/backfill/observe.ts";
import { backfills } from "../../resources/backfill/schema.ts";
import type { Backfill, BackfillSpec, BackfillStatus } from "../../resources/backfill/schema.ts";
import { projectFlow } from "../../resources/flow/cache.ts";
import type { CachedFlow } from "../../resources/flow/cache.ts";
import { kestraFlows } from "../../resources/flow/schema.ts";
import { identityKey } from "../../resources/ownership/identity.ts";
import { definitionOf } from "../review/backfill.ts";
import { asApplied } from "./declared.ts";
import type { Declared } from "./declared.ts";
import type { FlowOutcome } from "./flows.ts";
import { lookedAt, outcomeOf } from "./outcome.ts";
import type { Outcome } from "./outcome.ts";
import { rehearse } from "./rehearse.ts";
import type { World } from "./world.ts";

/** What a Backfill would be accepted as. */
export type Plan = { [field in "target" | "range" | "slots" | "plan"]: NonNullable<BackfillStatus[field]> } & Pick<
  BackfillStatus,
  "first" | "last"
>;

/** What an apply of a Backfill would do. */
export interface BackfillOutcome extends Outcome {
  declared: Declared<BackfillSpec>;
  /** What the cluster has by this name; "unknown" where it was not asked. */
  existing: Backfill | undefined | "unknown";
  plan?: Plan;
  /** What became of slots before, by milliseconds since the epoch. Not looked at where all are run. */
  history?: History;
  /** It was counted for the flow as the files have it, which differs from the one in Kestra. */
  flowOfFiles?: true;
}

/** The flows that an apply of the files would bring about. */
export interface FlowsOfFiles {
  /** By `namespace/name` of the resource. */
  byName: ReadonlyMap<string, FlowOutcome>;
  /** Sources that Kestra does not have yet, by the key of their identity. */
  changed: ReadonlyMap<string, string>;
}

/** What the rehearsed flows mean for the Backfills of the same files. */
export function flowsOfFiles(outcomes: readonly FlowOutcome[]): FlowsOfFiles {
  const changes = outcomes.flatMap(({ result, identity, after }) =>
    (result === "create" || result === "update") && identity && after !== undefined
      ? [[identityKey(identity), after] as const]
      : [],
  );
  return {
    byName: new Map(outcomes.map((outcome) => [keyFor(outcome.declared.object.metadata), outcome])),
    changed: new Map(changes),
  };
}

/**
 * Rehearses the acceptance of one Backfill: the slots are found by the operator's own code, in the state of Kestra now and with the flows as
 * the files would change them. One that the cluster has accepted already would start nothing anew.
 *
 * @param anew count as for a new one, whatever the cluster has
 * @throws {KestraError}
 */
export async function rehearseBackfill(
  world: World,
  declared: Declared<BackfillSpec>,
  files: FlowsOfFiles,
  { anew = false, signal }: { anew?: boolean; signal: AbortSignal },
): Promise<BackfillOutcome> {
  const existing = await world.kubernetes.existing<Backfill>(backfills, declared.object.metadata);
  const told = (outcome: Outcome): BackfillOutcome => ({ declared, existing, ...outcome });
  if (!anew && typeof existing === "object" && existing.status?.target !== undefined) return told(accepted(existing));

  let flow: CachedFlow | undefined;
  const unseen = await lookedAt(async () => {
    flow = await flowReferredTo(world, declared, files);
  });
  if (unseen) return told(unseen);
  const object = projectBackfill(asApplied(declared, anew ? undefined : existing));
  const context = { ...world, flows: { get: () => flow }, backfills: { values: () => [] } };
  const seen: Observed = observe(context, object);
  let flowOfFiles = false;
  const readFact = async (it: Observed, fact: Fact): Promise<void> => {
    const source = files.changed.get(identityKey({ tenant: world.settings.tenant, ...referenceOf(it) }));
    if (source === undefined || (fact !== "flow" && fact !== "row")) {
      await read(context, it, fact, signal);
      return;
    }
    flowOfFiles = true;
    if (fact === "flow") it.flow = definitionOf(source) ?? "missing";
    else it.row = freshRow(it);
  };
  const rehearsed = await rehearse({ decide, read: readFact }, seen, world.clock.now());
  if (rehearsed.would === "settle") return told(outcomeOf(rehearsed.verdict));
  const plan = rehearsed.write.op === "record" ? planIn(rehearsed.write.status) : undefined;
  if (plan === undefined) throw new Error(`the first write to a Backfill was to be its acceptance`);
  const { policy } = object;
  const runs = policy.mode === "Run" && plan.slots.remaining > 0;
  const message =
    policy.mode === "Preview"
      ? "mode is Preview: nothing is started."
      : runs && policy.suspend
        ? "Suspended: nothing is started before suspend is false."
        : undefined;
  return {
    ...told({ result: runs && !policy.suspend ? "create" : "none", ...(message === undefined ? {} : { message }) }),
    plan,
    ...(seen.history ? { history: seen.history } : {}),
    ...(flowOfFiles ? { flowOfFiles } : {}),
  };
}

function accepted({ status }: Backfill): Outcome {
  const { state = "accepted", progress } = status ?? {};
  const counted = progress === undefined ? "" : `, ${progress} slots`;
  return { result: "none", message: `The cluster has it already (${state}${counted}): an apply starts nothing anew.` };
}

function referenceOf({ flowReference }: Observed): { namespace: string; id: string } {
  return "missing" in flowReference ? { namespace: "", id: "" } : flowReference;
}

/** The KestraFlow that a Backfill names: as the files would have it, or as it is in the cluster. */
async function flowReferredTo(
  world: World,
  { object: { metadata, spec } }: Declared<BackfillSpec>,
  files: FlowsOfFiles,
): Promise<CachedFlow | undefined> {
  const { flowRef } = spec.target;
  if (flowRef === undefined) return undefined;
  const name = { namespace: metadata.namespace, name: flowRef.name };
  const outcome = files.byName.get(keyFor(name));
  if (outcome !== undefined) return asReady(outcome);
  try {
    return projectFlow(await world.kubernetes.get<AnyObject>(kestraFlows, name));
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** The resource after an apply of the files, Ready unless something keeps it from being so. */
function asReady({ object, identity, result }: FlowOutcome): CachedFlow {
  const good = identity && (result === "create" || result === "update" || result === "none");
  const { metadata, status } = object;
  if (!good) return { ...object, status: { ...status, conditions: [] } };
  const generation = metadata.generation ?? 1;
  const ready = { type: "Ready", status: "True", reason: "Synced", message: "", lastTransitionTime: "" } as const;
  const flow = { ...identity, revision: 0, url: "" };
  return { ...object, status: { ...status, flow, observedGeneration: generation, conditions: [ready] } };
}

/** The state of a trigger that Kestra does not have yet. */
function freshRow(seen: Observed): TriggerRow {
  const { namespace, flow: flowId, trigger: triggerId } = triggerOf(seen);
  return { namespace, flowId, triggerId };
}

function planIn({ target, range, slots, plan, first, last }: Partial<BackfillStatus>): Plan | undefined {
  if (!target || !range || !slots || !plan) return undefined;
  return { target, range, slots, plan, ...(first ? { first } : {}), ...(last ? { last } : {}) };
}
