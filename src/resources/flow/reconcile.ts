import type { EventRecorder } from "../../kubernetes/events.ts";
import { apiVersionOf, keyOf } from "../../kubernetes/objects.ts";
import type { AnyObject } from "../../kubernetes/objects.ts";
import { isNotFound } from "../../kubernetes/errors.ts";
import { statusPatch } from "../../kubernetes/status.ts";
import type { ReconcileResult } from "../../kubernetes/controller.ts";
import {
  KestraError,
  KestraProtocolError,
  KestraRejected,
  KestraUnauthorized,
  KestraUnreachable,
} from "../../kestra/errors.ts";
import type { Verdict } from "../verdict.ts";
import { apply } from "./apply.ts";
import { isSettled } from "./cache.ts";
import type { CachedFlow } from "./cache.ts";
import { conclude } from "./conclude.ts";
import type { FlowContext } from "./context.ts";
import { decide } from "./decide.ts";
import { sameIdentity } from "./identity.ts";
import type { Observed } from "./model.ts";
import { observe, read, ResourceGone } from "./observe.ts";
import { kestraFlows } from "./schema.ts";
import type { DriftKind, FlowStatus } from "./schema.ts";

/** More steps than any situation takes: a decision that goes in circles is a defect, and must not spin. */
const MAX_STEPS = 24;

interface Outcome {
  verdict: Verdict;
  drift?: DriftKind;
  /** To be thrown once the status is written, so that the key is tried again with back-off. */
  error?: Error;
}

/**
 * Reconciles one KestraFlow: observe → decide → apply, step by step until a decision settles, then conclude with at most one status
 * patch and none when nothing changed.
 */
export class FlowReconciler {
  readonly #context: FlowContext;
  readonly #events: EventRecorder;

  constructor(context: FlowContext, events: EventRecorder) {
    this.#context = context;
    this.#events = events;
  }

  /** @throws what should make the key be tried again with back-off */
  async reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const object = this.#context.flows.get(key);
    if (object === undefined) return {};
    const seen = observe(this.#context, object);
    try {
      const outcome = await this.#settle(seen, signal);
      const requeueAfterMs = await this.#conclude(seen, outcome, signal);
      if (outcome.error !== undefined) throw outcome.error;
      return { requeueAfterMs, priority: "low" };
    } catch (error) {
      if (error instanceof ResourceGone || isNotFound(error)) return {};
      throw error;
    }
  }

  async #settle(seen: Observed, signal: AbortSignal): Promise<Outcome> {
    const { clock } = this.#context;
    try {
      for (let step = 0; step < MAX_STEPS; step++) {
        const decision = decide(seen, clock.now());
        if (decision.do === "settle") return decision;
        if (decision.do === "read") await read(this.#context, seen, decision.fact, signal);
        else await apply(this.#context, seen, decision.write, signal);
      }
    } catch (error) {
      if (error instanceof KestraError) return this.#troubled(seen, error);
      throw error;
    }
    throw new Error(`no verdict on ${keyOf(seen.object)} after ${MAX_STEPS} steps`);
  }

  /** The one place where errors of Kestra become verdicts. */
  #troubled(seen: Observed, error: KestraError): Outcome {
    const { message } = error;
    if (error instanceof KestraRejected) {
      return { verdict: { state: "stalled", reason: "Rejected", message: `Kestra refuses the flow: ${message}` } };
    }
    // Something else that answers in Kestra's place is as good as no answer.
    const outOfReach = error instanceof KestraUnreachable || error instanceof KestraProtocolError;
    if (outOfReach || error instanceof KestraUnauthorized) this.#context.server.suspect();
    // Whether the server is out of reach is for its monitor to say; one lost answer does not make a flow that is in sync less so.
    if (outOfReach && isSettled(seen.object.metadata, seen.object.status)) {
      return { verdict: { state: "unchanged" }, error };
    }
    return { verdict: { state: "progressing", reason: error.code, message: `${message}.` }, error };
  }

  async #conclude(seen: Observed, { verdict, drift }: Outcome, signal: AbortSignal): Promise<number | undefined> {
    this.#rememberLook(seen, verdict);
    const { status, events, requeueAfterMs } = conclude(seen, verdict, drift, this.#context.clock.now());
    if (verdict.state !== "released") await this.#patchStatus(seen, status, signal);
    const about = { apiVersion: apiVersionOf(kestraFlows), kind: kestraFlows.kind, ...nameOf(seen.object) };
    for (const event of events) this.#events.record(about, event);
    return requeueAfterMs;
  }

  /** What was read or written is what lists are compared with from now on. */
  #rememberLook({ object, stored, desired }: Observed, { state }: Verdict): void {
    const { drift } = this.#context;
    if (stored === undefined || desired === undefined || !("identity" in desired)) return;
    const former = object.status.flow;
    if (state === "synced" && former && !sameIdentity(former, desired.identity)) drift.forget(former, keyOf(object));
    const owned = state === "synced" || sameIdentity(former, desired.identity);
    if (owned) drift.saw(desired.identity, keyOf(object), stored === "missing" ? undefined : stored.revision);
  }

  async #patchStatus(seen: Observed, status: FlowStatus, signal: AbortSignal): Promise<void> {
    const { metadata } = seen.object;
    const patch = statusPatch(seen.object, status, { guarded: true });
    if (patch === undefined) return;
    const patched = await this.#context.kubernetes.patchStatus<AnyObject>(kestraFlows, metadata, patch, { signal });
    this.#context.flows.learn(patched);
  }
}

function nameOf({ metadata: { name, namespace, uid } }: CachedFlow): { name: string; namespace?: string; uid: string } {
  return { name, uid, ...(namespace === undefined ? {} : { namespace }) };
}
