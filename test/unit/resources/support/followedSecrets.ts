import type { NamedObjects, Version } from "../../../../src/kubernetes/namedObjects.ts";
import type { DataObject } from "./kubernetesInMemory.ts";

/** Secrets that resources follow by name. Of one that is followed nothing is known until it is learnt. */
export class FollowedSecrets implements Pick<NamedObjects, "follow" | "unfollow" | "version"> {
  readonly #secrets: ReadonlyMap<string, DataObject>;
  readonly #followed = new Map<string, string>();
  readonly #versions = new Map<string, Version>();

  constructor(secrets: ReadonlyMap<string, DataObject>) {
    this.#secrets = secrets;
  }

  follow(follower: string, key: string): void {
    this.#followed.set(follower, key);
  }

  unfollow(follower: string): void {
    this.#followed.delete(follower);
  }

  version(key: string): Version {
    return this.#versions.get(key);
  }

  /** What the watches tell: keys of those that follow something that has changed. */
  learn(): string[] {
    const changed = new Set<string>();
    for (const key of new Set(this.#followed.values())) {
      const version = this.#secrets.get(key)?.metadata.resourceVersion ?? "missing";
      if (this.#versions.get(key) !== version) changed.add(key);
      this.#versions.set(key, version);
    }
    return [...this.#followed].filter(([, key]) => changed.has(key)).map(([follower]) => follower);
  }
}
