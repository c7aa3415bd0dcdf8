import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import {
  Controller,
  type ControllerOptions,
  type Outcome,
  type Reconcile,
} from "../../../src/kubernetes/controller.ts";
import { WorkQueue } from "../../../src/kubernetes/workQueue.ts";
import { recordingLogger } from "./support/logger.ts";
import { ManualClock, settle } from "./support/manualClock.ts";

let clock: ManualClock;
let queue: WorkQueue;
let outcomes: Outcome[];
let logger: ReturnType<typeof recordingLogger>;
let controller: Controller;

beforeEach(() => {
  clock = new ManualClock();
  queue = new WorkQueue({ clock, random: () => 1, backoff: { baseMs: 100, capMs: 1000 } });
  outcomes = [];
  logger = recordingLogger();
});

afterEach(async () => {
  const stopped = controller.stop(0);
  await clock.advance(60_000);
  await stopped;
});

function control(reconcile: Reconcile, options: Partial<ControllerOptions> = {}): Controller {
  const onOutcome = ({ outcome }: { outcome: Outcome }) => outcomes.push(outcome);
  controller = new Controller({ name: "test", queue, reconcile, clock, logger, onOutcome, ...options });
  return controller;
}

function run(reconcile: Reconcile, options?: Partial<ControllerOptions>): Controller {
  control(reconcile, options).start();
  return controller;
}

/** Settles when the signal is aborted, as a reconcile should. */
function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => {
      reject(signal.reason as Error);
    });
  });
}

describe("results", () => {
  test("a key is done until it is added again", async () => {
    const keys: string[] = [];
    run((key) => {
      keys.push(key);
      return Promise.resolve(undefined);
    });
    queue.add("n/a");
    await clock.advance(3_600_000);
    queue.add("n/a");
    await settle();
    expect(keys).toEqual(["n/a", "n/a"]);
    expect(outcomes).toEqual(["success", "success"]);
  });

  test("a key comes back when its reconcile asked for it", async () => {
    let passes = 0;
    run(() => Promise.resolve(++passes < 3 ? { requeueAfterMs: 1000 } : {}));
    queue.add("n/a");
    await clock.advance(999);
    expect(passes).toBe(1);
    await clock.advance(10_000);
    expect(passes).toBe(3);
    expect(outcomes).toEqual(["requeue", "requeue", "success"]);
  });

  test("success ends the back-off of earlier failures", async () => {
    let passes = 0;
    run(() => (++passes < 3 ? Promise.reject(new Error("no")) : Promise.resolve(undefined)));
    queue.add("n/a");
    await clock.advance(1000);
    expect(outcomes).toEqual(["error", "error", "success"]);
    expect(queue.failures("n/a")).toBe(0);
  });
});

describe("failures", () => {
  test.each<[string, Reconcile]>([
    ["rejects", () => Promise.reject(new Error("no"))],
    [
      "throws before its first await",
      () => {
        throw new Error("no");
      },
    ],
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
    ["rejects with something that is no error", () => Promise.reject("no")],
  ])("a reconcile that %s harms no other key, and is tried again later and later", async (_, fail) => {
    const at: number[] = [];
    const others: string[] = [];
    run(
      (key, signal) => {
        if (key !== "n/bad") return Promise.resolve(others.push(key)).then(() => undefined);
        at.push(clock.monotonic());
        return fail(key, signal);
      },
      { workers: 1 },
    );
    queue.add("n/bad");
    queue.add("n/good");
    await clock.advance(5_000);
    expect(others).toEqual(["n/good"]);
    expect(at).toEqual([0, 100, 300, 700, 1500, 2500, 3500, 4500]);
    expect(logger.lines[0]).toMatchObject({ level: "warn", fields: { key: "n/bad" } });
  });

  test("a Retry-After in the error is honoured", async () => {
    const at: number[] = [];
    run(() => {
      at.push(clock.monotonic());
      return Promise.reject(Object.assign(new Error("busy"), { retryAfterMs: 30_000 }));
    });
    queue.add("n/a");
    await clock.advance(31_000);
    expect(at).toEqual([0, 30_000]);
  });
});

describe("deadline", () => {
  test("a reconcile that takes too long is aborted and tried again", async () => {
    let passes = 0;
    run((_, signal) => (++passes === 1 ? untilAborted(signal) : Promise.resolve(undefined)), { deadlineMs: 1000 });
    queue.add("n/a");
    await clock.advance(1000);
    expect(outcomes).toEqual(["deadline"]);
    await clock.advance(100);
    expect(outcomes).toEqual(["deadline", "success"]);
  });

  test("one that ignores its signal is reported, frees its worker, and keeps its key to itself until it ends", async () => {
    const hanging = Promise.withResolvers<undefined>();
    const keys: string[] = [];
    run(
      (key) => {
        keys.push(key);
        return keys.length === 1 ? hanging.promise : Promise.resolve(undefined);
      },
      { workers: 1, deadlineMs: 1000, patienceMs: 500 },
    );
    queue.add("n/stuck");
    await settle();
    queue.add("n/stuck");
    queue.add("n/other");
    await clock.advance(1500);
    expect(outcomes).toEqual(["abandoned", "success"]);
    expect(keys).toEqual(["n/stuck", "n/other"]);
    expect(logger.lines).toContainEqual(expect.objectContaining({ level: "error" }));
    hanging.resolve(undefined);
    await settle();
    expect(keys).toEqual(["n/stuck", "n/other", "n/stuck"]);
  });
});

describe("leadership", () => {
  test("keys gather until the start, and edits go before what waited", async () => {
    const keys: string[] = [];
    control(
      (key) => {
        keys.push(key);
        return Promise.resolve(undefined);
      },
      { workers: 1 },
    );
    queue.add("n/resync", "low");
    queue.add("n/edit");
    await settle();
    expect(keys).toEqual([]);
    controller.start();
    await settle();
    expect(keys).toEqual(["n/edit", "n/resync"]);
  });

  test("a pause aborts what is under way, and the next start takes it up again", async () => {
    const reasons: unknown[] = [];
    let passes = 0;
    run((_, signal) =>
      ++passes > 1
        ? Promise.resolve(undefined)
        : untilAborted(signal).catch((reason: unknown) => {
            reasons.push(reason);
            throw reason;
          }),
    );
    queue.add("n/a");
    await settle();
    const lost = new Error("not the leader any more");
    controller.pause(lost);
    queue.add("n/b");
    await settle();
    expect(reasons).toEqual([lost]);
    expect(outcomes).toEqual(["aborted"]);
    controller.start();
    await settle();
    expect(outcomes).toEqual(["aborted", "success", "success"]);
  });
});

describe("stopping", () => {
  test("lets what is under way end, and begins nothing else", async () => {
    const working = Promise.withResolvers<undefined>();
    const keys: string[] = [];
    run(
      (key) => {
        keys.push(key);
        return working.promise;
      },
      { workers: 1 },
    );
    queue.add("n/a");
    queue.add("n/b");
    await settle();
    const stopped = controller.stop(10_000);
    await clock.advance(5_000);
    working.resolve(undefined);
    expect(await stopped).toBe(true);
    expect(keys).toEqual(["n/a"]);
    expect(clock.timers).toBe(0);
  });

  test("aborts what has not ended within the grace period", async () => {
    run((_, signal) => untilAborted(signal));
    queue.add("n/a");
    await settle();
    const stopped = controller.stop(1000);
    await clock.advance(1000);
    expect(await stopped).toBe(false);
    expect(outcomes).toEqual(["aborted"]);
  });
});
