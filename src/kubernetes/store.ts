import { keyOf, type Identified } from "./objects.ts";

/** The values under which an index finds an object. Must be pure: the same object always gives the same values. */
export type IndexFunction<T> = (object: T) => readonly string[];

/** Objects by key, with named indexes: who refers to this ConfigMap, which objects declare this flow. */
export class Store<T extends Identified> {
  readonly #objects = new Map<string, T>();
  readonly #indexes = new Map<string, Index<T>>();

  /** Adds an index, over what is there already too. */
  index(name: string, valuesOf: IndexFunction<T>): this {
    if (this.#indexes.has(name)) throw new Error(`The store has an index "${name}" already.`);
    const index = new Index(valuesOf);
    for (const [key, object] of this.#objects) index.add(key, object);
    this.#indexes.set(name, index);
    return this;
  }

  get size(): number {
    return this.#objects.size;
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  keys(): IterableIterator<string> {
    return this.#objects.keys();
  }

  values(): IterableIterator<T> {
    return this.#objects.values();
  }

  /** In no particular order. Throws when there is no such index. */
  byIndex(name: string, value: string): T[] {
    const found: T[] = [];
    for (const key of this.keysByIndex(name, value)) {
      const object = this.#objects.get(key);
      if (object !== undefined) found.push(object);
    }
    return found;
  }

  keysByIndex(name: string, value: string): readonly string[] {
    const index = this.#indexes.get(name);
    if (index === undefined) throw new Error(`The store has no index "${name}".`);
    return index.keys(value);
  }

  /** Returns what was there before. */
  set(object: T): T | undefined {
    const key = keyOf(object);
    const previous = this.delete(key);
    this.#objects.set(key, object);
    for (const index of this.#indexes.values()) index.add(key, object);
    return previous;
  }

  /** Returns what was there before. */
  delete(key: string): T | undefined {
    const previous = this.#objects.get(key);
    if (previous === undefined) return undefined;
    for (const index of this.#indexes.values()) index.remove(key, previous);
    this.#objects.delete(key);
    return previous;
  }
}

/** Most values have one key: it is kept bare, as a set for each of 10,000 values would cost more than the keys. */
class Index<T> {
  readonly #keys = new Map<string, string | Set<string>>();
  readonly #valuesOf: IndexFunction<T>;

  constructor(valuesOf: IndexFunction<T>) {
    this.#valuesOf = valuesOf;
  }

  keys(value: string): readonly string[] {
    const keys = this.#keys.get(value);
    if (keys === undefined) return [];
    return typeof keys === "string" ? [keys] : [...keys];
  }

  add(key: string, object: T): void {
    for (const value of this.#valuesOf(object)) {
      const keys = this.#keys.get(value);
      if (keys === undefined) this.#keys.set(value, key);
      else if (typeof keys !== "string") keys.add(key);
      else if (keys !== key) this.#keys.set(value, new Set([keys, key]));
    }
  }

  remove(key: string, object: T): void {
    for (const value of this.#valuesOf(object)) {
      const keys = this.#keys.get(value);
      if (keys === key) this.#keys.delete(value);
      else if (keys instanceof Set && keys.delete(key) && keys.size === 0) this.#keys.delete(value);
    }
  }
}
