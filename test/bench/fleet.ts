import { silentLogger } from "../../src/lib/log.ts";
import { KubernetesClient } from "../../src/kubernetes/client.ts";
import { isTrue } from "../../src/kubernetes/conditions.ts";
import { Informer } from "../../src/kubernetes/informer.ts";
import { coreTypes } from "../../src/kubernetes/objects.ts";
import type { AnyObject, KubernetesObject, ResourceType } from "../../src/kubernetes/objects.ts";
import type { CommonStatus } from "../../src/resources/common.ts";
import { installCrds, uniqueName } from "../support/cluster.ts";
import { inParallel } from "../../src/lib/async.ts";
import type { Subject } from "./subject.ts";

const CONCURRENCY = 16;

interface Seen {
  metadata: AnyObject["metadata"];
  ready: boolean;
  /** resourceVersion of the Secret that its value was read from. */
  sourceVersion: string | undefined;
}

/** A resource of any kind. */
type Resource = KubernetesObject<unknown, CommonStatus & { applied?: { sourceVersion?: string } | undefined }>;

/** Many resources of a kind in a Kubernetes namespace of their own, and a watch on what becomes of them. */
export class Fleet {
  readonly namespace: string;
  readonly kestraNamespace: string;
  readonly client: KubernetesClient;
  readonly #subject: Subject;
  readonly #informer: Informer<Seen>;
  #ready = 0;
  readonly #waiting = new Set<() => void>();

  private constructor(client: KubernetesClient, subject: Subject) {
    this.namespace = uniqueName("bench");
    this.kestraNamespace = uniqueName("bench");
    this.client = client;
    this.#subject = subject;
    this.#informer = new Informer<Seen>({
      client,
      type: subject.type,
      namespace: this.namespace,
      transform: seenOf,
      logger: silentLogger,
    });
    this.#informer.addHandler(({ type, object, previous }) => {
      this.#ready +=
        Number(type !== "deleted" && object.ready) - Number(previous?.ready ?? (type === "deleted" && object.ready));
      for (const check of this.#waiting) check();
    });
  }

  static async create(subject: Subject, size: number): Promise<Fleet> {
    const client = KubernetesClient.connect({ kubeconfig: process.env.KUBECONFIG, logger: silentLogger });
    const fleet = new Fleet(client, subject);
    await installCrds();
    await client.create(coreTypes.namespace, { metadata: { name: fleet.namespace } });
    await subject.prepare?.(client, fleet.namespace, size);
    fleet.#informer.start();
    await fleet.#informer.synced;
    await inParallel(
      Array.from({ length: size }, (_, index) => index),
      CONCURRENCY,
      (index) => fleet.add(index),
    );
    return fleet;
  }

  async add(index: number): Promise<void> {
    const metadata = { name: nameOf(index), namespace: this.namespace };
    await this.client.create(this.#type, { metadata, spec: this.#spec(index, 0) });
  }

  /** Resolves when so many are Ready for their current generation. */
  async allReady(count: number): Promise<void> {
    await this.#until(() => this.#ready >= count);
  }

  /** Resolves when as many as `count` are Ready with what they read from Secrets of these versions. */
  async haveRead(sourceVersions: ReadonlySet<string>, count: number): Promise<void> {
    const current = ({ ready, sourceVersion = "" }: Seen) => ready && sourceVersions.has(sourceVersion);
    await this.#until(() => [...this.#informer.store.values()].filter(current).length >= count);
  }

  /** Changes one resource's content. Resolves, once it is Ready again, to the milliseconds from the patch being sent. */
  async edit(index: number, version: number): Promise<number> {
    const name = nameOf(index);
    const started = performance.now();
    const patch = { spec: this.#spec(index, version) };
    const { metadata } = await this.client.mergePatch(this.#type, { namespace: this.namespace, name }, patch);
    await this.#until(() => {
      const seen = this.#informer.get(`${this.namespace}/${name}`);
      return seen?.ready === true && seen.metadata.generation === metadata.generation;
    });
    return performance.now() - started;
  }

  /** Deletes everything in Kubernetes; what they have in Kestra stays with the sandbox that goes. */
  async destroy(): Promise<void> {
    const names = [...this.#informer.store.values()].map(({ metadata }) => metadata.name);
    await inParallel(names, CONCURRENCY, async (name) => {
      const object = { namespace: this.namespace, name };
      await this.client.mergePatch(this.#type, object, { metadata: { finalizers: null } });
      await this.client.delete(this.#type, object);
    });
    await this.client.delete(coreTypes.namespace, { name: this.namespace });
    await this.leave();
  }

  /** Looks at it no longer; what is there stays. */
  async leave(): Promise<void> {
    await this.#informer.stop();
    await this.client.close();
  }

  #until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (!condition()) return;
        this.#waiting.delete(check);
        resolve();
      };
      this.#waiting.add(check);
      check();
    });
  }

  get #type(): ResourceType {
    return this.#subject.type;
  }

  #spec(index: number, version: number): object {
    return this.#subject.spec({ kestraNamespace: this.kestraNamespace, name: nameOf(index), index }, version);
  }
}

function nameOf(index: number): string {
  return `bench-${String(index).padStart(5, "0")}`;
}

function seenOf(object: AnyObject): Seen {
  const { metadata, status } = object as Resource;
  const { name, namespace = "", uid, resourceVersion, generation = 0 } = metadata;
  return {
    metadata: { name, namespace, uid, resourceVersion, generation },
    ready: status?.observedGeneration === generation && isTrue(status.conditions, "Ready"),
    sourceVersion: status?.applied?.sourceVersion,
  };
}
