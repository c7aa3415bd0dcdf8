import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { sleep } from "../lib/async.ts";
import type { Clock } from "../lib/clock.ts";

export interface IdleHeapOptions {
  /** Whether there is work under way or waiting. */
  busy: () => boolean;
  clock: Clock;
  /** Bytes that the heap takes from the system. */
  heapSize?: () => number;
  collect?: () => void;
}

/** How often is looked, in milliseconds: two looks in a row without work make an idle time. */
const LOOK_MS = 5_000;
/** Growth since the last collection that is worth one, in bytes. */
const WORTH_BYTES = 16 * 1024 * 1024;

/**
 * Gives memory back after a burst of work, until the signal is aborted. V8 collects when it needs room, and a process that rests needs
 * none: after reading ten thousand flows it would keep twice what it holds. One collection, of well under a second, makes up for it.
 */
export async function releaseHeapWhenIdle(signal: AbortSignal, options: IdleHeapOptions): Promise<void> {
  const { busy, clock, heapSize = totalHeapSize, collect = collectGarbage } = options;
  let settled = heapSize();
  let wasBusy = true;
  while (!signal.aborted) {
    await sleep(clock, LOOK_MS, signal);
    const isBusy = busy();
    if (!isBusy && !wasBusy && heapSize() > settled + WORTH_BYTES) {
      collect();
      settled = heapSize();
    }
    wasBusy = isBusy;
  }
}

function totalHeapSize(): number {
  return getHeapStatistics().total_heap_size;
}

/** V8 exposes the collector to contexts made after the flag is set. */
function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
}
