/**
 * First in, first out within a group, and the groups in turn: ten thousand keys of one namespace delay a key of another by
 * one key, not by ten thousand. Every operation takes O(1), amortised.
 *
 * Rests on the order of insertion of Map and Set, and on iterators of theirs that go on over what is added meanwhile.
 */
export class FairFifo {
  readonly #groups = new Map<string, Fifo>();
  readonly #groupOf: (key: string) => string;
  #turn = this.#groups.entries();
  #size = 0;

  constructor(groupOf: (key: string) => string) {
    this.#groupOf = groupOf;
  }

  get size(): number {
    return this.#size;
  }

  has(key: string): boolean {
    return this.#groups.get(this.#groupOf(key))?.has(key) ?? false;
  }

  add(key: string): void {
    const name = this.#groupOf(key);
    let group = this.#groups.get(name);
    if (group === undefined) this.#groups.set(name, (group = new Fifo()));
    if (group.add(key)) this.#size += 1;
  }

  take(): string | undefined {
    let turn = this.#turn.next();
    if (turn.done) {
      this.#turn = this.#groups.entries();
      turn = this.#turn.next();
    }
    if (turn.done) return undefined;
    const [name, group] = turn.value;
    const key = group.take();
    this.#size -= 1;
    if (group.size === 0) this.#groups.delete(name);
    return key;
  }

  delete(key: string): boolean {
    const name = this.#groupOf(key);
    const group = this.#groups.get(name);
    if (!group?.delete(key)) return false;
    this.#size -= 1;
    if (group.size === 0) this.#groups.delete(name);
    return true;
  }
}

/** Distinct keys in order. The iterator is kept: to begin anew would mean to step over all that was taken before. */
class Fifo {
  readonly #keys = new Set<string>();
  #next = this.#keys.values();

  get size(): number {
    return this.#keys.size;
  }

  has(key: string): boolean {
    return this.#keys.has(key);
  }

  add(key: string): boolean {
    const before = this.#keys.size;
    return this.#keys.add(key).size > before;
  }

  delete(key: string): boolean {
    return this.#keys.delete(key);
  }

  take(): string | undefined {
    let next = this.#next.next();
    if (next.done) {
      this.#next = this.#keys.values();
      next = this.#next.next();
    }
    if (next.done) return undefined;
    this.#keys.delete(next.value);
    return next.value;
  }
}
