import type { Clock } from "../lib/clock.ts";
import type { Logger } from "../lib/log.ts";
import { sleep } from "../lib/async.ts";
import type { KestraClient } from "../kestra/client.ts";
import type { ServerMonitor } from "../kestra/server.ts";
import type { KubernetesClient } from "../kubernetes/client.ts";
import { EventRecorder } from "../kubernetes/events.ts";
import { NamedObjects } from "../kubernetes/namedObjects.ts";
import { coreTypes } from "../kubernetes/objects.ts";
import type { AnyObject, Identified, ResourceType } from "../kubernetes/objects.ts";
import { BaseOperator } from "../kubernetes/operator.ts";
import type { WatchedBy } from "../kubernetes/operator.ts";
import { projectBackfill } from "../resources/backfill/cache.ts";
import type { CachedBackfill } from "../resources/backfill/cache.ts";
import { backfills as backfillType } from "../resources/backfill/schema.ts";
import { projectFlow } from "../resources/flow/cache.ts";
import type { CachedFlow } from "../resources/flow/cache.ts";
import { kestraFlows } from "../resources/flow/schema.ts";
import { projectKv } from "../resources/kv/cache.ts";
import type { CachedKv } from "../resources/kv/cache.ts";
import { kestraKvs } from "../resources/kv/schema.ts";
import type { Settings } from "./config.ts";
import { backfillsOf, controlledBackfills } from "./backfills.ts";
import { controlledFlows } from "./flows.ts";
import { controlledKvs } from "./kvs.ts";
import type { Metrics } from "./metrics.ts";
import { exposeResources, ResourceController } from "./resourceController.ts";
import type { AnyResourceController } from "./resourceController.ts";
import { ScopedCache } from "./scopedCache.ts";

export interface OperatorOptions {
  settings: Settings;
  kubernetes: KubernetesClient;
  kestra: KestraClient;
  server: ServerMonitor;
  metrics: Metrics;
  clock: Clock;
  logger: Logger;
}

/** How often is looked whether the caches are complete, in milliseconds. */
const SYNC_POLL_MS = 100;

/** The operator: what it watches, and the controllers that reconcile it. */
export class KestraflowOperator extends BaseOperator {
  readonly #options: OperatorOptions;
  readonly #events: EventRecorder;
  readonly #draining = new AbortController();
  #caches: Pick<ScopedCache<Identified>, "hasSynced" | "problem">[] = [];
  #controllers: AnyResourceController[] = [];
  #secrets: NamedObjects | undefined;

  constructor(options: OperatorOptions) {
    super({ client: options.kubernetes, logger: options.logger });
    this.#options = options;
    const { kubernetes: client, logger, clock } = options;
    this.#events = new EventRecorder({ client, logger, clock, component: "kestraflow-operator" });
  }

  protected override init(): Promise<void> {
    const flows = this.#watchScoped<CachedFlow>(kestraFlows, { transform: projectFlow });
    const configMaps = this.#watchScoped<Identified>(coreTypes.configMap, {
      metadataOnly: true,
      transform: ({ metadata: { name, namespace, uid, resourceVersion } }: AnyObject) => ({
        metadata: { name, uid, resourceVersion, ...(namespace === undefined ? {} : { namespace }) },
      }),
    });
    const kvs = this.#watchScoped<CachedKv>(kestraKvs, { transform: projectKv });
    const backfills = this.#watchScoped<CachedBackfill>(backfillType, { transform: projectBackfill });
    this.#caches = [flows, kvs, backfills, configMaps];
    const { kestra, kubernetes: client, settings, logger } = this.#options;
    const shared = { ...this.#options, configMaps, events: this.#events };
    const secrets = new NamedObjects({
      client,
      type: coreTypes.secret,
      pollMs: settings.SECRET_POLL_INTERVAL,
      onChange: (key) => {
        entries.notice(key);
      },
      logger,
    });
    const entries = new ResourceController({ ...shared, resources: kvs }, controlledKvs(kestra, secrets, this.#events));
    this.#secrets = secrets;
    const runs = new ResourceController(
      { ...shared, resources: backfills },
      controlledBackfills({ flows, backfills }, this.#events),
    );
    flows.addHandler(({ object: { metadata }, initial }) => {
      if (initial) return;
      for (const key of backfillsOf(metadata, backfills.values())) runs.notice(key);
    });
    this.#controllers = [
      new ResourceController({ ...shared, resources: flows }, controlledFlows(kestra, this.#events)),
      entries,
      runs,
    ];
    exposeResources(this.#options.metrics, this.#controllers);
    return Promise.resolve();
  }

  /** Whether there is work under way or waiting. */
  get busy(): boolean {
    return this.#controllers.length === 0 || this.#controllers.some(({ busy }) => busy);
  }

  /** Why the operator does not do its work yet; undefined when it does, or stands by for a leader. */
  get problem(): string | undefined {
    if (this.#caches.length === 0) return "starting";
    return this.#caches.map(({ problem }) => problem).find((problem) => problem !== undefined);
  }

  /** Reconciles until it is drained or the signal, which cuts work under way, is aborted; begins once the caches are complete and Kestra was asked for the first time. */
  async work(leadership: AbortSignal): Promise<void> {
    const { clock, server } = this.#options;
    const signal = AbortSignal.any([leadership, this.#draining.signal]);
    const waits = () => server.state.kind === "unknown" || this.#caches.some(({ hasSynced }) => !hasSynced);
    while (!signal.aborted && waits()) await sleep(clock, SYNC_POLL_MS, signal);
    if (!signal.aborted) for (const controller of this.#controllers) controller.start(leadership);
  }

  /** Ends what is under way within `graceMs`. Resolves to whether everything ended by itself. */
  async drain(graceMs: number): Promise<boolean> {
    this.#draining.abort();
    const drained = await Promise.all(this.#controllers.map((controller) => controller.stop(graceMs)));
    await this.#secrets?.stop();
    await this.#events.stop();
    return drained.every((ended) => ended);
  }

  #watchScoped<T extends Identified>(type: ResourceType, options: WatchedBy<T>): ScopedCache<T> {
    const namespaces = this.#options.settings.WATCH_NAMESPACES;
    if (namespaces.length === 0) return new ScopedCache(new Map([["", this.watch<T>(type, options)]]));
    return new ScopedCache(
      new Map(namespaces.map((namespace) => [namespace, this.watch<T>(type, { ...options, namespace })])),
    );
  }
}
