import type { KubernetesClient } from "../../../../src/kubernetes/client.ts";
import { ApiError } from "../../../../src/kubernetes/errors.ts";
import { apiVersionOf, coreTypes, keyFor, keyOf } from "../../../../src/kubernetes/objects.ts";
import type { AnyObject, ObjectName, ResourceType } from "../../../../src/kubernetes/objects.ts";

export interface Resource<Spec = unknown, Status = unknown> extends AnyObject {
  spec: Partial<Spec>;
  status?: Status;
}

/** A ConfigMap or a Secret. */
export interface DataObject extends AnyObject {
  data: Record<string, string>;
}

interface Patch {
  metadata?: { uid?: string; resourceVersion?: string; [field: string]: unknown };
  status?: unknown;
}

/** What the API server does with our objects, as far as reconciling depends on it. */
export class KubernetesInMemory<Spec, Status> {
  readonly resources = new Map<string, Resource<Spec, Status>>();
  readonly configMaps = new Map<string, DataObject>();
  readonly secrets = new Map<string, DataObject>();
  readonly #type: ResourceType;
  readonly #change: <T>(what: string, object: Resource<Spec, Status>, effect: () => T) => T;
  readonly #onChange: (key: string) => void;
  #version = 0;
  #uid = 0;

  /** @param onChange told of every change of a resource, as a watch tells it */
  constructor(
    type: ResourceType,
    change: <T>(what: string, object: Resource<Spec, Status>, effect: () => T) => T,
    onChange: (key: string) => void,
  ) {
    this.#type = type;
    this.#change = change;
    this.#onChange = onChange;
  }

  /** The part of the client that reconciling uses. */
  get client(): Pick<KubernetesClient, "get" | "mergePatch" | "patchStatus"> {
    return {
      get: async <T extends AnyObject>(type: ResourceType, name: ObjectName) => {
        await Promise.resolve();
        const found = this.#all(type).get(keyFor(name));
        if (found === undefined) throw new ApiError(`get ${keyFor(name)}`, 404);
        return copyOf(found) as T;
      },
      mergePatch: <T extends AnyObject>(_type: ResourceType, name: ObjectName, patch: object) =>
        this.#patch<T>("patch", name, patch),
      patchStatus: <T extends AnyObject>(_type: ResourceType, name: ObjectName, patch: object) =>
        this.#patch<T>("patchStatus", name, patch),
    };
  }

  /** `kubectl apply`: creates the resource, or replaces its spec and sets annotations. */
  apply(name: string, spec: Partial<Spec>, annotations: Record<string, string> = {}, namespace = "team"): void {
    const key = keyFor({ namespace, name });
    const before = this.resources.get(key);
    if (before?.metadata.deletionTimestamp !== undefined) return;
    const same = JSON.stringify(before?.spec) === JSON.stringify(spec);
    this.#put({
      apiVersion: apiVersionOf(this.#type),
      kind: this.#type.kind,
      metadata: {
        name,
        namespace,
        uid: before?.metadata.uid ?? `uid-${(this.#uid += 1)}`,
        resourceVersion: this.#nextVersion(),
        generation: (before?.metadata.generation ?? 0) + (same ? 0 : 1),
        creationTimestamp: before?.metadata.creationTimestamp ?? `2026-01-01T00:00:0${this.#uid % 10}Z`,
        ...(before?.metadata.finalizers ? { finalizers: before.metadata.finalizers } : {}),
        annotations: { ...before?.metadata.annotations, ...annotations },
      },
      spec,
      ...(before?.status ? { status: before.status } : {}),
    });
  }

  /** Makes, changes or (without data) deletes a ConfigMap or a Secret, whose data is given as it is sent. */
  applyData(kind: "ConfigMap" | "Secret", name: string, data: Record<string, string> | undefined): void {
    const objects = kind === "Secret" ? this.secrets : this.configMaps;
    const metadata = { namespace: "team", name, uid: name, resourceVersion: this.#nextVersion() };
    if (data === undefined) objects.delete(keyFor(metadata));
    else objects.set(keyFor(metadata), { apiVersion: "v1", kind, metadata, data });
  }

  /** `kubectl delete` without waiting. */
  delete(name: string): void {
    const before = this.resources.get(keyFor({ namespace: "team", name }));
    if (before === undefined || before.metadata.deletionTimestamp !== undefined) return;
    const metadata = { ...before.metadata, deletionTimestamp: "2026-06-01T00:00:00Z" };
    this.#put({ ...before, metadata: { ...metadata, resourceVersion: this.#nextVersion() } });
  }

  async #patch<T extends AnyObject>(what: string, name: ObjectName, patch: Patch): Promise<T> {
    await Promise.resolve();
    const key = keyFor(name);
    const before = this.resources.get(key);
    if (before === undefined) throw new ApiError(`${what} ${key}`, 404);
    const { uid, resourceVersion } = patch.metadata ?? {};
    if (uid !== undefined && uid !== before.metadata.uid) throw new ApiError(`${what} ${key}`, 409);
    if (resourceVersion !== undefined && resourceVersion !== before.metadata.resourceVersion)
      throw new ApiError(`${what} ${key}`, 409);
    const after = mergePatch(before, patch) as Resource<Spec, Status>;
    return this.#change(what, after, () => {
      const written = { ...after, metadata: { ...after.metadata, resourceVersion: this.#nextVersion() } };
      this.#put(written);
      return copyOf(written) as T;
    });
  }

  #all({ plural }: ResourceType): ReadonlyMap<string, AnyObject> {
    if (plural === coreTypes.secret.plural) return this.secrets;
    return plural === coreTypes.configMap.plural ? this.configMaps : this.resources;
  }

  #put(object: Resource<Spec, Status>): void {
    const key = keyOf(object);
    const { deletionTimestamp, finalizers = [] } = object.metadata;
    if (deletionTimestamp !== undefined && finalizers.length === 0) this.resources.delete(key);
    else this.resources.set(key, object);
    this.#onChange(key);
  }

  #nextVersion(): string {
    return String((this.#version += 1));
  }
}

/** RFC 7386. */
function mergePatch(target: unknown, patch: unknown): unknown {
  if (typeof patch !== "object" || patch === null || Array.isArray(patch)) return patch;
  const result: Record<string, unknown> =
    typeof target === "object" && target !== null && !Array.isArray(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else result[name] = mergePatch(result[name], value);
  }
  return result;
}

/** As an answer of the API server: JSON that nobody else holds. */
export function copyOf(object: AnyObject): AnyObject {
  return JSON.parse(JSON.stringify(object)) as AnyObject;
}
