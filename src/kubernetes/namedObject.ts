import { sleep } from "../lib/async.ts";
import type { Clock } from "../lib/clock.ts";
import { silentLogger, type Logger } from "../lib/log.ts";
import type { KubernetesClient } from "./client.ts";
import { isForbidden, isNotFound } from "./errors.ts";
import { Informer } from "./informer.ts";
import { keyFor, type Identified, type ObjectName, type ResourceType } from "./objects.ts";

/** What is known of an object: its resourceVersion, that it is missing, or nothing (not read yet, or forbidden). */
// eslint-disable-next-line @typescript-eslint/no-redundant-type-constituents -- "missing" is said for the reader
export type Version = string | "missing" | undefined;

export interface NamedObjectOptions {
  client: KubernetesClient;
  type: ResourceType;
  name: ObjectName;
  /** Milliseconds between two looks while watching is forbidden, give or take a quarter. */
  pollMs: number;
  logger: Logger;
  clock: Clock;
  random: () => number;
  /** Called when `version` has changed. */
  onChange: () => void;
  /** Called the first time that listing or watching turns out to be forbidden. */
  onForbidden: (error: unknown) => void;
  /** Called for every other attempt that failed, with why. */
  onFailure: (error: unknown) => void;
}

/** Where the watch is forbidden it is tried again after this long, give or take a quarter: it may have been granted. */
const WATCH_AGAIN_MS = 600_000;

/**
 * The version of one object, kept by a watch of its metadata. While listing or watching is forbidden, the metadata is got
 * now and then instead, as the right to `get` may be granted alone.
 *
 * Guarantees: the version becomes right again after any disturbance, within {@link Informer}'s delays or after one look;
 * a failure that proves nothing leaves it as it is. After `stop()` was called nothing is called any more.
 *
 * Assumes: what it calls does not throw.
 */
export class NamedObject {
  readonly #options: NamedObjectOptions;
  readonly #stopped = new AbortController();
  #version: Version;
  #forbidden = false;
  #running: Promise<void> | undefined;

  constructor(options: NamedObjectOptions) {
    this.#options = options;
  }

  get version(): Version {
    return this.#version;
  }

  /** Does nothing the second time. */
  start(): void {
    this.#running ??= this.#run();
  }

  /** Resolves when the last call has ended. */
  async stop(): Promise<void> {
    this.#stopped.abort(new Error("the object is not followed any more"));
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      await this.#watch(signal);
      await this.#poll(signal);
    }
  }

  /** Resolves when the watch is forbidden, or with the signal. */
  async #watch(signal: AbortSignal): Promise<void> {
    const { client, type, name, logger, clock, random } = this.#options;
    const { promise: ended, resolve: end } = Promise.withResolvers<unknown>();
    signal.addEventListener("abort", end, { once: true });
    const informer = new Informer<Identified>({
      client,
      type,
      namespace: name.namespace,
      fieldSelector: `metadata.name=${escaped(name.name)}`,
      metadataOnly: true,
      multiplexed: true,
      transform: versionOf,
      // Failures are told by whoever follows hundreds of objects that fail together.
      logger: { ...silentLogger, error: logger.error.bind(logger) },
      clock,
      random,
      onFailure: (error) => {
        if (!isForbidden(error)) {
          this.#options.onFailure(error);
          return;
        }
        if (!this.#forbidden) this.#options.onForbidden(error);
        this.#forbidden = true;
        end(error);
      },
    });
    informer.addHandler(({ type: what, object: { metadata } }) => {
      this.#learn(what === "deleted" ? "missing" : metadata.resourceVersion);
    });
    void informer.synced.then(() => {
      this.#learn(informer.get(keyFor(name))?.metadata.resourceVersion ?? "missing");
    });
    informer.start();
    await ended;
    signal.removeEventListener("abort", end);
    await informer.stop();
  }

  /** Looks at the object until it is time to try the watch again. */
  async #poll(signal: AbortSignal): Promise<void> {
    const { clock, pollMs } = this.#options;
    const end = clock.monotonic() + this.#around(WATCH_AGAIN_MS);
    while (!signal.aborted && clock.monotonic() < end) {
      await this.#look(signal);
      await sleep(clock, this.#around(pollMs), signal);
    }
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { client, type, name } = this.#options;
    try {
      const { metadata } = await client.get(type, name, { metadataOnly: true, multiplexed: true, signal });
      this.#learn(metadata.resourceVersion);
    } catch (error) {
      if (isNotFound(error)) this.#learn("missing");
      else if (isForbidden(error)) this.#learn(undefined);
      else if (!signal.aborted) this.#options.onFailure(error);
    }
  }

  #learn(version: Version): void {
    if (this.#stopped.signal.aborted || version === this.#version) return;
    this.#version = version;
    this.#options.onChange();
  }

  #around(milliseconds: number): number {
    return milliseconds * (0.75 + this.#options.random() / 2);
  }
}

/** Annotations go too: the one that `kubectl apply` leaves on a Secret holds its values. */
function versionOf({ metadata: { namespace, name, uid, resourceVersion } }: Identified): Identified {
  return { metadata: { ...(namespace === undefined ? {} : { namespace }), name, uid, resourceVersion } };
}

/** A field selector's value: a name that comes from a user must not add a term of its own. */
function escaped(value: string): string {
  return value.replace(/[\\,=]/g, "\\$&");
}
