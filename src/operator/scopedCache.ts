import type { Informer, InformerHandler } from "../kubernetes/informer.ts";
import { isForbidden } from "../kubernetes/errors.ts";
import { parseKey } from "../kubernetes/objects.ts";
import type { AnyObject, Identified } from "../kubernetes/objects.ts";

/**
 * The objects of one type in the namespaces that are served: one informer for all of them, or one for each, as a Role needs.
 */
export class ScopedCache<T extends Identified> {
  readonly #informers: ReadonlyMap<string, Informer<T>>;

  /** @param informers by namespace; the key "" stands for all namespaces */
  constructor(informers: ReadonlyMap<string, Informer<T>>) {
    this.#informers = informers;
  }

  get(key: string): T | undefined {
    return this.#informerOf(key)?.get(key);
  }

  *keys(): Generator<string> {
    for (const informer of this.#informers.values()) yield* informer.store.keys();
  }

  *values(): Generator<T> {
    for (const informer of this.#informers.values()) yield* informer.store.values();
  }

  get size(): number {
    return [...this.#informers.values()].reduce((size, { store }) => size + store.size, 0);
  }

  /** See {@link Informer.learn}. */
  learn(answer: AnyObject): void {
    this.#informerOf(`${answer.metadata.namespace ?? ""}/${answer.metadata.name}`)?.learn(answer);
  }

  addHandler(handler: InformerHandler<T>): void {
    for (const informer of this.#informers.values()) informer.addHandler(handler);
  }

  /** Whether every informer has its list, but for those that are forbidden theirs: one closed namespace must not stop the others. */
  get hasSynced(): boolean {
    const informers = [...this.#informers.values()];
    const open = informers.filter(({ hasSynced, lastError }) => !hasSynced && !isForbidden(lastError));
    return open.length === 0 && informers.some(({ hasSynced }) => hasSynced);
  }

  /** Why nothing can be said to be complete, for people. */
  get problem(): string | undefined {
    if (this.hasSynced) return undefined;
    for (const [namespace, { hasSynced, lastError, type }] of this.#informers) {
      if (hasSynced) continue;
      const cause = lastError instanceof Error ? `: ${lastError.message}` : "";
      return `the list of ${type.plural} in ${namespace === "" ? "all namespaces" : namespace} is not in yet${cause}`;
    }
    return undefined;
  }

  #informerOf(key: string): Informer<T> | undefined {
    return this.#informers.get("") ?? this.#informers.get(parseKey(key).namespace ?? "");
  }
}
