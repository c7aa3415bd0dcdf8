import type { Clock } from "../lib/clock.ts";
import type { Logger } from "../lib/log.ts";
import type { KestraClient } from "../kestra/client.ts";
import type { ServerMonitor } from "../kestra/server.ts";
import type { KubernetesClient } from "../kubernetes/client.ts";
import { isTrue } from "../kubernetes/conditions.ts";
import { Controller } from "../kubernetes/controller.ts";
import type { EventRecorder } from "../kubernetes/events.ts";
import type { InformerEvent } from "../kubernetes/informer.ts";
import { keyFor, keyOf } from "../kubernetes/objects.ts";
import type { Identified } from "../kubernetes/objects.ts";
import { WorkQueue } from "../kubernetes/workQueue.ts";
import type { CachedFlow } from "../resources/flow/cache.ts";
import { Claims } from "../resources/flow/claims.ts";
import type { FlowContext } from "../resources/flow/context.ts";
import { DriftMonitor } from "../resources/flow/drift.ts";
import { declaredBy } from "../resources/flow/observe.ts";
import type { DriftKind } from "../resources/flow/schema.ts";
import { FlowReconciler } from "../resources/flow/reconcile.ts";
import type { Settings } from "./config.ts";
import type { Metrics } from "./metrics.ts";
import { refusalOf } from "./policy.ts";
import type { ScopedCache } from "./scopedCache.ts";

export interface FlowControllerOptions {
  settings: Settings;
  kubernetes: KubernetesClient;
  kestra: KestraClient;
  server: ServerMonitor;
  flows: ScopedCache<CachedFlow>;
  configMaps: ScopedCache<Identified>;
  events: EventRecorder;
  metrics: Metrics;
  clock: Clock;
  logger: Logger;
}

/**
 * Which events lead to which KestraFlow being reconciled: its own changes first; ConfigMaps it reads, rivals, drift and news of the
 * server after them.
 */
export class FlowController {
  readonly #options: FlowControllerOptions;
  readonly #context: FlowContext;
  readonly #queue: WorkQueue;
  readonly #controller: Controller;
  readonly #stopped = new AbortController();
  /** Keys of the KestraFlows that read a ConfigMap, by its key. */
  readonly #readers = new Map<string, Set<string>>();

  constructor(options: FlowControllerOptions) {
    this.#options = options;
    const { settings, flows, configMaps, server, kestra, metrics, clock, logger } = options;
    this.#queue = new WorkQueue({ clock });
    const claims = new Claims(settings.INSTANCE, (key) => {
      this.#queue.add(key, "low");
    });
    const drift = new DriftMonitor({
      list: (namespace, signal) => kestra.flows.list(namespace, signal),
      ready: () => server.state.kind === "up",
      epoch: () => server.epoch,
      onSuspect: (key) => {
        this.#queue.add(key, "low");
      },
      clock,
      logger,
      intervalMs: settings.DRIFT_INTERVAL,
      rereadMs: settings.REREAD_INTERVAL,
    });
    const onCorrected = (kind: DriftKind): void => {
      metrics.driftCorrections.inc({ kind: "KestraFlow", drift: kind });
    };
    this.#context = { ...options, claims, drift, onCorrected, settings: flowSettings(settings) };
    const reconciler = new FlowReconciler(this.#context, options.events);
    this.#controller = new Controller({
      name: "KestraFlow",
      queue: this.#queue,
      workers: settings.CONCURRENCY,
      deadlineMs: settings.RECONCILE_DEADLINE,
      reconcile: (key, signal) => reconciler.reconcile(key, signal),
      logger,
      clock,
      onOutcome: ({ outcome, milliseconds }) => {
        metrics.reconciles.inc({ kind: "KestraFlow", outcome });
        metrics.reconcileSeconds.observe({ kind: "KestraFlow" }, milliseconds / 1000);
      },
    });
    flows.addHandler((event) => {
      this.#onFlow(event);
    });
    configMaps.addHandler((event) => {
      this.#onConfigMap(event);
    });
    server.onChange(() => {
      for (const key of flows.keys()) this.#queue.add(key, "low");
    });
    this.#exposeMetrics();
  }

  /**
   * Starts to reconcile and to look for drift. Work under way is aborted with the signal; it can be started again after that, and every
   * resource is looked at again then: what another replica left in Kestra meanwhile is not known.
   */
  start(signal: AbortSignal): void {
    for (const key of this.#options.flows.keys()) this.#queue.add(key, "low");
    void this.#context.drift.run(AbortSignal.any([signal, this.#stopped.signal]));
    this.#controller.start();
    signal.addEventListener("abort", () => {
      this.#controller.pause();
    });
  }

  /** Whether a key waits or is being reconciled; one that waits for its time is not counted. */
  get busy(): boolean {
    const { high, low, active } = this.#queue.depth;
    return high + low + active > 0;
  }

  /** Resolves to whether all work under way ended within `graceMs`. */
  stop(graceMs: number): Promise<boolean> {
    this.#stopped.abort();
    return this.#controller.stop(graceMs);
  }

  #onFlow({ type, object, initial }: InformerEvent<CachedFlow>): void {
    const key = keyOf(object);
    const configMap = configMapOf(object);
    if (type === "deleted") {
      this.#context.claims.remove(key);
      if (configMap !== undefined) this.#readers.get(configMap)?.delete(key);
      return;
    }
    if (configMap !== undefined) this.#readers.set(configMap, (this.#readers.get(configMap) ?? new Set()).add(key));
    const declared = declaredBy(this.#context, object);
    this.#context.claims.update(object, declared && "identity" in declared ? declared.identity : undefined);
    this.#queue.add(key, initial ? "low" : "high");
  }

  #onConfigMap({ object }: InformerEvent<Identified>): void {
    for (const key of this.#readers.get(keyOf(object)) ?? []) this.#queue.add(key, "high");
  }

  #exposeMetrics(): void {
    const { metrics, flows } = this.#options;
    metrics.observe("kestraflow_queue_depth", "Keys waiting, by kind and priority.", () => {
      const { high, low, delayed } = this.#queue.depth;
      return Object.entries({ high, low, delayed }).map(([priority, keys]) => [{ kind: "KestraFlow", priority }, keys]);
    });
    metrics.observe("kestraflow_resources", "Resources by kind and readiness.", () => {
      const counts = { true: 0, false: 0 };
      for (const { status } of flows.values()) counts[isTrue(status.conditions, "Ready") ? "true" : "false"] += 1;
      return Object.entries(counts).map(([ready, count]) => [{ kind: "KestraFlow", ready }, count]);
    });
    metrics.observe("kestraflow_drifted", "Resources whose drift is reported and not corrected, by kind.", () => {
      const drifted = [...flows.values()].filter(({ status }) => isTrue(status.conditions, "Drifted"));
      return [[{ kind: "KestraFlow" }, drifted.length]];
    });
  }
}

function configMapOf({ metadata: { namespace }, policy }: CachedFlow): string | undefined {
  return policy.sourceFrom && keyFor({ namespace, name: policy.sourceFrom.configMapKeyRef.name });
}

function flowSettings(settings: Settings): FlowContext["settings"] {
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
