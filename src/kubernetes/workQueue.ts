import { backoff, type BackoffOptions } from "../lib/async.ts";
import { systemClock, type Clock } from "../lib/clock.ts";
import { DelayHeap, type Delayed } from "./delayHeap.ts";
import { FairFifo } from "./fairFifo.ts";
import { parseKey } from "./objects.ts";

/** `high`: somebody waits for it, such as who edited an object. `low`: first lists and resyncs. */
export type Priority = "high" | "low";

export interface WorkQueueOptions {
  clock?: Clock | undefined;
  random?: (() => number) | undefined;
  /** Delays of {@link WorkQueue.addRateLimited}. Default 0.5 s, doubling up to 5 minutes. */
  backoff?: BackoffOptions | undefined;
  /** Groups take turns. Default: the namespace of a key. */
  groupOf?: ((key: string) => string) | undefined;
}

/** A key that was taken, and the priority it had. */
export interface Work {
  key: string;
  priority: Priority;
}

export interface QueueDepth {
  high: number;
  low: number;
  delayed: number;
  active: number;
}

interface DelayedKey extends Delayed {
  key: string;
  priority: Priority;
}

/** After so many keys of high priority in a row, one of low priority gets its turn. */
const HIGH_IN_A_ROW = 8;

/**
 * The keys of objects that want a reconcile. A key says "look at it again", never what happened.
 *
 * Guarantees: a key is in the queue at most once, with the highest priority it was added with; it is never taken by two
 * workers at a time, and if it was added while it was worked on, it is handed out again after {@link done}. A pass answers
 * all earlier requests for its key, delayed ones too, as it sees the whole state and says itself when it wants the next.
 * Groups (namespaces) take turns, and low priority is not starved; but while a key of high priority is worked on, only one of low
 * priority is, as they would slow it down. Every operation takes O(log n) or less.
 */
export class WorkQueue {
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #backoff: BackoffOptions;
  readonly #ready: Record<Priority, FairFifo>;
  readonly #delayed = new DelayHeap<DelayedKey>();
  readonly #delayedByKey = new Map<string, DelayedKey>();
  /** Keys that are worked on: the priority each was taken with, and the one it was added with meanwhile. */
  readonly #active = new Map<string, { taken: Priority; again?: Priority }>();
  readonly #activeOf: Record<Priority, number> = { high: 0, low: 0 };
  readonly #failures = new Map<string, number>();
  readonly #takers = new Set<(work: Work | undefined) => void>();
  readonly #idle = Promise.withResolvers<undefined>();
  #highInARow = 0;
  #cancelTimer: (() => void) | undefined;
  #shutDown = false;

  constructor(options: WorkQueueOptions = {}) {
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
    this.#backoff = options.backoff ?? { baseMs: 500, capMs: 300_000 };
    const groupOf = options.groupOf ?? ((key: string) => parseKey(key).namespace ?? "");
    this.#ready = { high: new FairFifo(groupOf), low: new FairFifo(groupOf) };
  }

  get depth(): QueueDepth {
    return {
      high: this.#ready.high.size,
      low: this.#ready.low.size,
      delayed: this.#delayed.size,
      active: this.#active.size,
    };
  }

  /** As soon as possible. Ignored after the shutdown. */
  add(key: string, priority: Priority = "high"): void {
    if (this.#shutDown) return;
    const active = this.#active.get(key);
    if (active !== undefined) {
      if (active.again !== "high") active.again = priority;
      return;
    }
    if (priority === "high") this.#ready.low.delete(key);
    else if (this.#ready.high.has(key)) return;
    this.#ready[priority].add(key);
    this.#serve();
  }

  /** Not before `milliseconds` have passed, unless it is added otherwise. Of two delays the shorter holds. */
  addAfter(key: string, milliseconds: number, priority: Priority = "low"): void {
    if (this.#shutDown) return;
    if (milliseconds <= 0) {
      this.add(key, priority);
      return;
    }
    const due = this.#clock.monotonic() + milliseconds;
    const waiting = this.#delayedByKey.get(key);
    if (waiting !== undefined && waiting.due <= due) return;
    if (waiting !== undefined) this.#delayed.remove(waiting);
    const entry = { key, priority, due, place: 0 };
    this.#delayed.add(entry);
    this.#delayedByKey.set(key, entry);
    if (this.#delayed.first() === entry) this.#schedule();
  }

  /**
   * After a delay that grows with every call since the last {@link forget} and is at least `atLeastMs`, which is what a
   * Retry-After is for. Returns the delay in milliseconds.
   */
  addRateLimited(key: string, options: { priority?: Priority; atLeastMs?: number | undefined } = {}): number {
    const failures = this.failures(key) + 1;
    this.#failures.set(key, failures);
    const delay = Math.max(backoff(this.#backoff, failures, this.#random), options.atLeastMs ?? 0);
    this.addAfter(key, delay, options.priority);
    return delay;
  }

  /** How often a key was added by {@link addRateLimited} since the last {@link forget}. */
  failures(key: string): number {
    return this.#failures.get(key) ?? 0;
  }

  forget(key: string): void {
    this.#failures.delete(key);
  }

  /**
   * Waits for a key; who takes it must call {@link done}. Undefined after the shutdown, or when `signal` is aborted: keys
   * still in the queue are not handed out any more, as the next process finds them in its first list.
   */
  take(signal?: AbortSignal): Promise<Work | undefined> {
    if (this.#shutDown || signal?.aborted) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const give = (work: Work | undefined) => {
        this.#takers.delete(give);
        signal?.removeEventListener("abort", leave);
        resolve(work);
      };
      const leave = () => {
        give(undefined);
      };
      signal?.addEventListener("abort", leave, { once: true });
      this.#takers.add(give);
      this.#serve();
    });
  }

  /** The work on a taken key has ended. */
  done(key: string): void {
    const active = this.#active.get(key);
    if (active === undefined) throw new Error(`"${key}" was not taken from the queue.`);
    this.#active.delete(key);
    this.#activeOf[active.taken] -= 1;
    if (active.again !== undefined) this.add(key, active.again);
    if (this.#shutDown && this.#active.size === 0) this.#idle.resolve(undefined);
    // Others of low priority may have waited for this one.
    this.#serve();
  }

  /** Accepts and hands out nothing more. Resolves when all taken keys are done. */
  shutDown(): Promise<void> {
    this.#shutDown = true;
    this.#cancelTimer?.();
    for (const give of [...this.#takers]) give(undefined);
    if (this.#active.size === 0) this.#idle.resolve(undefined);
    return this.#idle.promise;
  }

  #serve(): void {
    for (const give of this.#takers) {
      const work = this.#next();
      if (work === undefined) return;
      this.#active.set(work.key, { taken: work.priority });
      this.#activeOf[work.priority] += 1;
      this.#dropDelayed(work.key);
      give(work);
    }
  }

  #next(): Work | undefined {
    const { high, low } = this.#ready;
    const priority = high.size === 0 || (low.size > 0 && this.#highInARow >= HIGH_IN_A_ROW) ? "low" : "high";
    if (priority === "low" && this.#activeOf.high > 0 && this.#activeOf.low > 0) {
      // Its turn is taken already: another of high priority may go in its place.
      const key = high.take();
      return key === undefined ? undefined : { key, priority: "high" };
    }
    this.#highInARow = priority === "high" ? this.#highInARow + 1 : 0;
    const key = this.#ready[priority].take();
    return key === undefined ? undefined : { key, priority };
  }

  #dropDelayed(key: string): void {
    const entry = this.#delayedByKey.get(key);
    if (entry === undefined) return;
    this.#delayed.remove(entry);
    this.#delayedByKey.delete(key);
  }

  /** One timer, for what is due first. */
  #schedule(): void {
    this.#cancelTimer?.();
    const first = this.#delayed.first();
    this.#cancelTimer =
      first === undefined
        ? undefined
        : this.#clock.after(first.due - this.#clock.monotonic(), () => {
            this.#release();
          });
  }

  #release(): void {
    const now = this.#clock.monotonic();
    for (let first = this.#delayed.first(); first !== undefined && first.due <= now; first = this.#delayed.first()) {
      this.#dropDelayed(first.key);
      this.add(first.key, first.priority);
    }
    this.#schedule();
  }
}
