import { silentLogger } from "../../src/lib/log.ts";
import { KubernetesClient } from "../../src/kubernetes/client.ts";
import { isTrue } from "../../src/kubernetes/conditions.ts";
import { Informer } from "../../src/kubernetes/informer.ts";
import { coreTypes } from "../../src/kubernetes/objects.ts";
import type { AnyObject } from "../../src/kubernetes/objects.ts";
import { kestraFlows } from "../../src/resources/flow/schema.ts";
import type { KestraFlow } from "../../src/resources/flow/schema.ts";
import { installCrds, uniqueName } from "../support/cluster.ts";
import { inParallel } from "../../src/lib/async.ts";

/** About the size of a tutorial flow, in bytes of source. */
const SOURCE_BYTES = 4_000;
const CONCURRENCY = 16;

interface Seen {
  metadata: AnyObject["metadata"];
  ready: boolean;
}

/** Many KestraFlows in a Kubernetes namespace of their own, and a watch on what becomes of them. */
export class Fleet {
  readonly namespace: string;
  readonly kestraNamespace: string;
  readonly #client: KubernetesClient;
  readonly #informer: Informer<Seen>;
  #ready = 0;
  readonly #waiting = new Set<() => void>();

  private constructor(client: KubernetesClient) {
    this.namespace = uniqueName("bench");
    this.kestraNamespace = uniqueName("bench");
    this.#client = client;
    this.#informer = new Informer<Seen>({
      client,
      type: kestraFlows,
      namespace: this.namespace,
      transform: ({ metadata: { name, namespace, uid, resourceVersion, generation }, ...rest }) => ({
        metadata: { name, namespace: namespace ?? "", uid, resourceVersion, generation: generation ?? 0 },
        ready: isCurrent({ ...rest, metadata: { generation } } as KestraFlow),
      }),
      logger: silentLogger,
    });
    this.#informer.addHandler(({ type, object, previous }) => {
      this.#ready +=
        Number(type !== "deleted" && object.ready) - Number(previous?.ready ?? (type === "deleted" && object.ready));
      for (const check of this.#waiting) check();
    });
  }

  static async create(size: number): Promise<Fleet> {
    const client = KubernetesClient.connect({ kubeconfig: process.env.KUBECONFIG, logger: silentLogger });
    const fleet = new Fleet(client);
    await installCrds();
    await client.create(coreTypes.namespace, { metadata: { name: fleet.namespace } });
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
    await this.#client.create(kestraFlows, { metadata, spec: { source: this.#source(index, 0) } });
  }

  /** Resolves when so many are Ready for their current generation. */
  async allReady(count: number): Promise<void> {
    await this.#until(() => this.#ready >= count);
  }

  /** Changes one flow's source. Resolves, once it is Ready again, to the milliseconds from the patch being sent. */
  async edit(index: number, version: number): Promise<number> {
    const name = nameOf(index);
    const started = performance.now();
    const patch = { spec: { source: this.#source(index, version) } };
    const { metadata } = await this.#client.mergePatch(kestraFlows, { namespace: this.namespace, name }, patch);
    await this.#until(() => {
      const seen = this.#informer.get(`${this.namespace}/${name}`);
      return seen?.ready === true && seen.metadata.generation === metadata.generation;
    });
    return performance.now() - started;
  }

  /** Deletes everything in Kubernetes; the flows in Kestra stay with the sandbox that goes. */
  async destroy(): Promise<void> {
    const names = [...this.#informer.store.values()].map(({ metadata }) => metadata.name);
    await inParallel(names, CONCURRENCY, async (name) => {
      const object = { namespace: this.namespace, name };
      await this.#client.mergePatch(kestraFlows, object, { metadata: { finalizers: null } });
      await this.#client.delete(kestraFlows, object);
    });
    await this.#informer.stop();
    await this.#client.delete(coreTypes.namespace, { name: this.namespace });
    await this.#client.close();
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

  #source(index: number, version: number): string {
    const head = `id: ${nameOf(index)}\nnamespace: ${this.kestraNamespace}\ntasks:\n`;
    const task = (number: number) =>
      `  - id: step_${number}\n    type: io.kestra.plugin.core.log.Log\n    message: "step ${number} of version ${version}, {{ execution.startDate }}"\n`;
    let source = head;
    for (let number = 1; source.length < SOURCE_BYTES; number++) source += task(number);
    return source;
  }
}

function nameOf(index: number): string {
  return `flow-${String(index).padStart(5, "0")}`;
}

function isCurrent({ metadata, status }: KestraFlow): boolean {
  return status?.observedGeneration === metadata.generation && isTrue(status?.conditions, "Ready");
}
