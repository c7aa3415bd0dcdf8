import type { InformerEvent } from "../kubernetes/informer.ts";
import { keyOf } from "../kubernetes/objects.ts";
import type { AnyObject } from "../kubernetes/objects.ts";
import { FINALIZER } from "../resources/annotations.ts";
import type { Cache } from "../resources/context.ts";
import type { CachedResource } from "../resources/model.ts";

/**
 * A cache that keeps what the API server removed in spite of our finalizer, as if it were still being deleted, so that what it has in Kestra
 * is cleaned up as ever.
 *
 * That happens: a delete looks whether there are finalizers, and then deletes whatever is there. One that comes in between is not seen, and
 * what we made in Kestra in the belief that the resource would wait for us would stay there for ever.
 *
 * Assumes: only the replica that leads keeps tombstones; another would clean up once more what is long cleaned up. They go with the process.
 */
export class Tombstones<R extends CachedResource> implements Cache<R> {
  readonly #live: Pick<Cache<R>, "get" | "learn">;
  readonly #dead = new Map<string, R>();
  readonly #onForgotten: (key: string) => void;

  /** @param onForgotten told of every tombstone that is not kept any more */
  constructor(live: Pick<Cache<R>, "get" | "learn">, onForgotten: (key: string) => void) {
    this.#live = live;
    this.#onForgotten = onForgotten;
  }

  /** The tombstone before a resource that was made under the same name: that one waits, as it would for an ordinary deletion. */
  get(key: string): R | undefined {
    return this.#dead.get(key) ?? this.#live.get(key);
  }

  has(key: string): boolean {
    return this.#dead.has(key);
  }

  learn(answer: AnyObject): void {
    this.#live.learn(answer);
  }

  forget(key: string): void {
    if (this.#dead.delete(key)) this.#onForgotten(key);
  }

  keys(): Iterable<string> {
    return this.#dead.keys();
  }

  clear(): void {
    for (const key of this.#dead.keys()) this.forget(key);
  }

  /** The tombstone of a resource that was deleted, kept from now on; undefined where it left in order. */
  bury({ object, missed }: Pick<InformerEvent<R>, "object" | "missed">, now: Date): R | undefined {
    const { metadata } = object;
    // Of what went unseen, somebody may have taken the finalizer away on purpose.
    const inOrder = missed === true || metadata.deletionTimestamp !== undefined;
    if (inOrder || !metadata.finalizers?.includes(FINALIZER)) return undefined;
    const tombstone = { ...object, removed: true, metadata: { ...metadata, deletionTimestamp: now.toISOString() } };
    this.#dead.set(keyOf(object), tombstone);
    return tombstone;
  }
}
