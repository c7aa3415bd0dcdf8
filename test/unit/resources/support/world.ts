import { ManualClock } from "../../kubernetes/support/manualClock.ts";
import type { ReconcileResult } from "../../../../src/kubernetes/controller.ts";
import type { EventRecorder } from "../../../../src/kubernetes/events.ts";
import type { NamedObjects } from "../../../../src/kubernetes/namedObjects.ts";
import { keyOf } from "../../../../src/kubernetes/objects.ts";
import type { AnyObject, ResourceType } from "../../../../src/kubernetes/objects.ts";
import type { KestraClient } from "../../../../src/kestra/client.ts";
import type { ServerMonitor, ServerState } from "../../../../src/kestra/server.ts";
import { messageOf } from "../../../../src/lib/async.ts";
import type { Logger } from "../../../../src/lib/log.ts";
import type { ControlledKind } from "../../../../src/operator/resourceController.ts";
import type { Adoption, CommonStatus } from "../../../../src/resources/common.ts";
import type { ResourceContext } from "../../../../src/resources/context.ts";
import { isReady } from "../../../../src/resources/decisions.ts";
import { DriftMonitor } from "../../../../src/resources/drift/monitor.ts";
import type { CachedResource } from "../../../../src/resources/model.ts";
import { readClaim } from "../../../../src/resources/ownership/claim.ts";
import { Claims } from "../../../../src/resources/ownership/claims.ts";
import { identityKey, sameIdentity } from "../../../../src/resources/ownership/identity.ts";
import type { Identity } from "../../../../src/resources/ownership/identity.ts";
import { FollowedSecrets } from "./followedSecrets.ts";
import { copyOf, KubernetesInMemory } from "./kubernetesInMemory.ts";
import type { Resource } from "./kubernetesInMemory.ts";
import { settings } from "./observed.ts";

/** The process is killed: whatever it knew is lost. */
export class Crash extends Error {}

/** Something happened that must never happen. */
export class Violation extends Error {}

/** Wraps a change of what Kestra holds, so that a test can count it, judge it, or end the process around it. */
export type Change = <T>(what: string, identity: Identity, effect: () => T) => T;

/** What Kestra holds of one kind, in memory. */
export interface Store {
  /** Uids of the resources that made what is there, took it over by their policy, or were handed it; undefined where nothing is. */
  rightsTo(identity: Identity): Set<string> | undefined;
  down: boolean;
}

/** What the world must know of a kind. */
export interface KindOfWorld<R extends CachedResource> {
  type: ResourceType;
  project: (object: AnyObject) => R;
  control: (kestra: KestraClient, secrets: NamedObjects, events: EventRecorder) => ControlledKind<R>;
}

/** More reconciles than any of our situations takes until all is quiet. */
const MOST_RECONCILES = 200;

/**
 * Kubernetes and Kestra in memory, reconciled by the real reconciler, which can be killed around any of its writes.
 *
 * The world watches over what must never happen: something in Kestra changed or deleted by a resource that has no right to it, or
 * deleted though another resource wants it, a call to a Kestra that is known to be down.
 */
export abstract class World<
  R extends CachedResource,
  Spec extends { adoption: Adoption },
  Status extends CommonStatus,
> {
  readonly clock = new ManualClock();
  readonly kubernetes: KubernetesInMemory<Spec, Status>;
  readonly kind: KindOfWorld<R>;
  abstract readonly kestra: Store;
  /** What reconciling calls. */
  abstract readonly client: KestraClient;
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
  #process: Process<R> | undefined;

  constructor(kind: KindOfWorld<R>) {
    this.kind = kind;
    this.kubernetes = new KubernetesInMemory(
      kind.type,
      (what, object, effect) => this.#changeResource(what, object, effect),
      (key) => {
        this.process.notice(key);
      },
    );
  }

  /** Where a resource wants what it declares, as a person reads it. */
  protected abstract wanted(resource: Resource<Spec, Status>): Identity | undefined;
  /** Whether what Kestra holds there is what a resource declares. */
  protected abstract isIdentical(resource: Resource<Spec, Status>, identity: Identity): boolean;
  /** What Kestra holds, without what tells how it came about. */
  protected abstract shown(): object;

  /** Told of every text that leaves the process for people to read. */
  readonly inspect: (text: string) => void = () => undefined;

  /** The process that lives now. */
  protected get process(): Process<R> {
    return (this.#process ??= new Process(this));
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** Another process takes over: nothing is known but what is in the world. */
  restart(): void {
    this.crashed = false;
    this.#process = new Process(this);
  }

  get context(): ResourceContext<R> {
    return this.process.context;
  }

  /** The resource on whose behalf things are written from now on. */
  set actor(key: string) {
    this.process.actor = key;
  }

  changeConfigMap(name: string, data: Record<string, string> | undefined): void {
    this.kubernetes.applyData("ConfigMap", name, data);
    this.process.noticeConfigMap(name);
  }

  /** Reconciles one resource once, as it is. Throws what the reconciler throws. */
  reconcile(name: string): Promise<ReconcileResult> {
    return this.process.reconcile(`team/${name}`);
  }

  /** Kestra was replaced or came back: what is known of it may be void. */
  renewKestra(): void {
    this.#epoch += 1;
    this.process.noticeAll();
  }

  /** Reconciles, looks for drift and lets time pass until nothing is left to do. Throws {@link Crash} when it is killed. */
  async rest(): Promise<void> {
    for (let round = 0; round < 8; round++) {
      const before = this.writes.length;
      await this.process.work();
      this.clock.freeze(3 * 3_600_000);
      await this.process.look();
      await this.process.work();
      if (round > 0 && this.writes.length === before) return;
    }
    throw new Violation(`no rest: ${this.writes.slice(-10).join(", ")}`);
  }

  /** What must be the same however we got here. */
  snapshot(): object {
    const resources = [...this.kubernetes.resources].map(([key, resource]) => {
      const { status } = resource;
      const owned = this.#owned(resource);
      return [
        key,
        status?.conditions?.map(({ type, status: value, reason }) => `${type}=${value} ${reason}`).sort(),
        isReady(status ?? {}) && owned ? identityKey(owned) : undefined,
      ];
    });
    return { kestra: this.shown(), resources: resources.sort() };
  }

  /** A change of what Kestra holds, on behalf of the resource that is reconciled. */
  protected readonly change: Change = (what, identity, effect) => {
    const actor = this.actingResource(what);
    const key = identityKey(identity);
    if (!this.#mayTouch(actor, identity))
      throw new Violation(`${what} ${key} by ${this.process.actor}, which has no right to it`);
    if (what === "delete") this.#mustNotBeWanted(identity, actor);
    return this.#write(`${what} ${key}`, () => {
      const result = effect();
      this.grant(identity, actor.metadata.uid);
      return result;
    });
  };

  protected actingResource(what: string): Resource<Spec, Status> {
    const actor = this.kubernetes.resources.get(this.process.actor);
    if (actor === undefined) throw new Violation(`${what} without a resource`);
    return actor;
  }

  /** From now on a resource has the right to what Kestra holds there. */
  protected grant(identity: Identity, uid: string): void {
    this.kestra.rightsTo(identity)?.add(uid);
  }

  #owned(resource: Resource<Spec, Status>): Identity | undefined {
    return this.kind.project(resource).owned;
  }

  #changeResource<T>(what: string, after: Resource<Spec, Status>, effect: () => T): T {
    const before = this.kubernetes.resources.get(keyOf(after));
    const recorded = this.#owned(after);
    this.inspect(JSON.stringify([after.metadata, after.status]));
    if (
      recorded &&
      !sameIdentity(recorded, before && this.#owned(before)) &&
      !this.#mayTouch(before ?? after, recorded)
    )
      throw new Violation(`${keyOf(after)} records ${identityKey(recorded)}, to which it has no right`);
    return this.#write(`${what} ${keyOf(after)}`, () => {
      // A claim is an adoption, as far as its policy goes, or a hand-over, where another resource writes it.
      const claim = readClaim(after.metadata);
      const handedOver = this.process.actor !== keyOf(after);
      if (claim && (handedOver || this.#mayTouch(after, claim))) this.grant(claim, claim.uid);
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

  /** What it made, was handed, or recorded rightly; or what its adoption policy lets it have. */
  #mayTouch(resource: Resource<Spec, Status>, identity: Identity): boolean {
    const rights = this.kestra.rightsTo(identity);
    if (rights === undefined || rights.has(resource.metadata.uid)) return true;
    if (sameIdentity(this.#owned(resource), identity)) return true;
    const { adoption = "IfIdentical" } = resource.spec;
    return adoption === "Always" || (adoption === "IfIdentical" && this.isIdentical(resource, identity));
  }

  #mustNotBeWanted(identity: Identity, actor: Resource<Spec, Status>): void {
    for (const resource of this.kubernetes.resources.values()) {
      const { metadata } = resource;
      if (metadata.uid === actor.metadata.uid || metadata.deletionTimestamp !== undefined) continue;
      if (this.context.settings.refusal(metadata.namespace ?? "", identity.namespace) !== undefined) continue;
      if (sameIdentity(this.wanted(resource), identity) || sameIdentity(this.#owned(resource), identity))
        throw new Violation(`${identityKey(identity)} is deleted although ${metadata.name} wants it`);
    }
  }
}

/** What a process sees of its world, whatever its kind. */
type Surroundings<R extends CachedResource> = Pick<
  World<R, { adoption: Adoption }, CommonStatus>,
  "kind" | "clock" | "client" | "writes" | "events" | "suspicions" | "epoch" | "inspect"
> & {
  kestra: Store;
  kubernetes: Pick<KubernetesInMemory<unknown, unknown>, "client" | "configMaps" | "secrets"> & {
    resources: ReadonlyMap<string, AnyObject>;
  };
};

/** One life of the operator, wired as the operator wires it. */
class Process<R extends CachedResource> {
  /** The resource that is reconciled right now. */
  actor = "";
  readonly context: ResourceContext<R>;
  readonly secrets: FollowedSecrets;
  readonly #world: Surroundings<R>;
  readonly #kind: ControlledKind<R>;
  readonly #queue = new Set<string>();
  readonly #requeued = new Set<string>();
  readonly #reconcile: ReturnType<ControlledKind<R>["reconciler"]>;
  readonly #signal = new AbortController().signal;

  constructor(world: Surroundings<R>) {
    this.#world = world;
    const { kind, client, kestra, kubernetes, clock } = world;
    this.secrets = new FollowedSecrets(kubernetes.secrets);
    this.#kind = kind.control(client, this.secrets as unknown as NamedObjects, recorderOf(world));
    const enqueue = (key: string) => {
      this.#queue.add(key);
    };
    const logger = loggerOf(world);
    this.context = {
      kubernetes: kubernetes.client as ResourceContext["kubernetes"],
      kestra: client,
      server: serverOf(world),
      resources: {
        get: (key) => {
          const found = kubernetes.resources.get(key);
          return found && kind.project(copyOf(found));
        },
        learn: () => undefined,
        forget: () => undefined,
      },
      configMaps: { get: (key) => kubernetes.configMaps.get(key) },
      claims: new Claims(settings.instance, enqueue),
      drift: new DriftMonitor({
        nouns: this.#kind.nouns,
        list: this.#kind.list,
        ready: () => !kestra.down,
        epoch: () => world.epoch,
        onSuspect: enqueue,
        clock,
        logger,
        intervalMs: settings.driftIntervalMs,
        rereadMs: 3_600_000,
        random: () => 0.5,
      }),
      settings: { ...settings },
      clock,
      logger,
    };
    this.#reconcile = this.#kind.reconciler(this.context);
    this.noticeAll();
  }

  noticeAll(): void {
    for (const key of this.#world.kubernetes.resources.keys()) this.notice(key);
  }

  /** What the watch tells, as the operator's controller takes it. */
  notice(key: string): void {
    const object = this.context.resources.get(key);
    this.#kind.onResource?.(key, object);
    if (object === undefined) {
      this.context.claims.remove(key);
      return;
    }
    this.context.claims.update(object, this.#kind.declared(this.context, object));
    this.#queue.add(key);
  }

  /** The ConfigMap of this name changed. */
  noticeConfigMap(name: string): void {
    for (const key of this.#world.kubernetes.resources.keys()) {
      const object = this.context.resources.get(key);
      if (object && this.#kind.configMapOf(object) === name) this.#queue.add(key);
    }
  }

  /** What happens by itself as time passes: lists of what Kestra holds, and another look at what waits for one. */
  async look(): Promise<void> {
    for (const key of this.#requeued) this.#queue.add(key);
    this.#requeued.clear();
    if (!this.#world.kestra.down) await this.context.drift.look(this.#signal);
  }

  async work(): Promise<void> {
    for (let reconciles = 0; this.#isBusy(); reconciles++) {
      if (reconciles > MOST_RECONCILES) throw new Violation(`no rest: ${this.#world.writes.slice(-8).join(", ")}`);
      const [key = ""] = this.#queue;
      this.#queue.delete(key);
      await this.#workOn(key);
    }
  }

  async reconcile(key: string): Promise<ReconcileResult> {
    this.#world.clock.freeze(1_500);
    this.actor = key;
    return (await this.#reconcile(key, this.#signal)) ?? {};
  }

  /** News of Secrets come after whatever was noticed before them. */
  #isBusy(): boolean {
    if (this.#queue.size === 0) for (const key of this.secrets.learn()) this.#queue.add(key);
    return this.#queue.size > 0;
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

function recorderOf<R extends CachedResource>(world: Surroundings<R>): EventRecorder {
  const recorder: Pick<EventRecorder, "record"> = {
    record({ name }, { reason, message }) {
      world.inspect(message);
      world.events.push(`${name}: ${reason}`);
    },
  };
  return recorder as EventRecorder;
}

function loggerOf<R extends CachedResource>(world: Surroundings<R>): Logger {
  const log = (...line: unknown[]): void => {
    world.inspect(JSON.stringify(line));
  };
  return { debug: log, info: log, warn: log, error: log };
}

function serverOf<R extends CachedResource>(world: Surroundings<R>): ServerMonitor {
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
