import type { V1CustomResourceDefinitionVersion } from "@kubernetes/client-node";
import base, { type OperatorLogger, type ResourceEvent, type ResourceMeta } from "@dot-i/k8s-operator";
import { readFile } from "node:fs/promises";
import { load } from "js-yaml";
import type { Logger } from "../lib/log.ts";
import type { KubernetesClient } from "./client.ts";
import { Controller } from "./controller.ts";
import { isAlreadyExists } from "./errors.ts";
import { Informer, type InformerOptions } from "./informer.ts";
import { apiVersionOf, coreTypes, keyOf, type AnyObject, type Identified, type ResourceType } from "./objects.ts";
import { pathOf } from "./paths.ts";
import { WorkQueue } from "./workQueue.ts";

const { default: Operator, ResourceEventType, ResourceMetaImpl } = base;

export type { ResourceEvent, ResourceMeta };

export type WatchedBy<T extends Identified> = Omit<InformerOptions<T>, "client" | "type" | "logger">;

interface CustomResourceDefinition extends AnyObject {
  spec: { group: string; versions: V1CustomResourceDefinitionVersion[]; names: { plural: string } };
}

/**
 * `Operator` of @dot-i/k8s-operator with a transport that can be trusted, and the one place that knows that package.
 *
 * Kept: the life cycle (`start()` calls `init()`, which sets up what is watched) and the contract of its resource events,
 * with the finalizer helper over them. Replaced: everything that talks to the API server. The original ends the process
 * when a watch fails and hides failed writes; here watches recover, writes reject, and a handler that rejects is called
 * again with growing delays.
 */
export abstract class BaseOperator extends Operator {
  protected readonly client: KubernetesClient;
  protected readonly log: Logger;
  readonly #informers: Informer<never>[] = [];
  readonly #controllers: Controller[] = [];
  readonly #types = new Map<string, ResourceType>();
  #started = false;

  constructor(options: { client: KubernetesClient; logger: Logger }) {
    super(plainLogger(options.logger));
    this.client = options.client;
    this.log = options.logger;
    this.kubeConfig = options.client.kubeConfig;
  }

  /** Runs `init()`, then starts to watch what it asked for. Rejects when `init()` does. */
  override async start(): Promise<void> {
    await super.start();
    this.#started = true;
    for (const informer of this.#informers) informer.start();
    for (const controller of this.#controllers) controller.start();
  }

  /** Begins to shut down; {@link shutDown} tells when that is done. */
  override stop(): void {
    void this.shutDown();
  }

  /** Lets event handlers end within `graceMs`, ends all watches, and resolves when nothing is called any more. */
  async shutDown(graceMs?: number): Promise<void> {
    await Promise.all(this.#controllers.map((controller) => controller.stop(graceMs)));
    await Promise.all(this.#informers.map((informer) => informer.stop()));
  }

  /**
   * Watches a type through an informer, for those who want its cache, indexes and keys rather than events. Called in
   * `init()`, it is started after it, when handlers and indexes are in place; called later, at once.
   */
  protected watch<T extends Identified = AnyObject>(type: ResourceType, options: WatchedBy<T> = {}): Informer<T> {
    const informer = new Informer<T>({ ...options, client: this.client, type, logger: this.log });
    this.#types.set(idOf(type), type);
    this.#informers.push(informer as unknown as Informer<never>);
    if (this.#started) informer.start();
    return informer;
  }

  /** As in the original, but that an event is delivered again, in its latest state, until `onEvent` resolves. */
  protected override watchResource(
    group: string,
    version: string,
    plural: string,
    onEvent: (event: ResourceEvent) => Promise<void>,
    namespace?: string,
  ): Promise<void> {
    const type = { group, version, plural, kind: "", namespaced: true };
    const informer = this.watch(type, { namespace });
    const kind = async () => {
      type.kind ||= (await this.client.kindOf(type)) ?? "";
      if (type.kind === "") throw new Error(`The API server does not serve ${plural} of ${apiVersionOf(type)}.`);
      return type.kind;
    };
    const events = new EventDelivery(informer, kind, onEvent);
    const reconcile = (key: string) => events.deliver(key);
    const controller = new Controller({ name: plural, queue: events.queue, reconcile, workers: 1, logger: this.log });
    this.#controllers.push(controller);
    if (this.#started) controller.start();
    return Promise.resolve();
  }

  /** Creates the CRD unless there is one of its name, which is left as it is. */
  protected override async registerCustomResourceDefinition(crdFile: string) {
    const crd = load(await readFile(crdFile, "utf8")) as CustomResourceDefinition;
    if (!crd.apiVersion.startsWith("apiextensions.k8s.io/")) {
      throw new Error(`${crdFile} does not hold a CustomResourceDefinition.`);
    }
    try {
      await this.client.create(coreTypes.customResourceDefinition, crd);
      this.log.info({ crd: crd.metadata.name }, "created the custom resource definition");
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
    const { group, versions, names } = crd.spec;
    return { group, versions, plural: names.plural };
  }

  protected override getCustomResourceApiUri(
    group: string,
    version: string,
    plural: string,
    namespace?: string,
  ): string {
    const server = this.kubeConfig.getCurrentCluster()?.server ?? "";
    return server + pathOf({ group, version, plural, kind: "", namespaced: true }, { namespace });
  }

  /** Fails with a conflict when the object has changed since `meta` was made. */
  protected override async setResourceFinalizers(meta: ResourceMeta, finalizers: string[]): Promise<void> {
    const { resourceVersion } = meta;
    await this.client.mergePatch(this.#typeOf(meta), meta, { metadata: { resourceVersion, finalizers } });
  }

  /** Fails with a conflict when the object has changed since `meta` was made. */
  protected override async setResourceStatus(meta: ResourceMeta, status: unknown): Promise<ResourceMeta> {
    const { apiVersion, kind, name, resourceVersion } = meta;
    const metadata = { name, resourceVersion, ...(meta.namespace === undefined ? {} : { namespace: meta.namespace }) };
    const object = { apiVersion, kind, metadata, status };
    return metaOf(meta.id, await this.client.replaceStatus(this.#typeOf(meta), object));
  }

  /** Fails with a conflict when the object has changed since `meta` was made. */
  protected override async patchResourceStatus(meta: ResourceMeta, status: unknown): Promise<ResourceMeta> {
    const { resourceVersion } = meta;
    const patch = { metadata: { resourceVersion }, status: status as object | null };
    return metaOf(meta.id, await this.client.patchStatus(this.#typeOf(meta), meta, patch));
  }

  #typeOf(meta: ResourceMeta): ResourceType {
    const type = this.#types.get(meta.id);
    if (type === undefined) throw new Error(`"${meta.id}" is not watched by this operator.`);
    return type;
  }
}

/** Turns what an informer sees into events in the original's terms, one at a time and each until it was accepted. */
class EventDelivery {
  readonly queue = new WorkQueue();
  readonly #informer: Informer;
  readonly #kind: () => Promise<string>;
  readonly #onEvent: (event: ResourceEvent) => Promise<void>;
  /** Objects whose handler has accepted them, by uid: the next event about them is a modification. */
  readonly #accepted = new Set<string>();
  readonly #deleted = new Map<string, AnyObject[]>();

  constructor(informer: Informer, kind: () => Promise<string>, onEvent: (event: ResourceEvent) => Promise<void>) {
    this.#informer = informer;
    this.#kind = kind;
    this.#onEvent = onEvent;
    informer.addHandler(({ type, object, initial }) => {
      const key = keyOf(object);
      if (type === "deleted") this.#deleted.set(key, [...(this.#deleted.get(key) ?? []), object]);
      this.queue.add(key, initial ? "low" : "high");
    });
  }

  async deliver(key: string): Promise<undefined> {
    for (const object of this.#deleted.get(key) ?? []) {
      await this.#emit(ResourceEventType.Deleted, object);
      this.#accepted.delete(object.metadata.uid);
      const rest = this.#deleted.get(key)?.filter((other) => other !== object) ?? [];
      if (rest.length > 0) this.#deleted.set(key, rest);
      else this.#deleted.delete(key);
    }
    const object = this.#informer.get(key);
    if (object === undefined) return;
    const known = this.#accepted.has(object.metadata.uid);
    await this.#emit(known ? ResourceEventType.Modified : ResourceEventType.Added, object);
    this.#accepted.add(object.metadata.uid);
  }

  async #emit(type: ResourceEvent["type"], object: AnyObject): Promise<void> {
    // The finalizer helper changes the object that it is given; the cache's own must stay as it is.
    const copy = { ...structuredClone(object), kind: await this.#kind() };
    const meta = metaOf(idOf(this.#informer.type), copy);
    await this.#onEvent({ meta, type, object: asClientNode(copy) });
  }
}

function metaOf(id: string, object: AnyObject): ResourceMeta {
  return ResourceMetaImpl.createWithId(id, asClientNode(object));
}

/** Times are strings here, as they come over the wire, where client-node's types say Date. */
function asClientNode(object: AnyObject): ResourceEvent["object"] {
  return object as unknown as ResourceEvent["object"];
}

function idOf(type: ResourceType): string {
  return `${type.plural}.${apiVersionOf(type)}`;
}

function plainLogger(logger: Logger): OperatorLogger {
  return {
    debug: (message) => {
      logger.debug({}, message);
    },
    info: (message) => {
      logger.info({}, message);
    },
    warn: (message) => {
      logger.warn({}, message);
    },
    error: (message) => {
      logger.error({}, message);
    },
  };
}
