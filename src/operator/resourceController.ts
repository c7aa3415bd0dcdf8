import type { Clock } from "../lib/clock.ts";
import { sameTree } from "../lib/digest.ts";
import type { Logger } from "../lib/log.ts";
import type { KestraClient } from "../kestra/client.ts";
import type { ServerMonitor } from "../kestra/server.ts";
import type { KubernetesClient } from "../kubernetes/client.ts";
import { isTrue } from "../kubernetes/conditions.ts";
import { Controller } from "../kubernetes/controller.ts";
import type { Reconcile } from "../kubernetes/controller.ts";
import type { EventRecorder } from "../kubernetes/events.ts";
import type { InformerEvent } from "../kubernetes/informer.ts";
import { keyFor, keyOf } from "../kubernetes/objects.ts";
import type { Identified } from "../kubernetes/objects.ts";
import { WorkQueue, type QueueDepth } from "../kubernetes/workQueue.ts";
import { ANNOTATION } from "../resources/annotations.ts";
import type { DriftKind } from "../resources/common.ts";
import type { ResourceContext } from "../resources/context.ts";
import { DriftMonitor } from "../resources/drift/monitor.ts";
import type { Listed } from "../resources/drift/monitor.ts";
import type { CachedResource, ResourceSettings } from "../resources/model.ts";
import { Claims } from "../resources/ownership/claims.ts";
import type { Identity } from "../resources/ownership/identity.ts";
import { belongsTo } from "../resources/ownership/instance.ts";
import type { Settings } from "./config.ts";
import type { Metrics } from "./metrics.ts";
import { refusalOf } from "./policy.ts";
import type { ScopedCache } from "./scopedCache.ts";
import { Tombstones } from "./tombstones.ts";

export interface ResourceControllerOptions<R extends CachedResource> {
  settings: Settings;
  kubernetes: KubernetesClient;
  kestra: KestraClient;
  server: ServerMonitor;
  resources: ScopedCache<R>;
  configMaps: ScopedCache<Identified>;
  events: EventRecorder;
  metrics: Metrics;
  clock: Clock;
  logger: Logger;
}

/** What controlling resources needs to know of a kind. */
export interface ControlledKind<R extends CachedResource> {
  /** The Kubernetes kind. */
  name: string;
  /** What it has in Kestra, for log lines. */
  nouns: string;
  /** All that Kestra has in one of its namespaces. */
  list: (namespace: string, signal: AbortSignal) => Promise<Listed[]>;
  reconciler: (context: ResourceContext<R>) => Reconcile;
  /** What a resource declares, as far as the cache tells. */
  declared: (context: ResourceContext<R>, object: R) => Identity | undefined;
  /** Name of the ConfigMap that a resource reads. */
  configMapOf: (object: R) => string | undefined;
  /** It says itself when it wants to be looked at again: what the operator wrote of it is no reason. */
  paced?: boolean;
  /** It puts what it is about to do in Kestra on record in its status, which fails for one that is gone: it needs no tombstone (ADR 15). */
  recordsFirst?: boolean;
  /** Told of every change of a resource; without an object it is gone. */
  onResource?: (key: string, object: R | undefined) => void;
}

/**
 * Which events lead to which resource of a kind being reconciled: its own changes first; ConfigMaps it reads, rivals, drift and news of
 * the server after them.
 */
export class ResourceController<R extends CachedResource> {
  readonly #options: ResourceControllerOptions<R>;
  readonly #kind: ControlledKind<R>;
  readonly #context: ResourceContext<R>;
  readonly #queue: WorkQueue;
  readonly #controller: Controller;
  readonly #stopped = new AbortController();
  readonly #tombstones: Tombstones<R>;
  #leads = false;
  /** Keys of the resources that read a ConfigMap, by its key. */
  readonly #readers = new Map<string, Set<string>>();

  constructor(options: ResourceControllerOptions<R>, kind: ControlledKind<R>) {
    this.#options = options;
    this.#kind = kind;
    const { settings, resources, configMaps, server, metrics, clock, logger } = options;
    this.#queue = new WorkQueue({ clock });
    const enqueue = (key: string): void => {
      this.#queue.add(key, "low");
    };
    const drift = new DriftMonitor({
      nouns: kind.nouns,
      list: kind.list,
      ready: () => server.state.kind === "up",
      epoch: () => server.epoch,
      onSuspect: enqueue,
      clock,
      logger,
      intervalMs: settings.DRIFT_INTERVAL,
      rereadMs: settings.REREAD_INTERVAL,
    });
    const claims = new Claims(settings.INSTANCE, enqueue);
    const onCorrected = (drift: DriftKind): void => {
      metrics.driftCorrections.inc({ kind: kind.name, drift });
    };
    this.#tombstones = new Tombstones(resources, (key) => {
      claims.remove(key);
      const successor = resources.get(key);
      if (successor === undefined) return;
      claims.update(successor, kind.declared(this.#context, successor));
      enqueue(key);
    });
    const cache = { resources: this.#tombstones, claims, drift };
    this.#context = { ...options, ...cache, onCorrected, settings: resourceSettings(settings) };
    this.#controller = new Controller({
      name: kind.name,
      queue: this.#queue,
      workers: settings.CONCURRENCY,
      deadlineMs: settings.RECONCILE_DEADLINE,
      reconcile: kind.reconciler(this.#context),
      logger,
      clock,
      onOutcome: ({ outcome, milliseconds }) => {
        metrics.reconciles.inc({ kind: kind.name, outcome });
        metrics.reconcileSeconds.observe({ kind: kind.name }, milliseconds / 1000);
      },
    });
    resources.addHandler((event) => {
      this.#onResource(event);
    });
    configMaps.addHandler((event) => {
      this.#onConfigMap(event);
    });
    server.onChange(() => {
      for (const key of [...resources.keys(), ...this.#tombstones.keys()]) this.#queue.add(key, "low");
    });
  }

  /**
   * Starts to reconcile and to look for drift. Work under way is aborted with the signal; it can be started again after that, and every
   * resource is looked at again then: what another replica left in Kestra meanwhile is not known.
   */
  start(signal: AbortSignal): void {
    for (const key of this.#options.resources.keys()) this.#queue.add(key, "low");
    void this.#context.drift.run(AbortSignal.any([signal, this.#stopped.signal]));
    this.#controller.start();
    this.#leads = true;
    signal.addEventListener("abort", () => {
      this.#controller.pause();
      this.#leads = false;
      this.#tombstones.clear();
    });
  }

  /** Something that a resource reads has changed. */
  notice(key: string): void {
    this.#queue.add(key, "high");
  }

  /** Whether a key waits or is being reconciled; one that waits for its time is not counted. */
  get busy(): boolean {
    const { high, low, active } = this.depth;
    return high + low + active > 0;
  }

  /** Keys waiting, by priority, and those that are worked on. */
  get depth(): QueueDepth {
    return this.#queue.depth;
  }

  /** Resources by whether they are Ready, and those whose drift is only reported. */
  get tally(): Record<"ready" | "unready" | "drifted", number> {
    const tally = { ready: 0, unready: 0, drifted: 0 };
    for (const { status } of this.#options.resources.values()) {
      tally[isTrue(status.conditions, "Ready") ? "ready" : "unready"] += 1;
      if (isTrue(status.conditions, "Drifted")) tally.drifted += 1;
    }
    return tally;
  }

  get kind(): string {
    return this.#kind.name;
  }

  /** Resolves to whether all work under way ended within `graceMs`. */
  stop(graceMs: number): Promise<boolean> {
    this.#stopped.abort();
    return this.#controller.stop(graceMs);
  }

  #onResource(event: InformerEvent<R>): void {
    const { type, object, previous, initial } = event;
    const key = keyOf(object);
    const configMap = this.#configMapOf(object);
    const gone = type === "deleted";
    this.#kind.onResource?.(key, gone ? undefined : object);
    if (gone) {
      if (configMap !== undefined) this.#readers.get(configMap)?.delete(key);
      this.#onGone(key, event);
      return;
    }
    if (configMap !== undefined) this.#readers.set(configMap, (this.#readers.get(configMap) ?? new Set()).add(key));
    // One under the same name is being cleaned up: its turn comes after that.
    if (this.#tombstones.has(key)) return;
    this.#context.claims.update(object, this.#kind.declared(this.#context, object));
    const unasked = !initial && previous !== undefined && asksTheSame(previous, object);
    if (unasked && this.#kind.paced) return;
    this.#queue.add(key, initial || unasked ? "low" : "high");
  }

  #onGone(key: string, event: InformerEvent<R>): void {
    if (this.#tombstones.has(key)) return;
    const { clock, logger, settings } = this.#options;
    const ours = this.#leads && !this.#kind.recordsFirst && belongsTo(settings.INSTANCE, event.object);
    const tombstone = ours ? this.#tombstones.bury(event, new Date(clock.now())) : undefined;
    if (tombstone === undefined) {
      this.#context.claims.remove(key);
      return;
    }
    logger.info({ key }, "removed in spite of its finalizer: what it has in Kestra is cleaned up now");
    this.#context.claims.update(tombstone, undefined);
    this.#queue.add(key, "high");
  }

  #onConfigMap({ object }: InformerEvent<Identified>): void {
    for (const key of this.#readers.get(keyOf(object)) ?? []) this.#queue.add(key, "high");
  }

  #configMapOf(object: R): string | undefined {
    const name = this.#kind.configMapOf(object);
    return name === undefined ? undefined : keyFor({ namespace: object.metadata.namespace, name });
  }
}

/** Whether a change was none that anybody waits for: of the status or of what the operator itself keeps in the metadata. */
function asksTheSame({ metadata: before }: CachedResource, { metadata: after }: CachedResource): boolean {
  const annotations = [before, after].map(({ annotations }) => ({ ...annotations, [ANNOTATION.claim]: undefined }));
  return (
    before.generation === after.generation &&
    before.deletionTimestamp === after.deletionTimestamp &&
    sameTree(annotations[0], annotations[1])
  );
}

/** A controller of any kind. */
export type AnyResourceController = Pick<
  ResourceController<never>,
  "start" | "stop" | "busy" | "kind" | "depth" | "tally"
>;

/** Gauges that tell of all kinds together. */
export function exposeResources(metrics: Metrics, controllers: readonly AnyResourceController[]): void {
  metrics.observe("kestraflow_queue_depth", "Keys waiting, by kind and priority.", () =>
    controllers.flatMap(({ kind, depth }) =>
      (["high", "low", "delayed"] as const).map((priority) => [{ kind, priority }, depth[priority]] as const),
    ),
  );
  metrics.observe("kestraflow_reconciles_active", "Reconciles under way, by kind.", () =>
    controllers.map(({ kind, depth }) => [{ kind }, depth.active] as const),
  );
  metrics.observe("kestraflow_resources", "Resources by kind and readiness.", () =>
    controllers.flatMap(({ kind, tally: { ready, unready } }) => [
      [{ kind, ready: "true" }, ready] as const,
      [{ kind, ready: "false" }, unready] as const,
    ]),
  );
  metrics.observe("kestraflow_drifted", "Resources whose drift is reported and not corrected, by kind.", () =>
    controllers.map(({ kind, tally }) => [{ kind }, tally.drifted] as const),
  );
}

function resourceSettings(settings: Settings): ResourceSettings {
  return {
    instance: settings.INSTANCE,
    tenant: settings.KESTRA_TENANT,
    uiUrl: (settings.KESTRA_UI_URL ?? settings.KESTRA_URL).replace(/\/+$/, ""),
    deletionPolicy: settings.DELETION_POLICY,
    driftIntervalMs: settings.DRIFT_INTERVAL,
    stalledRetryMs: settings.STALLED_RETRY_INTERVAL,
    refusal: refusalOf(settings.NAMESPACE_POLICY),
  };
}
