import { systemClock, type Clock } from "../lib/clock.ts";
import type { Logger } from "../lib/log.ts";
import type { KubernetesClient } from "./client.ts";
import { NamedObject, type Version } from "./namedObject.ts";
import { parseKey, type ResourceType } from "./objects.ts";

export type { Version } from "./namedObject.ts";

export interface NamedObjectsOptions {
  client: KubernetesClient;
  type: ResourceType;
  logger: Logger;
  clock?: Clock | undefined;
  random?: (() => number) | undefined;
  /** Milliseconds between two looks at an object whose watch is forbidden, give or take a quarter. */
  pollMs: number;
  /**
   * Called with a follower's key whenever {@link NamedObjects.version} of what it follows has changed: the object was
   * changed, made or deleted, or was read for the first time, or can no longer be read.
   */
  onChange: (follower: string) => void;
}

/** Failures come in hundreds when the API server is away: of those of a minute, one is worth a warning. */
const WARN_EVERY_MS = 60_000;

/**
 * Follows single objects of a type by their names, such as the Secrets that resources refer to: one watch for each,
 * whoever many follow it, or looks where watching is forbidden. Other objects are never asked for.
 *
 * Guarantees: of an object nothing is kept but its resourceVersion, and a Secret's data is not even asked for; after any
 * disturbance versions become right again by themselves, as {@link NamedObject} has it; `onChange` is called after
 * `version` tells the new state, and once more when nothing was known before: no change since `follow` goes unnoticed.
 *
 * Assumes: `onChange` is quick, as adding to a queue is.
 */
export class NamedObjects {
  readonly #options: NamedObjectsOptions;
  readonly #clock: Clock;
  readonly #objects = new Map<string, { object: NamedObject; followers: Set<string> }>();
  /** Key of the object that each follower follows. */
  readonly #followed = new Map<string, string>();
  readonly #ending = new Set<Promise<void>>();
  readonly #forbiddenNamespaces = new Set<string>();
  #lastWarning = -Infinity;
  #stopped = false;

  constructor(options: NamedObjectsOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /**
   * Follows the object with this key (`namespace/name`) from now on, and nothing else: what the follower followed before
   * is left. Does nothing when it follows the object already. `version` may know the object at once; if so, `onChange` is
   * not called before the next change.
   */
  follow(follower: string, key: string): void {
    if (this.#stopped || this.#followed.get(follower) === key) return;
    this.unfollow(follower);
    this.#followed.set(follower, key);
    const entry = this.#objects.get(key) ?? this.#open(key);
    entry.followers.add(follower);
  }

  /** Does nothing for one that follows nothing. The last follower's leaving ends the watch. */
  unfollow(follower: string): void {
    const key = this.#followed.get(follower);
    const entry = key === undefined ? undefined : this.#objects.get(key);
    if (key === undefined || entry === undefined) return;
    this.#followed.delete(follower);
    entry.followers.delete(follower);
    if (entry.followers.size > 0) return;
    this.#objects.delete(key);
    const ending = entry.object.stop().finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
  }

  /** Nothing is known of an object that nobody follows. */
  version(key: string): Version {
    return this.#objects.get(key)?.object.version;
  }

  /** Objects that are followed. */
  get size(): number {
    return this.#objects.size;
  }

  /** `onChange` is not called any more, and nothing can be followed again. Resolves when the last call has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const follower of [...this.#followed.keys()]) this.unfollow(follower);
    await Promise.all(this.#ending);
  }

  #open(key: string): { object: NamedObject; followers: Set<string> } {
    const followers = new Set<string>();
    const object = new NamedObject({
      ...this.#options,
      clock: this.#clock,
      random: this.#options.random ?? Math.random,
      name: parseKey(key),
      onChange: () => {
        for (const follower of [...followers]) this.#tellChange(follower);
      },
      onForbidden: (error) => {
        this.#tellForbidden(key, error);
      },
      onFailure: (error) => {
        this.#tellFailure(key, error);
      },
    });
    const entry = { object, followers };
    this.#objects.set(key, entry);
    object.start();
    return entry;
  }

  #tellChange(follower: string): void {
    const { onChange, logger } = this.#options;
    try {
      onChange(follower);
    } catch (error) {
      logger.error({ err: error, follower }, "a follower of an object could not be told of its change");
    }
  }

  /** Rights are granted by namespace, as a rule: one warning each is enough. */
  #tellForbidden(key: string, error: unknown): void {
    const { type, logger, pollMs } = this.#options;
    const namespace = parseKey(key).namespace ?? "";
    const level = this.#forbiddenNamespaces.has(namespace) ? "debug" : "warn";
    this.#forbiddenNamespaces.add(namespace);
    logger[level](
      { err: error, resource: type.plural, key, pollMs },
      "watching it is forbidden, looking at it instead",
    );
  }

  #tellFailure(key: string, error: unknown): void {
    const now = this.#clock.monotonic();
    const level = now - this.#lastWarning < WARN_EVERY_MS ? "debug" : "warn";
    if (level === "warn") this.#lastWarning = now;
    this.#options.logger[level](
      { err: error, resource: this.#options.type.plural, key },
      "following objects by name failed, trying again",
    );
  }
}
