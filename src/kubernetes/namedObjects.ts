import type { Clock } from "../lib/clock.ts";
import type { Logger } from "../lib/log.ts";
import type { KubernetesClient } from "./client.ts";
import type { ResourceType } from "./objects.ts";

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

/** What is known of an object: its resourceVersion, that it is missing, or nothing (not read yet, or forbidden). */
export type Version = string | "missing" | undefined;

/** Follows single objects of a type by their names. */
export class NamedObjects {
  constructor(options: NamedObjectsOptions) {
    void options;
  }

  /**
   * Follows the object with this key (`namespace/name`) from now on, and nothing else: what the follower followed before
   * is left. Does nothing when it follows the object already.
   */
  follow(follower: string, key: string): void {
    void follower;
    void key;
  }

  /** Does nothing for one that follows nothing. */
  unfollow(follower: string): void {
    void follower;
  }

  version(key: string): Version {
    void key;
    return undefined;
  }

  /** Objects that are followed. */
  get size(): number {
    return 0;
  }

  /** Ends all watches; `onChange` is not called any more. Resolves when the last call has ended. */
  async stop(): Promise<void> {}
}
