import { ApiError } from "../../kubernetes/errors.ts";
import type { GetOptions } from "../../kubernetes/calls.ts";
import type { KubernetesClient } from "../../kubernetes/client.ts";
import { coreTypes, keyFor } from "../../kubernetes/objects.ts";
import type { AnyObject, ObjectName, ResourceType } from "../../kubernetes/objects.ts";

/** What is needed is neither in the files nor in a cluster that may be asked. The message says where it is looked for. */
export class NotLookedAt extends Error {}

/**
 * Objects by name: those of the files, which an apply would put in the cluster's place, then those of the cluster where one was named.
 * Nothing can be written through it.
 */
export class References implements Pick<KubernetesClient, "get"> {
  readonly #files: ReadonlyMap<string, AnyObject>;
  readonly #cluster: Pick<KubernetesClient, "get"> | undefined;

  constructor(files: Iterable<AnyObject>, cluster?: Pick<KubernetesClient, "get">) {
    this.#files = new Map([...files].map((object) => [keyOfKind(object.kind, object.metadata), asServed(object)]));
    this.#cluster = cluster;
  }

  /** @throws {NotLookedAt} for what is not in the files, where no cluster was named */
  async get<T extends AnyObject>(type: ResourceType, name: ObjectName, options: GetOptions = {}): Promise<T> {
    const found = this.#files.get(keyOfKind(type.kind, name));
    const what = `the ${type.kind} ${name.name}`;
    if (found !== undefined && isEncrypted(found)) throw new NotLookedAt(`${what} is encrypted in the files`);
    if (found !== undefined) return found as T;
    if (this.#cluster !== undefined) return this.#cluster.get<T>(type, name, options);
    throw new NotLookedAt(`${what} is not in the files, and no cluster was named by --context or --kubeconfig`);
  }

  /** The object, from the cluster only; undefined where there is none, "unknown" where no cluster was named. */
  async existing<T extends AnyObject>(type: ResourceType, name: ObjectName): Promise<T | undefined | "unknown"> {
    if (this.#cluster === undefined) return "unknown";
    try {
      return await this.#cluster.get<T>(type, name);
    } catch (error) {
      // Also where the cluster does not have the type yet.
      if (error instanceof ApiError && error.status === 404) return undefined;
      throw error;
    }
  }
}

function keyOfKind(kind: string, name: ObjectName): string {
  return `${kind} ${keyFor(name)}`;
}

type Texts = Record<string, string>;

/** As the API server keeps it: the texts in a Secret's `stringData` are in its `data`. */
function asServed(object: AnyObject): AnyObject {
  const { data, stringData, ...rest } = object as AnyObject & { data?: Texts; stringData?: Texts };
  if (object.kind !== coreTypes.secret.kind || stringData === undefined) return object;
  const encoded: Texts = { ...data };
  for (const [key, text] of Object.entries(stringData)) encoded[key] = Buffer.from(text).toString("base64");
  return { ...rest, data: encoded } as AnyObject;
}

/** Whether it was encrypted by SOPS, which leaves kind and name readable. */
function isEncrypted(object: AnyObject): boolean {
  return "sops" in object;
}
