import { afterEach, expect, test } from "@jest/globals";
import { releaseHeapWhenIdle } from "../../../src/operator/idleHeap.ts";
import { ManualClock } from "../kubernetes/support/manualClock.ts";

const MB = 1024 * 1024;
let stop = new AbortController();

afterEach(() => {
  stop.abort();
});

/** A heap that a burst made large, and that a collection brings back to 60 MB. */
function watched(busy: () => boolean) {
  stop = new AbortController();
  const clock = new ManualClock();
  const heap = { size: 60 * MB, collections: 0 };
  const collect = (): void => {
    heap.collections += 1;
    heap.size = 60 * MB;
  };
  void releaseHeapWhenIdle(stop.signal, { busy, clock, heapSize: () => heap.size, collect });
  return { clock, heap };
}

test("memory is given back once the work of a burst is done, and only once", async () => {
  let busy = true;
  const { clock, heap } = watched(() => busy);
  heap.size = 200 * MB;
  await clock.advance(30_000);
  expect(heap.collections).toBe(0);

  busy = false;
  await clock.advance(30_000);
  expect(heap.collections).toBe(1);
});

test("a heap that hardly grew is left alone", async () => {
  const { clock, heap } = watched(() => false);
  heap.size = 70 * MB;
  await clock.advance(60_000);
  expect(heap.collections).toBe(0);
});
