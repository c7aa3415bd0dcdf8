import type { Clock } from "../../../../src/lib/clock.ts";

interface Timer {
  due: number;
  callback: () => void;
}

/** A clock that stands still until a test moves it. */
export class ManualClock implements Clock {
  #elapsed = 0;
  #wall: number;
  readonly #timers = new Set<Timer>();

  constructor(wall = Date.parse("2026-01-01T00:00:00Z")) {
    this.#wall = wall;
  }

  now(): number {
    return this.#wall;
  }

  monotonic(): number {
    return this.#elapsed;
  }

  after(milliseconds: number, callback: () => void): () => void {
    const timer = { due: this.#elapsed + Math.max(0, milliseconds), callback };
    this.#timers.add(timer);
    return () => {
      this.#timers.delete(timer);
    };
  }

  get timers(): number {
    return this.#timers.size;
  }

  /** Fires what comes due, in order, and lets promises settle after each. */
  async advance(milliseconds: number): Promise<void> {
    const end = this.#elapsed + milliseconds;
    await settle();
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
      this.#timers.delete(next);
      this.#moveTo(next.due);
      next.callback();
      await settle();
    }
    this.#moveTo(end);
  }

  /** Time goes on, and no timer fires: the process is stopped. */
  freeze(milliseconds: number): void {
    this.#moveTo(this.#elapsed + milliseconds);
  }

  /** Somebody sets the wall clock. */
  setWall(time: number): void {
    this.#wall = time;
  }

  #moveTo(elapsed: number): void {
    const by = Math.max(0, elapsed - this.#elapsed);
    this.#elapsed += by;
    this.#wall += by;
  }

  #next(end: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers)
      if (timer.due <= end && (next === undefined || timer.due < next.due)) next = timer;
    return next;
  }
}

/** Lets everything happen that needs no more time. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}
