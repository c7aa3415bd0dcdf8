import { backoff, sleep, type BackoffOptions } from "../lib/async.ts";
import { systemClock, type Clock } from "../lib/clock.ts";
import type { Logger } from "../lib/log.ts";
import type { KubernetesClient, Selection } from "./client.ts";
import { ApiError, isGone, isNotFound, QuietError, retryAfterOf, type ApiStatus } from "./errors.ts";
import { apiVersionOf, keyOf, type AnyObject, type Identified, type ResourceType } from "./objects.ts";
import { Store } from "./store.ts";
import type { WatchEvent } from "./watchStream.ts";

export interface InformerEvent<T> {
  type: "added" | "updated" | "deleted";
  /** For a deletion, the last state that was seen. */
  object: T;
  /** The state before an update. */
  previous?: T;
  /** True while the first list is taken in: the object is not new, only we are. */
  initial: boolean;
  /** For a deletion: it went unseen and only its absence was noticed, so that `object` may not be its last state. */
  missed?: boolean;
}

export type InformerHandler<T> = (event: InformerEvent<T>) => void;

export interface InformerOptions<T extends Identified> extends Selection {
  client: KubernetesClient;
  type: ResourceType;
  /** What is kept of an object, and all that handlers get. Must keep `metadata` as {@link Identified} has it. */
  transform?: ((object: AnyObject) => T) | undefined;
  /** Objects in one page of a list. Default 500. */
  pageSize?: number | undefined;
  /** Silence after which a watch is taken for dead. Default 90 s: a healthy server sends a bookmark every minute. */
  quietMs?: number | undefined;
  /** The server ends a watch after this long, or up to twice as long. Default 300 s. */
  watchSeconds?: number | undefined;
  /** Between attempts that fail. Default 0.5 s, doubling up to 30 s. */
  backoff?: BackoffOptions | undefined;
  logger: Logger;
  clock?: Clock | undefined;
  random?: (() => number) | undefined;
  /** Called for every attempt that failed, with why. */
  onFailure?: ((error: unknown) => void) | undefined;
}

/**
 * Where the informer stands:
 *
 * - `empty`: nothing is known, or what is known can no longer be continued. Next: list the first page.
 * - `listing`: some pages are in, and `seen` holds their keys. Next: list the page after them.
 * - `listed`: the store is what the server had at `resourceVersion`. Next: watch from there.
 * - `watching`: changes come in as they happen. Next: whatever ends the watch.
 */
type State = { name: "empty" } | Listing | Listed | Watching;
interface Listing {
  name: "listing";
  page: string;
  seen: Set<string>;
}
interface Listed {
  name: "listed";
  resourceVersion: string;
}
interface Watching {
  name: "watching";
  resourceVersion: string;
  events: AsyncIterable<WatchEvent>;
  heard: boolean;
}

/** After so many failed watches in a row, what we would continue from is doubted too, and listed again. */
const FAILURES_BEFORE_RELIST = 5;
/** A watch that ends in order sooner than this is resumed after a pause, lest a server that ends each at once is flooded. */
const SHORT_WATCH_MS = 2_000;

/**
 * Keeps a {@link Store} equal to what the API server has, and tells handlers what changes.
 *
 * Guarantees: after any disturbance (cut, silence, expiry, errors, a missing CRD) the store becomes right again by itself,
 * with deletions that happened meanwhile noticed; failures are retried with growing, jittered delays that honour the
 * server's Retry-After; an object deleted and made again under its name arrives as `deleted`, then `added`; the store is
 * up to date before a handler is called; a handler that throws harms nobody else. After `stop()` resolves nothing is
 * called any more.
 *
 * Assumes: handlers are quick, synchronous and leave objects unchanged, as they are the store's own.
 */
export class Informer<T extends Identified = AnyObject> {
  readonly type: ResourceType;
  readonly store = new Store<T>();
  /** Resolves when the first list is in; never rejects. */
  readonly synced: Promise<void>;

  readonly #options: InformerOptions<T>;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #backoff: BackoffOptions;
  readonly #handlers = new Set<InformerHandler<T>>();
  readonly #stopped = new AbortController();
  readonly #resolveSynced: () => void;
  #state: State = { name: "empty" };
  #hasSynced = false;
  #everSynced = false;
  #failures = 0;
  #lastContact: number | undefined;
  #lastError: unknown;
  #running: Promise<void> | undefined;

  constructor(options: InformerOptions<T>) {
    this.#options = options;
    this.type = options.type;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
    this.#backoff = options.backoff ?? { baseMs: 500, capMs: 30_000 };
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.synced = promise;
    this.#resolveSynced = () => {
      resolve(undefined);
    };
  }

  /** Whether the store is a whole list of a type that the server serves. False again when its CRD goes away. */
  get hasSynced(): boolean {
    return this.#hasSynced;
  }

  get state(): State["name"] {
    return this.#state.name;
  }

  /** When the server last sent anything for this type, in milliseconds since the epoch. */
  get lastContact(): number | undefined {
    return this.#lastContact;
  }

  /** Why the last attempt failed; undefined while all is well. */
  get lastError(): unknown {
    return this.#lastError;
  }

  get(key: string): T | undefined {
    return this.store.get(key);
  }

  /** Objects that are there already are told to the new handler as `added`, `initial`. Returns what removes it. */
  addHandler(handler: InformerHandler<T>): () => void {
    for (const object of this.store.values()) this.#tell({ type: "added", object, initial: true }, [handler]);
    this.#handlers.add(handler);
    return () => {
      this.#handlers.delete(handler);
    };
  }

  /** Begins to list and watch; `synced` tells when the first list is in. Does nothing the second time. */
  start(): void {
    this.#running ??= this.#run();
  }

  /** Resolves when the last call has ended. */
  async stop(): Promise<void> {
    this.#stopped.abort(new Error("the informer was stopped"));
    await this.#running;
  }

  /**
   * Takes in the answer to a write of our own, ahead of the watch, so that the next reconcile sees it. Ignored when the
   * store knows something newer, or nothing at all: an object that is gone is not brought back.
   */
  learn(answer: AnyObject): void {
    if (this.store.get(keyOf(answer))?.metadata.uid === answer.metadata.uid) this.#take("MODIFIED", answer);
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      let pauseMs: number;
      try {
        pauseMs = await this.#advance(signal);
      } catch (error) {
        if (signal.aborted) return;
        pauseMs = this.#recover(error);
      }
      if (pauseMs > 0) await sleep(this.#clock, pauseMs, signal);
    }
  }

  /** One step from the present state to the next; returns how long to pause before the one after it. */
  async #advance(signal: AbortSignal): Promise<number> {
    const state = this.#state;
    switch (state.name) {
      case "empty":
        this.#state = { name: "listing", page: "", seen: new Set() };
        return 0;
      case "listing":
        this.#state = await this.#listPage(state, signal);
        return 0;
      case "listed":
        this.#state = await this.#openWatch(state, signal);
        return 0;
      case "watching": {
        const began = this.#clock.monotonic();
        this.#state = await this.#follow(state);
        const short = this.#clock.monotonic() - began < SHORT_WATCH_MS;
        return short ? backoff(this.#backoff, 2, this.#random) : 0;
      }
    }
  }

  async #listPage(state: Listing, signal: AbortSignal): Promise<State> {
    const { client, type, pageSize } = this.#options;
    const page = state.page === "" ? {} : { continue: state.page };
    const options = { ...this.#selection, ...page, limit: pageSize ?? 500, signal };
    const list = await client.listEach(type, options, (item) => {
      state.seen.add(keyOf(item));
      this.#put(item);
    });
    this.#lastContact = this.#clock.now();
    if (list.metadata.continue) return { ...state, page: list.metadata.continue };
    for (const key of [...this.store.keys()]) if (!state.seen.has(key)) this.#remove(key, { missed: true });
    this.#everSynced = this.#hasSynced = true;
    this.#resolveSynced();
    return { name: "listed", resourceVersion: list.metadata.resourceVersion };
  }

  async #openWatch({ resourceVersion }: Listed, signal: AbortSignal): Promise<State> {
    const { client, type, quietMs, watchSeconds } = this.#options;
    const timeoutSeconds = Math.ceil((watchSeconds ?? 300) * (1 + this.#random()));
    const limits = { timeoutSeconds, quietMs: quietMs ?? 90_000, signal };
    const events = await client.watch(type, { ...this.#selection, ...limits, resourceVersion });
    this.#lastContact = this.#clock.now();
    return { name: "watching", resourceVersion, events, heard: false };
  }

  /** Takes in events until the watch ends. A silent end proves nothing unless something had come before. */
  async #follow(state: Watching): Promise<State> {
    try {
      for await (const event of state.events) {
        this.#lastContact = this.#clock.now();
        if (event.type === "ERROR") throw errorEvent(this.type, event.object as ApiStatus);
        this.#take(event.type, event.object as AnyObject);
        state.resourceVersion = (event.object as AnyObject).metadata.resourceVersion;
        state.heard = true;
        this.#failures = 0;
        this.#lastError = undefined;
      }
    } catch (error) {
      if (!(error instanceof QuietError)) throw error;
      if (!state.heard) return { name: "empty" };
    }
    return { name: "listed", resourceVersion: state.resourceVersion };
  }

  /** Chooses the state to go on from after a failure; returns how long to stay away. */
  #recover(error: unknown): number {
    this.#failures += 1;
    this.#lastError = error;
    this.#state = stateAfter(this.#state, error, this.#failures);
    // The type itself is gone, or not there yet.
    if (isNotFound(error)) this.#hasSynced = false;
    const pauseMs = Math.max(backoff(this.#backoff, this.#failures, this.#random), retryAfterOf(error) ?? 0);
    const { logger, onFailure } = this.#options;
    logger.warn({ err: error, resource: this.type.plural, pauseMs }, "list or watch failed, trying again");
    onFailure?.(error);
    return pauseMs;
  }

  #take(type: Exclude<WatchEvent["type"], "ERROR">, object: AnyObject): void {
    if (type === "BOOKMARK") return;
    const known = this.store.get(keyOf(object));
    if (known?.metadata.uid !== object.metadata.uid) {
      if (type !== "DELETED") this.#put(object);
    } else if (type === "DELETED") {
      this.#remove(keyOf(object), { missed: false });
    } else if (isNewer(object, known)) {
      this.#put(object);
    }
  }

  #put(raw: AnyObject): void {
    const known = this.store.get(keyOf(raw));
    const same = known?.metadata.uid === raw.metadata.uid;
    if (same && known?.metadata.resourceVersion === raw.metadata.resourceVersion) return;
    const object = this.#project(raw);
    if (object === undefined) return;
    if (known !== undefined && !same) this.#remove(keyOf(raw), { missed: true });
    this.store.set(object);
    const initial = !this.#everSynced;
    if (known !== undefined && same) this.#tell({ type: "updated", object, previous: known, initial });
    else this.#tell({ type: "added", object, initial });
  }

  #remove(key: string, { missed }: { missed: boolean }): void {
    const object = this.store.delete(key);
    if (object !== undefined) this.#tell({ type: "deleted", object, initial: false, missed });
  }

  #project(raw: AnyObject): T | undefined {
    // Lists of built-in types leave out what each item is, and metadata comes under a name of its own.
    raw.apiVersion = apiVersionOf(this.type);
    raw.kind = this.type.kind;
    delete (raw.metadata as { managedFields?: unknown }).managedFields;
    const { transform, logger } = this.#options;
    if (transform === undefined) return raw as Identified as T;
    try {
      return transform(raw);
    } catch (error) {
      logger.error({ err: error, key: keyOf(raw) }, "an object could not be taken into the cache and is left out");
      return undefined;
    }
  }

  #tell(event: InformerEvent<T>, handlers: Iterable<InformerHandler<T>> = this.#handlers): void {
    for (const handler of handlers) {
      try {
        handler(event);
      } catch (error) {
        this.#options.logger.error({ err: error, key: keyOf(event.object) }, "a handler of an informer threw");
      }
    }
  }

  get #selection(): Selection {
    const { namespace, labelSelector, fieldSelector, metadataOnly, multiplexed } = this.#options;
    return { namespace, labelSelector, fieldSelector, metadataOnly, multiplexed };
  }
}

function stateAfter(state: State, error: unknown, failures: number): State {
  switch (state.name) {
    case "empty":
      return state;
    case "listing":
      return isGone(error) || isNotFound(error) ? { name: "empty" } : state;
    case "listed":
      return isGone(error) || isNotFound(error) || failures >= FAILURES_BEFORE_RELIST ? { name: "empty" } : state;
    case "watching":
      // An error that the stream itself carried ends what the version stood for; a cut does not.
      return error instanceof ApiError ? { name: "empty" } : { name: "listed", resourceVersion: state.resourceVersion };
  }
}

function errorEvent(type: ResourceType, status: ApiStatus): ApiError {
  return new ApiError(`watch ${type.plural}`, status.code ?? 500, status);
}

/** Resource versions are decimal numbers of any length, comparable within a type. */
function isNewer(object: Identified, than: Identified): boolean {
  const [a, b] = [object.metadata.resourceVersion, than.metadata.resourceVersion];
  return a.length === b.length ? a > b : a.length > b.length;
}
