import { isNotFound } from "../kubernetes/errors.ts";
import type { EventRecorder } from "../kubernetes/events.ts";
import { apiVersionOf, keyOf } from "../kubernetes/objects.ts";
import type { AnyObject } from "../kubernetes/objects.ts";
import { statusPatch } from "../kubernetes/status.ts";
import type { ReconcileResult } from "../kubernetes/controller.ts";
import {
  KestraError,
  KestraProtocolError,
  KestraRejected,
  KestraUnauthorized,
  KestraUnreachable,
} from "../kestra/errors.ts";
import type { DriftKind } from "./common.ts";
import type { Conclusion } from "./conclude.ts";
import type { ResourceContext } from "./context.ts";
import { isSettled } from "./decisions.ts";
import type { CachedResource, Decision, Observed, OwnershipWrite, Settled } from "./model.ts";
import { applyOwnership } from "./ownership/apply.ts";
import type { OwnedKind } from "./ownership/apply.ts";
import { ResourceGone } from "./ownership/observe.ts";
import { sameIdentity } from "./ownership/identity.ts";
import type { Identity } from "./ownership/identity.ts";
import type { Verdict } from "./verdict.ts";

/** More steps than any situation takes: a decision that goes in circles is a defect, and must not spin. */
const MAX_STEPS = 24;

/** The four verbs of one kind, and what else reconciling must know of it. */
export interface Kind<
  R extends CachedResource,
  O extends Observed<R>,
  Fact extends string,
  Write extends { op: string },
> extends OwnedKind<R> {
  observe(object: R): O;
  decide(seen: O, now: number): Decision<Fact, Write>;
  read(seen: O, fact: Fact, signal: AbortSignal): Promise<void>;
  apply(seen: O, write: Write, signal: AbortSignal): Promise<void>;
  conclude(seen: O, verdict: Verdict, drift: DriftKind | undefined, now: number): Conclusion<R["status"]>;
  /** Where Kestra was looked at in this reconcile, and the revision that it showed there: undefined where nothing is. */
  sighted(seen: O): { identity: Identity; revision: number | undefined } | undefined;
}

/** A verdict, and an error to be thrown once the status is written, so that the key is tried again with back-off. */
type Outcome = Omit<Settled, "do"> & { error?: Error };

/**
 * Reconciles resources of one kind: observe → decide → apply, step by step until a decision settles, then conclude with at most one
 * status patch and none when nothing changed.
 */
export class Reconciler<
  R extends CachedResource,
  O extends Observed<R>,
  Fact extends string,
  Write extends { op: string },
> {
  readonly #context: ResourceContext<R>;
  readonly #kind: Kind<R, O, Fact, Write>;
  readonly #events: EventRecorder;

  constructor(context: ResourceContext<R>, kind: Kind<R, O, Fact, Write>, events: EventRecorder) {
    this.#context = context;
    this.#kind = kind;
    this.#events = events;
  }

  /** @throws what should make the key be tried again with back-off */
  async reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const object = this.#context.resources.get(key);
    if (object === undefined) return {};
    const seen = this.#kind.observe(object);
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

  async #settle(seen: O, signal: AbortSignal): Promise<Outcome> {
    const { clock } = this.#context;
    try {
      for (let step = 0; step < MAX_STEPS; step++) {
        const decision = this.#kind.decide(seen, clock.now());
        if (decision.do === "settle") return decision;
        if (decision.do === "read") await this.#kind.read(seen, decision.fact, signal);
        else await applyWrite(this.#context, this.#kind, seen, decision.write, signal);
      }
    } catch (error) {
      if (error instanceof KestraError) return this.#troubled(seen, error);
      throw error;
    }
    throw new Error(`no verdict on ${keyOf(seen.object)} after ${MAX_STEPS} steps`);
  }

  /** The one place where errors of Kestra become verdicts. */
  #troubled(seen: O, error: KestraError): Outcome {
    const { message } = error;
    if (error instanceof KestraRejected) {
      const refused = `Kestra refuses the ${seen.noun}: ${message}`;
      return { verdict: { state: "stalled", reason: "Rejected", message: refused } };
    }
    // Something else that answers in Kestra's place is as good as no answer.
    const outOfReach = error instanceof KestraUnreachable || error instanceof KestraProtocolError;
    if (outOfReach || error instanceof KestraUnauthorized) this.#context.server.suspect();
    // Whether the server is out of reach is for its monitor to say; one lost answer does not make what is in sync less so.
    if (outOfReach && isSettled(seen.object)) return { verdict: { state: "unchanged" }, error };
    return { verdict: { state: "progressing", reason: error.code, message: `${message}.` }, error };
  }

  async #conclude(seen: O, { verdict, drift }: Outcome, signal: AbortSignal): Promise<number | undefined> {
    this.#rememberLook(seen, verdict);
    const { status, events, requeueAfterMs } = this.#kind.conclude(seen, verdict, drift, this.#context.clock.now());
    if (verdict.state !== "released") await this.#patchStatus(seen, status, signal);
    const { type } = this.#kind;
    const about = { apiVersion: apiVersionOf(type), kind: type.kind, ...nameOf(seen.object) };
    for (const event of events) this.#events.record(about, event);
    return requeueAfterMs;
  }

  /** What was read or written is what lists are compared with from now on. */
  #rememberLook(seen: O, { state }: Verdict): void {
    const sighted = this.#kind.sighted(seen);
    if (sighted === undefined) return;
    const { drift } = this.#context;
    const { identity, revision } = sighted;
    const key = keyOf(seen.object);
    const former = seen.object.owned;
    if (state === "synced" && former && !sameIdentity(former, identity)) drift.forget(former, key);
    if (state === "synced" || sameIdentity(former, identity)) drift.saw(identity, key, revision);
  }

  async #patchStatus(seen: O, status: R["status"], signal: AbortSignal): Promise<void> {
    const { metadata, removed } = seen.object;
    // There is nobody left to tell.
    if (removed) return;
    const patch = statusPatch(seen.object, status, { guarded: true });
    if (patch === undefined) return;
    const { type } = this.#kind;
    this.#context.resources.learn(
      await this.#context.kubernetes.patchStatus<AnyObject>(type, metadata, patch, { signal }),
    );
  }
}

/** Makes the one external write of a step. */
export function applyWrite<R extends CachedResource, O extends Observed<R>, Write extends { op: string }>(
  context: ResourceContext<R>,
  kind: OwnedKind<R> & Pick<Kind<R, O, never, Write>, "apply">,
  seen: O,
  write: Write | OwnershipWrite,
  signal: AbortSignal,
): Promise<void> {
  return isOwnershipWrite(write) ? applyOwnership(context, kind, seen, write, signal) : kind.apply(seen, write, signal);
}

const OWNERSHIP_WRITES: ReadonlySet<string> = new Set<OwnershipWrite["op"]>([
  "claim",
  "unclaim",
  "delete",
  "handOver",
  "release",
]);

/** Whether a write changes who owns what, and nothing else in Kestra than what is left behind. */
export function isOwnershipWrite(write: { op: string }): write is OwnershipWrite {
  return OWNERSHIP_WRITES.has(write.op);
}

function nameOf({ metadata: { name, namespace, uid } }: CachedResource): {
  name: string;
  namespace?: string;
  uid: string;
} {
  return { name, uid, ...(namespace === undefined ? {} : { namespace }) };
}
