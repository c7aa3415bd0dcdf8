import { afterEach, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { WorkQueue, type Priority, type Work } from "../../../src/kubernetes/workQueue.ts";
import { ManualClock } from "./support/manualClock.ts";

const clock = new ManualClock();
const noJitter = () => 1;
let queue = new WorkQueue({ clock, random: noJitter });

afterEach(() => {
  queue = new WorkQueue({ clock, random: noJitter });
});

/** What can be taken right now, in order. */
async function takeAll(from = queue): Promise<string[]> {
  const keys: string[] = [];
  for (;;) {
    const work = await takeNow(from);
    if (work === undefined) return keys;
    keys.push(work.key);
    from.done(work.key);
  }
}

function takeNow(from = queue): Promise<Work | undefined> {
  const { promise, resolve } = Promise.withResolvers<Work | undefined>();
  const now = new AbortController();
  void from.take(now.signal).then(resolve);
  now.abort();
  return promise;
}

describe("order", () => {
  test("a key that is added twice is taken once", async () => {
    queue.add("a/x");
    queue.add("a/x");
    queue.add("a/x", "low");
    expect(await takeAll()).toEqual(["a/x"]);
  });

  test("keys of high priority come first", async () => {
    queue.add("a/resync", "low");
    queue.add("a/edit");
    expect(await takeAll()).toEqual(["a/edit", "a/resync"]);
  });

  test("a key that waits at low priority moves up when somebody edits the object", async () => {
    for (const name of ["1", "2", "3"]) queue.add(`a/${name}`, "low");
    queue.add("a/3");
    expect(queue.depth).toMatchObject({ high: 1, low: 2 });
    expect(await takeAll()).toEqual(["a/3", "a/1", "a/2"]);
  });

  test("a resync does not move a key down", async () => {
    queue.add("a/1");
    queue.add("a/1", "low");
    expect(await takeNow()).toEqual({ key: "a/1", priority: "high" });
  });

  test("low priority is not starved by a stream of edits", async () => {
    queue.add("a/resync", "low");
    for (let i = 0; i < 20; i++) queue.add(`a/edit-${i}`);
    expect((await takeAll()).indexOf("a/resync")).toBeLessThanOrEqual(8);
  });

  test("while an edit is worked on, one resync is, and not more", async () => {
    for (const name of ["1", "2", "3"]) queue.add(`a/${name}`, "low");
    queue.add("a/edit");
    queue.add("a/edit2");
    expect([await takeNow(), await takeNow(), await takeNow()].map((work) => work?.key)).toEqual([
      "a/edit",
      "a/edit2",
      "a/1",
    ]);
    const waiting = queue.take();
    expect(await takeNow()).toBeUndefined();
    queue.done("a/edit");
    expect(await takeNow()).toBeUndefined();
    queue.done("a/edit2");
    expect((await waiting)?.key).toBe("a/2");
    expect((await takeNow())?.key).toBe("a/3");
  });

  test("namespaces take turns, so a big one does not delay a small one", async () => {
    for (let i = 0; i < 1000; i++) queue.add(`big/${i}`, "low");
    queue.add("small/1", "low");
    expect((await takeAll()).indexOf("small/1")).toBeLessThanOrEqual(1);
  });
});

describe("one worker per key", () => {
  test("a key that is added while it is worked on is handed out again afterwards, and only then", async () => {
    queue.add("a/x");
    await takeNow();
    queue.add("a/x", "low");
    queue.add("a/x");
    expect(await takeNow()).toBeUndefined();
    queue.done("a/x");
    expect(await takeNow()).toEqual({ key: "a/x", priority: "high" });
  });

  test("a worker that waits gets the next key", async () => {
    const taken = queue.take();
    queue.add("a/x");
    expect(await taken).toEqual({ key: "a/x", priority: "high" });
  });

  test("done without take is a mistake that is told", () => {
    expect(() => {
      queue.done("a/x");
    }).toThrow('"a/x" was not taken');
  });
});

describe("delays", () => {
  test("a delayed key comes when its time has come, and not before", async () => {
    queue.addAfter("a/x", 1000);
    await clock.advance(999);
    expect(await takeAll()).toEqual([]);
    await clock.advance(1);
    expect(await takeAll()).toEqual(["a/x"]);
  });

  test("of two delays the shorter one holds", async () => {
    queue.addAfter("a/x", 1000);
    queue.addAfter("a/x", 100);
    queue.addAfter("a/x", 500);
    await clock.advance(100);
    expect(await takeAll()).toEqual(["a/x"]);
    await clock.advance(1000);
    expect(await takeAll()).toEqual([]);
  });

  test("a pass answers the delayed request too", async () => {
    queue.addAfter("a/x", 1000);
    queue.add("a/x");
    expect(await takeAll()).toEqual(["a/x"]);
    expect(queue.depth.delayed).toBe(0);
  });

  test("a delay that is asked for during the pass stays", async () => {
    queue.add("a/x");
    await takeNow();
    queue.addAfter("a/x", 1000);
    queue.done("a/x");
    await clock.advance(1000);
    expect(await takeAll()).toEqual(["a/x"]);
  });

  test("delays after failures double up to the cap, and begin anew after forget", () => {
    queue = new WorkQueue({ clock, random: noJitter, backoff: { baseMs: 100, capMs: 500 } });
    const delays = Array.from({ length: 5 }, () => queue.addRateLimited("a/x"));
    expect(delays).toEqual([100, 200, 400, 500, 500]);
    queue.forget("a/x");
    expect(queue.addRateLimited("a/x")).toBe(100);
  });

  test("jitter takes away up to half of a delay", () => {
    queue = new WorkQueue({ clock, random: () => 0, backoff: { baseMs: 100, capMs: 500 } });
    expect(queue.addRateLimited("a/x")).toBe(50);
  });

  test("a Retry-After is kept to", async () => {
    expect(queue.addRateLimited("a/x", { atLeastMs: 60_000 })).toBe(60_000);
    await clock.advance(59_999);
    expect(await takeAll()).toEqual([]);
    await clock.advance(1);
    expect(await takeAll()).toEqual(["a/x"]);
  });
});

describe("shutdown", () => {
  test("waits for the keys that are worked on, and hands out no others", async () => {
    queue.add("a/x");
    queue.add("a/y");
    await takeNow();
    const waiting = queue.take();
    queue.done("a/x");
    expect(await waiting).toEqual({ key: "a/y", priority: "high" });
    let drained = false;
    const shutDown = queue.shutDown().then(() => (drained = true));
    queue.add("a/z");
    expect(await queue.take()).toBeUndefined();
    expect(drained).toBe(false);
    queue.done("a/y");
    await shutDown;
    expect(queue.depth).toEqual({ high: 0, low: 0, delayed: 0, active: 0 });
  });

  test("frees the workers that wait and leaves no timer", async () => {
    const waiting = queue.take();
    queue.addAfter("a/x", 1000);
    await queue.shutDown();
    expect(await waiting).toBeUndefined();
    expect(clock.timers).toBe(0);
  });
});

test("whatever happens, no key is lost, doubled or worked on twice at a time", async () => {
  const key = fc.constantFrom("a/1", "a/2", "a/3", "b/1", "b/2", "c/1");
  const priority = fc.constantFrom<Priority>("high", "low");
  const command = fc.oneof(
    fc.record({ do: fc.constant("add" as const), key, priority }),
    fc.record({ do: fc.constant("addAfter" as const), key, priority, ms: fc.nat(50) }),
    fc.record({ do: fc.constant("fail" as const), key }),
    fc.record({ do: fc.constant("take" as const) }),
    fc.record({ do: fc.constant("done" as const), nth: fc.nat(5) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(command, { maxLength: 60 }), async (commands) => {
      const time = new ManualClock();
      const subject = new WorkQueue({ clock: time, random: noJitter });
      /** Keys that were asked for after they were last taken. */
      const owed = new Set<string>();
      const active: string[] = [];
      const take = async () => {
        const work = await takeNow(subject);
        if (work === undefined) return false;
        expect(active).not.toContain(work.key);
        expect(owed).toContain(work.key);
        owed.delete(work.key);
        active.push(work.key);
        return true;
      };
      const finish = (name: string) => {
        active.splice(active.indexOf(name), 1);
        subject.done(name);
      };
      for (const step of commands) {
        if (step.do === "take") await take();
        else if (step.do === "done") {
          const name = active[step.nth];
          if (name !== undefined) finish(name);
        } else {
          owed.add(step.key);
          if (step.do === "add") subject.add(step.key, step.priority);
          else if (step.do === "addAfter") subject.addAfter(step.key, step.ms, step.priority);
          else subject.addRateLimited(step.key);
        }
      }
      while (active.length > 0) finish(active[0] ?? "");
      await time.advance(3_600_000);
      while (await take()) finish(active[0] ?? "");
      expect([...owed]).toEqual([]);
      expect(subject.depth).toEqual({ high: 0, low: 0, delayed: 0, active: 0 });
    }),
    { numRuns: 150 },
  );
});

test("100,000 keys pass in well under two seconds of work", async () => {
  const many = new WorkQueue({ clock });
  const before = process.cpuUsage();
  for (let i = 0; i < 100_000; i++) many.addAfter(`n${i % 7}/${i}`, 1 + ((i * 7919) % 1000));
  for (let i = 0; i < 100_000; i++) many.add(`n${i % 7}/${i}`, i % 3 === 0 ? "high" : "low");
  let taken = 0;
  while (many.depth.high + many.depth.low > 0) {
    const work = await many.take();
    if (work === undefined) break;
    many.done(work.key);
    taken += 1;
  }
  expect(taken).toBe(100_000);
  expect(many.depth.delayed).toBe(0);
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 1000).toBeLessThan(2_000);
});
