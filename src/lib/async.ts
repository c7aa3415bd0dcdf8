import type { Clock } from "./clock.ts";

/** Resolves after `milliseconds`, or at once when `signal` is aborted: look at the signal to know which. */
export function sleep(clock: Clock, milliseconds: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const finish = () => {
      cancel();
      signal?.removeEventListener("abort", finish);
      resolve();
    };
    const cancel = clock.after(milliseconds, finish);
    signal?.addEventListener("abort", finish, { once: true });
  });
}

/** Waits for `promise` at most `milliseconds`. Returns whether it settled in time, however it settled. */
export async function settles(clock: Clock, promise: Promise<unknown>, milliseconds: number): Promise<boolean> {
  const cutOff = new AbortController();
  const settled = promise.then(
    () => true,
    () => true,
  );
  const inTime = await Promise.race([settled, sleep(clock, milliseconds, cutOff.signal).then(() => false)]);
  cutOff.abort();
  return inTime;
}

/**
 * A signal that is aborted after `milliseconds` with what `reason` makes, or together with `parent`. Call `cancel` when the
 * work has ended: it lets go of timer and parent.
 */
export function deadline(
  clock: Clock,
  milliseconds: number,
  reason: () => Error,
  parent?: AbortSignal,
): { signal: AbortSignal; cancel: () => void } {
  const controller = new AbortController();
  const follow = () => {
    cancel();
    controller.abort(parent?.reason);
  };
  const cancelTimer = clock.after(milliseconds, () => {
    cancel();
    controller.abort(reason());
  });
  const cancel = () => {
    cancelTimer();
    parent?.removeEventListener("abort", follow);
  };
  if (parent?.aborted) follow();
  else parent?.addEventListener("abort", follow, { once: true });
  return { signal: controller.signal, cancel };
}

/** Resolves when `signal` is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const finish = () => {
      resolve();
    };
    if (signal.aborted) finish();
    else signal.addEventListener("abort", finish, { once: true });
  });
}

export interface BackoffOptions {
  /** Longest first delay, in milliseconds. */
  baseMs: number;
  /** Longest delay of all, in milliseconds. */
  capMs: number;
}

/**
 * Delay before attempt number `failures + 1`: the base doubled with every failure up to the cap, of which a random half
 * is taken off, so that many clients that failed together do not return together.
 */
export function backoff({ baseMs, capMs }: BackoffOptions, failures: number, random: () => number): number {
  const longest = Math.min(capMs, baseMs * 2 ** Math.max(0, failures - 1));
  return longest * (0.5 + random() / 2);
}

/** What anything that can be thrown says about itself. */
export function messageOf(thrown: unknown): string {
  if (typeof thrown === "string") return thrown;
  if (typeof thrown !== "object" || thrown === null) return String(thrown);
  const { message, code } = thrown as { message?: unknown; code?: unknown };
  // Node's error for a host with several addresses has a code only.
  for (const text of [message, code]) if (typeof text === "string" && text !== "") return text;
  return JSON.stringify(thrown);
}

/** Runs `work` over all items, so many at a time. */
export async function inParallel<T>(
  items: readonly T[],
  concurrency: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const iterator = items.values();
  const worker = async (): Promise<void> => {
    for (const item of iterator) await work(item);
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
}
