/** Something that is due at a time. Belongs to at most one heap. */
export interface Delayed {
  /** In milliseconds of a monotonic clock. */
  due: number;
  /** Its place in the heap, kept by the heap. */
  place: number;
}

/** What is due first, first. Adding and removing anywhere take O(log n). */
export class DelayHeap<T extends Delayed> {
  readonly #items: T[] = [];

  get size(): number {
    return this.#items.length;
  }

  first(): T | undefined {
    return this.#items[0];
  }

  add(item: T): void {
    this.#put(item, this.#items.length);
    this.#rise(item);
  }

  remove(item: T): void {
    const last = this.#items.pop();
    if (last === undefined || last === item) return;
    this.#put(last, item.place);
    this.#rise(last);
    this.#sink(last);
  }

  #rise(item: T): void {
    while (item.place > 0) {
      const parent = this.#at((item.place - 1) >> 1);
      if (parent.due <= item.due) return;
      this.#swap(parent, item);
    }
  }

  #sink(item: T): void {
    for (;;) {
      const left = 2 * item.place + 1;
      if (left >= this.#items.length) return;
      let child = this.#at(left);
      if (left + 1 < this.#items.length && this.#at(left + 1).due < child.due) child = this.#at(left + 1);
      if (item.due <= child.due) return;
      this.#swap(item, child);
    }
  }

  #swap(a: T, b: T): void {
    const place = a.place;
    this.#put(a, b.place);
    this.#put(b, place);
  }

  #put(item: T, place: number): void {
    this.#items[place] = item;
    item.place = place;
  }

  #at(place: number): T {
    const item = this.#items[place];
    if (item === undefined) throw new RangeError(`The heap has no place ${place}.`);
    return item;
  }
}
