import { ManualClock } from "../../../kubernetes/support/manualClock.ts";
import type { ReconcileResult } from "../../../../../src/kubernetes/controller.ts";
import type { EventRecorder } from "../../../../../src/kubernetes/events.ts";
import { keyOf } from "../../../../../src/kubernetes/objects.ts";
import type { KestraClient } from "../../../../../src/kestra/client.ts";
import type { ServerMonitor, ServerState } from "../../../../../src/kestra/server.ts";
import type { FlowIdentity } from "../../../../../src/kestra/types.ts";
import { messageOf } from "../../../../../src/lib/async.ts";
import { canonicalJson } from "../../../../../src/lib/digest.ts";
import { silentLogger } from "../../../../../src/lib/log.ts";
import { parseYaml } from "../../../../../src/lib/yaml.ts";
import { projectFlow } from "../../../../../src/resources/flow/cache.ts";
import { readClaim } from "../../../../../src/resources/ownership/claim.ts";
import { isReady } from "../../../../../src/resources/decisions.ts";
import { Claims } from "../../../../../src/resources/ownership/claims.ts";
import { flowKind } from "../../../../../src/resources/flow/kind.ts";
import { listedFlows } from "../../../../../src/resources/flow/listing.ts";
import { DriftMonitor } from "../../../../../src/resources/drift/monitor.ts";
import { identityKey, sameIdentity } from "../../../../../src/resources/ownership/identity.ts";
import { declaredBy } from "../../../../../src/resources/flow/observe.ts";
import type { FlowContext } from "../../../../../src/resources/flow/observe.ts";
import { Reconciler } from "../../../../../src/resources/reconciler.ts";
import { withoutRevision } from "../../../../../src/resources/flow/source.ts";
import { KestraInMemory } from "./kestraInMemory.ts";
import { copyOf, KubernetesInMemory } from "./kubernetesInMemory.ts";
import type { Resource } from "./kubernetesInMemory.ts";
import { settings } from "./observed.ts";

/** The process is killed: whatever it knew is lost. */
export class Crash extends Error {}

/** Something happened that must never happen. */
export class Violation extends Error {}

/** More reconciles than any of our situations takes until all is quiet. */
const MOST_RECONCILES = 200;

/**
 * Kubernetes and Kestra in memory, reconciled by the real {@link Reconciler}, which can be killed around any of its writes.
 *
 * The world watches over what must never happen: a flow changed or deleted by a resource that has no right to it, a flow deleted that
 * another resource wants, a call to a Kestra that is known to be down.
 */
export class World {
  readonly clock = new ManualClock();
  readonly kestra: KestraInMemory;
  readonly kubernetes: KubernetesInMemory;
  /** Every external write so far, e.g. `create main/n/a`. */
  readonly writes: string[] = [];
  /** Kills the process at the write of this number, of all or of those that match, before or after it takes effect. */
  crash: { at: number; of?: RegExp; when: "before" | "after" } | undefined;
  /** Every Event so far. */
  readonly events: string[] = [];
  /** How often a failed call made the server suspect. */
  suspicions = 0;
  /** The process is dead until {@link restart}. */
  crashed = false;
  #epoch = 1;
  #process: Process;

  constructor() {
    this.kestra = new KestraInMemory((what, identity, effect) => this.#changeFlow(what, identity, effect));
    this.kubernetes = new KubernetesInMemory(
      (what, object, effect) => this.#changeResource(what, object, effect),
      (key) => {
        this.#process.notice(key);
      },
    );
    this.#process = new Process(this);
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** Another process takes over: nothing is known but what is in the world. */
  restart(): void {
    this.crashed = false;
    this.#process = new Process(this);
  }

  get context(): FlowContext {
    return this.#process.context;
  }

  /** The resource on whose behalf things are written from now on. */
  set actor(key: string) {
    this.#process.actor = key;
  }

  applyConfigMap(name: string, text: string): void {
    this.kubernetes.applyConfigMap(name, { flow: text });
    this.#process.noticeConfigMap(name);
  }

  /** Reconciles one resource once, as it is. Throws what the reconciler throws. */
  reconcile(name: string): Promise<ReconcileResult> {
    return this.#process.reconcile(`team/${name}`);
  }

  /** Kestra was replaced or came back: what is known of it may be void. */
  renewKestra(): void {
    this.#epoch += 1;
    this.#process.noticeAll();
  }

  /** Reconciles, looks for drift and lets time pass until nothing is left to do. Throws {@link Crash} when it is killed. */
  async rest(): Promise<void> {
    for (let round = 0; round < 8; round++) {
      const before = this.writes.length;
      await this.#process.work();
      this.clock.freeze(3 * 3_600_000);
      await this.#process.look();
      await this.#process.work();
      if (round > 0 && this.writes.length === before) return;
    }
    throw new Violation(`no rest: ${this.writes.slice(-10).join(", ")}`);
  }

  /** What must be the same however we got here. */
  snapshot(): object {
    const flows = [...this.kestra.stored].map(([key, { source }]) => [key, parseYaml(source)]);
    const resources = [...this.kubernetes.resources].map(([key, { status }]) => [
      key,
      status?.conditions?.map(({ type, status: value, reason }) => `${type}=${value} ${reason}`).sort(),
      isReady(status ?? {}) && status?.flow ? identityKey(status.flow) : undefined,
    ]);
    return { flows: Object.fromEntries(flows.sort()) as object, resources: resources.sort() };
  }

  #changeFlow<T>(what: string, identity: FlowIdentity, effect: () => T): T {
    const actor = this.kubernetes.resources.get(this.#process.actor);
    if (actor === undefined) throw new Violation(`${what} without a resource`);
    const key = identityKey(identity);
    if (what !== "create" && !this.#mayTouch(actor, identity))
      throw new Violation(`${what} ${key} by ${this.#process.actor}, which has no right to it`);
    if (what === "delete") this.#mustNotBeWanted(identity, actor);
    return this.#write(`${what} ${key}`, () => {
      const result = effect();
      this.kestra.stored.get(key)?.rights.add(actor.metadata.uid);
      return result;
    });
  }

  #changeResource<T>(what: string, after: Resource, effect: () => T): T {
    const before = this.kubernetes.resources.get(keyOf(after));
    const recorded = after.status?.flow;
    if (recorded && !sameIdentity(recorded, before?.status?.flow) && !this.#mayTouch(after, recorded))
      throw new Violation(`${keyOf(after)} records ${identityKey(recorded)}, to which it has no right`);
    return this.#write(`${what} ${keyOf(after)}`, () => {
      // A claim is an adoption, as far as its policy goes, or a hand-over, where another resource writes it.
      const claim = readClaim(after.metadata);
      const handedOver = this.#process.actor !== keyOf(after);
      if (claim && (handedOver || this.#mayTouch(after, claim)))
        this.kestra.stored.get(identityKey(claim))?.rights.add(claim.uid);
      return effect();
    });
  }

  #write<T>(what: string, effect: () => T): T {
    this.writes.push(what);
    const crash = this.#crashesAt(what);
    if (crash === "before") this.#die();
    const result = effect();
    if (crash === "after") this.#die();
    return result;
  }

  #die(): never {
    this.crashed = true;
    throw new Crash();
  }

  #crashesAt(what: string): "before" | "after" | undefined {
    const { at, of = /^/, when } = this.crash ?? {};
    return of.test(what) && this.writes.filter((write) => of.test(write)).length === at ? when : undefined;
  }

  /** A flow that it made, was handed, or recorded rightly; or one that its adoption policy lets it have. */
  #mayTouch({ metadata, spec, status }: Resource, identity: FlowIdentity): boolean {
    const flow = this.kestra.stored.get(identityKey(identity));
    if (flow === undefined || flow.rights.has(metadata.uid) || sameIdentity(status?.flow, identity)) return true;
    const { adoption = "IfIdentical" } = spec;
    return adoption === "Always" || (adoption === "IfIdentical" && this.#holds(flow.source, spec));
  }

  #holds(stored: string, { source, flow, sourceFrom }: Resource["spec"]): boolean {
    if (flow) {
      const parsed = parseYaml(stored);
      return parsed.ok && canonicalJson(parsed.value) === canonicalJson(flow);
    }
    const name = sourceFrom?.configMapKeyRef.name ?? "";
    const text = source ?? this.kubernetes.configMaps.get(`team/${name}`)?.data.flow;
    return text !== undefined && withoutRevision(text) === withoutRevision(stored);
  }

  #mustNotBeWanted(identity: FlowIdentity, actor: Resource): void {
    for (const { metadata, spec, status } of this.kubernetes.resources.values()) {
      if (metadata.uid === actor.metadata.uid || metadata.deletionTimestamp !== undefined) continue;
      if (this.context.settings.refusal(metadata.namespace ?? "", identity.namespace) !== undefined) continue;
      const parsed = spec.source === undefined ? undefined : parseYaml(spec.source);
      const declared = (spec.flow ?? (parsed?.ok ? parsed.value : undefined)) as FlowIdentity | undefined;
      const wanted = declared && sameIdentity({ ...declared, tenant: "main" }, identity);
      if (wanted || sameIdentity(status?.flow, identity))
        throw new Violation(`${identityKey(identity)} is deleted although ${metadata.name} wants it`);
    }
  }
}

/** One life of the operator. */
class Process {
  /** The resource that is reconciled right now. */
  actor = "";
  readonly context: FlowContext;
  readonly #world: World;
  readonly #queue = new Set<string>();
  readonly #requeued = new Set<string>();
  readonly #reconciler: Pick<Reconciler<never, never, never, never>, "reconcile">;
  readonly #signal = new AbortController().signal;

  constructor(world: World) {
    this.#world = world;
    const { kestra, kubernetes, clock } = world;
    const enqueue = (key: string) => {
      this.#queue.add(key);
    };
    this.context = {
      kubernetes: kubernetes.client as FlowContext["kubernetes"],
      kestra: { flows: kestra } as unknown as KestraClient,
      server: serverOf(world),
      resources: {
        get: (key) => {
          const found = kubernetes.resources.get(key);
          return found && projectFlow(copyOf(found));
        },
        learn: () => undefined,
      },
      configMaps: { get: (key) => kubernetes.configMaps.get(key) },
      claims: new Claims(settings.instance, enqueue),
      drift: new DriftMonitor({
        nouns: "flows",
        list: async (namespace) => listedFlows(await kestra.list(namespace)),
        ready: () => !kestra.down,
        epoch: () => world.epoch,
        onSuspect: enqueue,
        clock,
        logger: silentLogger,
        intervalMs: settings.driftIntervalMs,
        rereadMs: 3_600_000,
        random: () => 0.5,
      }),
      settings: { ...settings },
      clock,
      logger: silentLogger,
    };
    this.#reconciler = new Reconciler(this.context, flowKind(this.context), recorderOf(world));
    this.noticeAll();
  }

  noticeAll(): void {
    for (const key of this.#world.kubernetes.resources.keys()) this.notice(key);
  }

  /** What the watch tells, as the operator's controller takes it. */
  notice(key: string): void {
    const object = this.context.resources.get(key);
    if (object === undefined) {
      this.context.claims.remove(key);
      return;
    }
    const declared = declaredBy(this.context, object);
    this.context.claims.update(object, declared && "identity" in declared ? declared.identity : undefined);
    this.#queue.add(key);
  }

  /** The ConfigMap of this name changed. */
  noticeConfigMap(name: string): void {
    for (const [key, { spec }] of this.#world.kubernetes.resources)
      if (spec.sourceFrom?.configMapKeyRef.name === name) this.#queue.add(key);
  }

  /** What happens by itself as time passes: lists of flows, and another look at what waits for one. */
  async look(): Promise<void> {
    for (const key of this.#requeued) this.#queue.add(key);
    this.#requeued.clear();
    if (!this.#world.kestra.down) await this.context.drift.look(this.#signal);
  }

  async work(): Promise<void> {
    for (let reconciles = 0; this.#queue.size > 0; reconciles++) {
      if (reconciles > MOST_RECONCILES) throw new Violation(`no rest: ${this.#world.writes.slice(-8).join(", ")}`);
      const [key = ""] = this.#queue;
      this.#queue.delete(key);
      await this.#workOn(key);
    }
  }

  reconcile(key: string): Promise<ReconcileResult> {
    this.#world.clock.freeze(1_500);
    this.actor = key;
    return this.#reconciler.reconcile(key, this.#signal);
  }

  async #workOn(key: string): Promise<void> {
    try {
      const { requeueAfterMs } = await this.reconcile(key);
      if (requeueAfterMs !== undefined) this.#requeued.add(key);
    } catch (error) {
      if (error instanceof Crash || error instanceof Violation) throw error;
      throw new Violation(`reconciling ${key} failed: ${messageOf(error)}`, { cause: error });
    }
  }
}

function recorderOf(world: World): EventRecorder {
  const recorder: Pick<EventRecorder, "record"> = {
    record({ name }, { reason }) {
      world.events.push(`${name}: ${reason}`);
    },
  };
  return recorder as EventRecorder;
}

function serverOf(world: World): ServerMonitor {
  const server: Pick<ServerMonitor, "state" | "suspect"> = {
    get state(): ServerState {
      const info = { uuid: "u", version: "1.1.15" };
      return world.kestra.down ? { kind: "lost", since: 0, message: "refused" } : { kind: "up", info };
    },
    suspect() {
      if (world.kestra.down) throw new Violation("a call was made to a Kestra that is known to be down");
      world.suspicions += 1;
    },
  };
  return server as ServerMonitor;
}
