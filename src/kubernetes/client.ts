import type { KubeConfig } from "@kubernetes/client-node";
import type { Dispatcher } from "undici";
import { deadline } from "../lib/async.ts";
import { systemClock } from "../lib/clock.ts";
import type { Logger } from "../lib/log.ts";
import type {
  CallOptions,
  CallReport,
  DeleteOptions,
  GetOptions,
  ListOptions,
  NewObject,
  ObjectList,
  Selection,
  StatusPatch,
  WatchOptions,
} from "./calls.ts";
import { Connection, loadKubeConfig, type RawRequest } from "./connection.ts";
import { ApiError, DeadlineError, UnreachableError, type ApiStatus } from "./errors.ts";
import { apiVersionOf, type AnyObject, type ObjectName, type ResourceType } from "./objects.ts";
import { readList } from "./listStream.ts";
import { pathOf, queryOf } from "./paths.ts";
import { watchEvents, type WatchEvent } from "./watchStream.ts";

export type * from "./calls.ts";

const DEFAULT_DEADLINE_MS = 30_000;
const MERGE_PATCH = "application/merge-patch+json";
const PARTIAL = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";
const PARTIAL_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";

export interface ClientOptions {
  /** Path of a kubeconfig. Default: `KUBECONFIG`, `~/.kube/config`, or the pod's service account, in that order. */
  kubeconfig?: string | undefined;
  context?: string | undefined;
  userAgent?: string | undefined;
  /** Longest time a call may take, in milliseconds. Default 30 s. */
  deadlineMs?: number | undefined;
  /** See {@link KubernetesClient.withFence}. */
  fence?: (() => void) | undefined;
  onCall?: ((report: CallReport) => void) | undefined;
  logger: Logger;
}

type Body = Dispatcher.ResponseData["body"];

interface Call {
  verb: CallReport["verb"];
  resource: string;
  method: RawRequest["method"];
  path: string;
  accept?: string;
  contentType?: string;
  body?: unknown;
  multiplexed?: boolean | undefined;
}

/**
 * The calls to the API server that an operator makes, over pooled connections.
 *
 * Guarantees: every call ends within its deadline or when its signal is aborted. It rejects with {@link ApiError} (the
 * server said no), {@link DeadlineError} or {@link UnreachableError} (whether a write happened is unknown), what the fence
 * threw (nothing was sent), or the signal's reason. Nothing is retried, but for one repetition with fresh credentials
 * after a 401: only the caller knows what may be repeated.
 */
export class KubernetesClient {
  readonly #connection: Connection;
  readonly #options: ClientOptions;

  private constructor(connection: Connection, options: ClientOptions) {
    this.#connection = connection;
    this.#options = options;
  }

  /** Reads the configuration and opens no connection yet. Throws when there is no usable configuration. */
  static connect(options: ClientOptions): KubernetesClient {
    return new KubernetesClient(new Connection(() => loadKubeConfig(options)), options);
  }

  /** The same client on the same connections, which asks `fence` at the moment it writes a mutating request. */
  withFence(fence: () => void): KubernetesClient {
    return new KubernetesClient(this.#connection, { ...this.#options, fence });
  }

  get kubeConfig(): KubeConfig {
    return this.#connection.kubeConfig;
  }

  get<T extends AnyObject>(type: ResourceType, name: ObjectName, options: GetOptions = {}): Promise<T> {
    const { metadataOnly, multiplexed } = options;
    const accept = metadataOnly ? { accept: PARTIAL } : {};
    const path = pathOf(type, name);
    return this.#call({ verb: "get", resource: type.plural, method: "GET", path, multiplexed, ...accept }, options);
  }

  /** One page, or everything when no `limit` is given. */
  async list<T extends AnyObject>(type: ResourceType, options: ListOptions = {}): Promise<ObjectList<T>> {
    const items: T[] = [];
    const list = await this.listEach<T>(type, options, (item) => items.push(item));
    return { ...list, items };
  }

  /** As {@link list}, but hands out every object as it arrives; if the call fails, some may have been handed out. */
  listEach<T extends AnyObject>(
    type: ResourceType,
    options: ListOptions,
    each: (item: T) => void,
  ): Promise<Omit<ObjectList<T>, "items">> {
    const query = { ...selectors(options), limit: options.limit, continue: options.continue };
    const path = pathOf(type, { namespace: options.namespace }) + queryOf(query);
    const { metadataOnly, multiplexed } = options;
    const accept = metadataOnly ? { accept: PARTIAL_LIST } : {};
    const call: Call = { verb: "list", resource: type.plural, method: "GET", path, multiplexed, ...accept };
    return this.#call(call, options, (body) => readList(body, each as (item: unknown) => void));
  }

  /** What the server calls objects of a type. Not found, or undefined, while it does not serve it. */
  async kindOf({ group, version, plural }: Omit<ResourceType, "kind">, options: CallOptions = {}) {
    const path = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
    const call: Call = { verb: "get", resource: "apiresources", method: "GET", path };
    const { resources } = await this.#call<{ resources: { name: string; kind: string }[] }>(call, options);
    return resources.find(({ name }) => name === plural)?.kind;
  }

  create<T extends AnyObject>(type: ResourceType, object: NewObject, options: CallOptions = {}): Promise<T> {
    const path = pathOf(type, { namespace: object.metadata.namespace });
    const body = { apiVersion: apiVersionOf(type), kind: type.kind, ...object };
    return this.#call({ verb: "create", resource: type.plural, method: "POST", path, body }, options);
  }

  /** Guarded by the `resourceVersion` in the object. */
  replace<T extends AnyObject>(type: ResourceType, object: T, options: CallOptions = {}): Promise<T> {
    const path = pathOf(type, object.metadata);
    return this.#call({ verb: "replace", resource: type.plural, method: "PUT", path, body: object }, options);
  }

  /** Replaces the status and nothing else; guarded like {@link replace}. */
  replaceStatus<T extends AnyObject>(
    type: ResourceType,
    object: NewObject & { metadata: ObjectName },
    options: CallOptions = {},
  ): Promise<T> {
    const path = `${pathOf(type, object.metadata)}/status`;
    return this.#call(
      { verb: "replace", resource: `${type.plural}/status`, method: "PUT", path, body: object },
      options,
    );
  }

  /** JSON merge patch (RFC 7386): null removes, arrays are replaced. A `metadata.resourceVersion` in it guards it. */
  mergePatch<T extends AnyObject>(
    type: ResourceType,
    name: ObjectName,
    patch: object,
    options: CallOptions = {},
  ): Promise<T> {
    const call: Call = { verb: "patch", resource: type.plural, method: "PATCH", path: pathOf(type, name) };
    return this.#call({ ...call, contentType: MERGE_PATCH, body: patch }, options);
  }

  /** JSON merge patch of the status subresource. */
  patchStatus<T extends AnyObject>(
    type: ResourceType,
    name: ObjectName,
    patch: StatusPatch,
    options: CallOptions = {},
  ): Promise<T> {
    const path = `${pathOf(type, name)}/status`;
    const call: Call = { verb: "patch", resource: `${type.plural}/status`, method: "PATCH", path };
    return this.#call({ ...call, contentType: MERGE_PATCH, body: patch }, options);
  }

  /** Asks for the deletion; an object with finalizers stays until they are gone. */
  async delete(type: ResourceType, name: ObjectName, options: DeleteOptions = {}): Promise<void> {
    const { preconditions, propagationPolicy } = options;
    const body = { apiVersion: "v1", kind: "DeleteOptions", preconditions, propagationPolicy };
    await this.#call(
      { verb: "delete", resource: type.plural, method: "DELETE", path: pathOf(type, name), body },
      options,
    );
  }

  /**
   * Opens a watch; resolves when the server has accepted it. Iterating over it ends when the server ends it, throws when
   * it is cut, stays quiet for too long or carries a line that is no event, and closes it when the loop is left.
   */
  async watch(type: ResourceType, options: WatchOptions): Promise<AsyncIterable<WatchEvent>> {
    const { resourceVersion, timeoutSeconds } = options;
    const query = { ...selectors(options), watch: true, allowWatchBookmarks: true, resourceVersion, timeoutSeconds };
    const path = pathOf(type, { namespace: options.namespace }) + queryOf(query);
    const { metadataOnly, multiplexed } = options;
    const accept = metadataOnly ? { accept: PARTIAL } : {};
    const call: Call = { verb: "watch", resource: type.plural, method: "GET", path, multiplexed, ...accept };
    const headMs = options.deadlineMs ?? this.#deadlineMs;
    const { signal, quietMs } = options;
    const response = await this.#report(call, signal, () => this.#send(call, { signal, headMs, quietMs }));
    return watchEvents(nameOf(call), response.body);
  }

  /** Cuts all connections, also those of clients made by {@link withFence}. */
  close(): Promise<void> {
    return this.#connection.close();
  }

  get #deadlineMs(): number {
    return this.#options.deadlineMs ?? DEFAULT_DEADLINE_MS;
  }

  #call<T>(
    call: Call,
    options: CallOptions,
    read: (body: Body) => Promise<unknown> = (body) => body.json(),
  ): Promise<T> {
    const deadlineMs = options.deadlineMs ?? this.#deadlineMs;
    return this.#report(call, options.signal, async () => {
      const tooLate = () => new DeadlineError(nameOf(call), deadlineMs);
      const { signal, cancel } = deadline(systemClock, deadlineMs, tooLate, options.signal);
      try {
        // Aborting a call leaves a shared connection as it is: silence has to be noticed before.
        const headMs = call.multiplexed ? deadlineMs / 2 : 0;
        const response = await this.#send(call, { signal, headMs, quietMs: 0 });
        return (await read(response.body).catch(withoutQuote)) as T;
      } catch (error) {
        throw signal.reason instanceof DeadlineError && !(error instanceof ApiError) ? signal.reason : error;
      } finally {
        cancel();
      }
    });
  }

  async #send(call: Call, limits: Pick<RawRequest, "signal" | "headMs" | "quietMs">): Promise<Dispatcher.ResponseData> {
    const { userAgent, fence } = this.#options;
    const { method, path, body, multiplexed } = call;
    const headers = {
      accept: call.accept ?? "application/json",
      ...(userAgent === undefined ? {} : { "user-agent": userAgent }),
      ...(body === undefined ? {} : { "content-type": call.contentType ?? "application/json" }),
    };
    const text = body === undefined ? undefined : JSON.stringify(body);
    const response = await this.#connection.send({
      method,
      path,
      headers,
      body: text,
      fence: fenceOf(fence),
      multiplexed,
      ...limits,
    });
    if (response.statusCode >= 200 && response.statusCode < 300) return response;
    throw await refusal(call, response);
  }

  async #report<T>(call: Call, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    const began = performance.now();
    const finish = (code: CallReport["code"]) => {
      const report = { verb: call.verb, resource: call.resource, code, milliseconds: performance.now() - began };
      this.#options.logger.debug(report, "kubernetes call");
      this.#options.onCall?.(report);
    };
    try {
      signal?.throwIfAborted();
      const result = await work();
      finish(200);
      return result;
    } catch (error) {
      if (error instanceof ApiError) finish(error.status);
      else if (error instanceof FenceRefusal) {
        finish("fenced");
        throw error.cause;
      } else if (signal?.aborted) {
        finish("aborted");
        throw signal.reason;
      } else if (error instanceof DeadlineError) finish("deadline");
      else {
        finish("unreachable");
        throw new UnreachableError(nameOf(call), error);
      }
      throw error;
    }
  }
}

/** Tells what a fence threw from what the connection threw. */
class FenceRefusal extends Error {}

function fenceOf(fence: (() => void) | undefined): (() => void) | undefined {
  if (fence === undefined) return undefined;
  return () => {
    try {
      fence();
    } catch (error) {
      throw new FenceRefusal("fenced", { cause: error });
    }
  };
}

function nameOf(call: Call): string {
  return `${call.method} ${call.path.split("?", 1)[0] ?? ""}`;
}

/** A parser's error quotes what it could not read, which may hold a Secret's value. */
function withoutQuote(error: unknown): never {
  throw error instanceof SyntaxError ? new Error("the answer is not JSON") : error;
}

function selectors({ labelSelector, fieldSelector }: Selection) {
  return { labelSelector, fieldSelector };
}

/** Whether an answer to the call may hold the data of a Secret: an error's too, which a proxy may have written. */
function isConfidential({ resource, accept }: Call): boolean {
  return resource === "secrets" && accept === undefined;
}

async function refusal(call: Call, response: Dispatcher.ResponseData): Promise<ApiError> {
  const retryAfter = Number(response.headers["retry-after"]);
  const text = await response.body.text();
  let status: ApiStatus;
  try {
    status = isConfidential(call) ? {} : (JSON.parse(text) as ApiStatus);
  } catch {
    // A proxy's answer, as a rule: its first line is all that helps.
    status = { message: text.slice(0, 200) };
  }
  return new ApiError(nameOf(call), response.statusCode, status, retryAfter > 0 ? retryAfter * 1000 : undefined);
}
