import { aborted, deadline, settles } from "../lib/async.ts";
import { systemClock, type Clock } from "../lib/clock.ts";
import type { Logger } from "../lib/log.ts";
import { retryAfterOf } from "./errors.ts";
import type { Priority, Work, WorkQueue } from "./workQueue.ts";

/** What a reconcile wants next. Nothing: it is content until somebody adds its key again. */
export interface ReconcileResult {
  requeueAfterMs?: number | undefined;
  /** Of the requeued key. Default `low`. */
  priority?: Priority | undefined;
}

/**
 * Brings one object closer to what it should be, whatever happened to it. Runs for one key at a time. When it throws, its
 * key is tried again with growing delays, at least `retryAfterMs` if the error has one. It should pass `signal` on to all
 * it calls: it is aborted at the deadline, when leadership may be lost and at the end of a shutdown.
 */
export type Reconcile = (key: string, signal: AbortSignal) => Promise<ReconcileResult | undefined>;

/** How a reconcile ended. `abandoned`: it went on after its deadline in spite of its signal. */
export type Outcome = "success" | "requeue" | "error" | "deadline" | "abandoned" | "aborted";

export interface ControllerOptions {
  /** For log lines. */
  name: string;
  queue: WorkQueue;
  reconcile: Reconcile;
  /** Reconciles at a time. Default 4. */
  workers?: number | undefined;
  /** Longest time for one reconcile, in milliseconds. Default 2 minutes. */
  deadlineMs?: number | undefined;
  /** How long an aborted reconcile may take to end before its worker turns to other keys. Default 5 s. */
  patienceMs?: number | undefined;
  logger: Logger;
  clock?: Clock | undefined;
  onOutcome?: ((report: { outcome: Outcome; milliseconds: number }) => void) | undefined;
}

export class ReconcileDeadline extends Error {
  override readonly name = "ReconcileDeadline";
}

/**
 * Workers that take keys from a queue and reconcile them.
 *
 * Guarantees: whatever a reconcile throws, or if it hangs, only its own key is tried again, and every worker lives on. A
 * reconcile that ignores its signal is abandoned and reported; its key is not worked on by anybody else until it settles.
 */
export class Controller {
  readonly queue: WorkQueue;
  readonly #options: ControllerOptions;
  readonly #clock: Clock;
  /** Aborted by {@link pause}; undefined while there are no workers. */
  #running: AbortController | undefined;
  readonly #workers = new Set<Promise<void>>();

  constructor(options: ControllerOptions) {
    this.#options = options;
    this.queue = options.queue;
    this.#clock = options.clock ?? systemClock;
  }

  /** Sets the workers to work. Until then, and while paused, keys gather in the queue. */
  start(): void {
    if (this.#running !== undefined) return;
    this.#running = new AbortController();
    const { signal } = this.#running;
    for (let i = 0; i < (this.#options.workers ?? 4); i++) {
      const worker = this.#work(signal).finally(() => this.#workers.delete(worker));
      this.#workers.add(worker);
    }
  }

  /** Aborts what is under way and takes no more keys until {@link start}; for the loss of leadership. */
  pause(reason: Error = new Error(`controller ${this.#options.name} was paused`)): void {
    this.#running?.abort(reason);
    this.#running = undefined;
  }

  /**
   * Takes no more keys, lets reconciles under way end within `graceMs`, then aborts them. Resolves when no worker is left,
   * to whether all had ended by themselves.
   */
  async stop(graceMs = 10_000): Promise<boolean> {
    const drained = await settles(this.#clock, this.queue.shutDown(), graceMs);
    this.pause(new Error(`controller ${this.#options.name} was stopped`));
    await Promise.all(this.#workers);
    return drained;
  }

  async #work(signal: AbortSignal): Promise<void> {
    for (;;) {
      const work = await this.queue.take(signal);
      if (work === undefined) return;
      await this.#process(work, signal);
    }
  }

  /** Never rejects. Resolves when the worker may turn to another key. */
  async #process(work: Work, paused: AbortSignal): Promise<void> {
    const began = this.#clock.monotonic();
    const deadlineMs = this.#options.deadlineMs ?? 120_000;
    const tooLate = () => new ReconcileDeadline(`the reconcile took more than ${deadlineMs} ms`);
    const { signal, cancel } = deadline(this.#clock, deadlineMs, tooLate, paused);
    const attempt = this.#attempt(work, signal, paused);
    await Promise.race([attempt, aborted(signal)]);
    cancel();
    const inTime = await settles(this.#clock, attempt, this.#options.patienceMs ?? 5_000);
    const milliseconds = this.#clock.monotonic() - began;
    this.#options.onOutcome?.({ outcome: inTime ? await attempt : "abandoned", milliseconds });
    if (inTime) return;
    const fields = { controller: this.#options.name, key: work.key };
    this.#options.logger.error(fields, "a reconcile goes on although it was aborted; its key waits until it ends");
  }

  /** Never rejects. Resolves when the reconcile has ended, however long that takes. */
  async #attempt({ key, priority }: Work, signal: AbortSignal, paused: AbortSignal): Promise<Outcome> {
    const { name, reconcile, logger } = this.#options;
    try {
      const result = await reconcile(key, signal);
      this.queue.forget(key);
      if (result?.requeueAfterMs === undefined) return "success";
      this.queue.addAfter(key, result.requeueAfterMs, result.priority);
      return "requeue";
    } catch (error) {
      if (paused.aborted) {
        this.queue.add(key, priority);
        return "aborted";
      }
      const retryMs = this.queue.addRateLimited(key, { priority, atLeastMs: retryAfterOf(error) });
      logger.warn({ controller: name, key, err: error, retryMs }, "a reconcile failed and will be tried again");
      return signal.aborted ? "deadline" : "error";
    } finally {
      this.queue.done(key);
    }
  }
}
