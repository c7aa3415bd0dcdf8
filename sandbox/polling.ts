import { setTimeout as sleep } from "node:timers/promises";

export interface Patience {
  /** Milliseconds after which to give up. */
  timeout: number;
  /** Milliseconds between two looks; 100 unless given. */
  every?: number;
  signal?: AbortSignal | undefined;
}

/**
 * Looks until the answer is neither undefined nor false, and returns it; undefined when the time is up.
 * Throws the signal's reason when it is aborted, and whatever `look` throws.
 */
export async function poll<T>(
  look: () => T | undefined | false | Promise<T | undefined | false>,
  { timeout, every = 100, signal }: Patience,
): Promise<T | undefined> {
  const deadline = performance.now() + timeout;
  for (;;) {
    signal?.throwIfAborted();
    const answer = await look();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() >= deadline) return undefined;
    await sleep(every, undefined, signal ? { signal } : {}).catch(() => signal?.throwIfAborted());
  }
}
