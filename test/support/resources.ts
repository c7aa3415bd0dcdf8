import type { KubernetesClient } from "../../src/kubernetes/client.ts";
import { findCondition } from "../../src/kubernetes/conditions.ts";
import type { Condition } from "../../src/kubernetes/conditions.ts";
import { isNotFound } from "../../src/kubernetes/errors.ts";
import type { KubernetesObject, ResourceType } from "../../src/kubernetes/objects.ts";
import { inParallel } from "../../src/lib/async.ts";
import { eventually } from "./eventually.ts";
import type { EventuallyOptions } from "./eventually.ts";

/** A resource of one of our kinds. */
type Resource<Spec> = KubernetesObject<Spec, { conditions?: Condition[] | undefined }>;

/** The resources of one of our kinds in one Kubernetes namespace, as their users handle them. */
export class TestResources<Spec extends object, R extends Resource<Spec>> {
  readonly #client: KubernetesClient;
  readonly #type: ResourceType;
  readonly #namespace: string;

  constructor(client: KubernetesClient, type: ResourceType, namespace: string) {
    this.#client = client;
    this.#type = type;
    this.#namespace = namespace;
  }

  create(name: string, spec: Partial<Spec>, annotations: Record<string, string> = {}): Promise<R> {
    return this.#client.create<R>(this.#type, { metadata: { name, namespace: this.#namespace, annotations }, spec });
  }

  get(name: string): Promise<R> {
    return this.#client.get<R>(this.#type, this.#named(name));
  }

  async list(): Promise<R[]> {
    return (await this.#client.list<R>(this.#type, { namespace: this.#namespace })).items;
  }

  patch(name: string, patch: object): Promise<R> {
    return this.#client.mergePatch<R>(this.#type, this.#named(name), patch);
  }

  patchSpec(name: string, spec: { [Key in keyof Spec]?: Spec[Key] | null }): Promise<R> {
    return this.patch(name, { spec });
  }

  annotate(name: string, annotations: Record<string, string | null>): Promise<R> {
    return this.patch(name, { metadata: { annotations } });
  }

  delete(name: string): Promise<void> {
    return this.#client.delete(this.#type, this.#named(name));
  }

  /** Deletes all of them, letting go of what has finalizers: what they have in Kestra stays. */
  async destroy(): Promise<void> {
    await inParallel(await this.list(), 6, async ({ metadata }) => {
      await this.#client.mergePatch(this.#type, metadata, { metadata: { finalizers: null } }).catch(ignoreNotFound);
      await this.#client.delete(this.#type, metadata).catch(ignoreNotFound);
    });
  }

  /** Waits until the condition has this status, and reason where one is given, for the current generation. */
  async waitFor(
    name: string,
    type: string,
    status: "True" | "False",
    reason?: string,
    options?: EventuallyOptions,
  ): Promise<R> {
    return eventually(async () => {
      const resource = await this.get(name);
      const condition = findCondition(resource.status?.conditions, type);
      const current = condition?.observedGeneration === resource.metadata.generation && condition?.status === status;
      if (current && (reason === undefined || condition.reason === reason)) return resource;
      const found = JSON.stringify(resource.status);
      throw new Error(`${name}: wanted ${type}=${status} ${reason ?? ""}, status is ${found}`);
    }, options);
  }

  waitReady(name: string, options?: EventuallyOptions): Promise<R> {
    return this.waitFor(name, "Ready", "True", undefined, options);
  }

  /** Waits until a look at it satisfies. */
  async waitUntil(name: string, satisfies: (resource: R) => boolean, options?: EventuallyOptions): Promise<R> {
    return eventually(async () => {
      const resource = await this.get(name);
      if (satisfies(resource)) return resource;
      throw new Error(`${name}: status is ${JSON.stringify(resource.status)}`);
    }, options);
  }

  async waitGone(name: string, options?: EventuallyOptions): Promise<void> {
    await eventually(async () => {
      const resource = await this.get(name).catch(ignoreNotFound);
      if (resource) throw new Error(`${name} is still there: ${JSON.stringify(resource.metadata)}`);
    }, options);
  }

  #named(name: string) {
    return { namespace: this.#namespace, name };
  }
}

export function ignoreNotFound(error: unknown): undefined {
  if (isNotFound(error)) return undefined;
  throw error;
}
