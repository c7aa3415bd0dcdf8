import { describe, expect, test } from "@jest/globals";
import { ManualClock, settle } from "../kubernetes/support/manualClock.ts";
import { aborted, backoff, deadline, messageOf, settles, sleep } from "../../../src/lib/async.ts";

describe("sleeping", () => {
  test("lasts as long as it should, and leaves no timer", async () => {
    const clock = new ManualClock();
    let awake = false;
    void sleep(clock, 100).then(() => (awake = true));
    await clock.advance(99);
    expect(awake).toBe(false);
    await clock.advance(1);
    expect([awake, clock.timers]).toEqual([true, 0]);
  });

  test("ends at once when it is aborted, and does not begin when it was", async () => {
    const clock = new ManualClock();
    const abort = new AbortController();
    const asleep = sleep(clock, 100, abort.signal);
    abort.abort();
    await asleep;
    await sleep(clock, 100, abort.signal);
    expect(clock.timers).toBe(0);
  });
});

describe("settling in time", () => {
  test.each([
    ["resolved", () => Promise.resolve()],
    ["rejected", () => Promise.reject(new Error("x"))],
  ])("is what a promise does that is %s", async (_how, promise) => {
    const clock = new ManualClock();
    await expect(settles(clock, promise(), 100)).resolves.toBe(true);
    expect(clock.timers).toBe(0);
  });

  test("is what a pending one does not", async () => {
    const clock = new ManualClock();
    const settled = settles(clock, new Promise(() => undefined), 100);
    await clock.advance(100);
    await expect(settled).resolves.toBe(false);
  });
});

describe("a deadline", () => {
  const reason = () => new Error("too late");

  test("aborts its signal with the reason when it passes", async () => {
    const clock = new ManualClock();
    const { signal } = deadline(clock, 100, reason);
    await clock.advance(100);
    expect(signal.reason).toEqual(new Error("too late"));
  });

  test("follows its parent, with the parent's reason, also one that was aborted before", () => {
    const parent = new AbortController();
    const clock = new ManualClock();
    const { signal } = deadline(clock, 100, reason, parent.signal);
    parent.abort("stop");
    expect([signal.reason, clock.timers]).toEqual(["stop", 0]);
    expect(deadline(clock, 100, reason, parent.signal).signal.reason).toBe("stop");
    expect(clock.timers).toBe(0);
  });

  test("that was cancelled never aborts", async () => {
    const parent = new AbortController();
    const clock = new ManualClock();
    const { signal, cancel } = deadline(clock, 100, reason, parent.signal);
    cancel();
    await clock.advance(200);
    parent.abort();
    expect([signal.aborted, clock.timers]).toEqual([false, 0]);
  });
});

test("an aborted signal is waited for", async () => {
  const abort = new AbortController();
  let seen = false;
  void aborted(abort.signal).then(() => (seen = true));
  await settle();
  expect(seen).toBe(false);
  abort.abort();
  await settle();
  expect(seen).toBe(true);
  await aborted(abort.signal);
});

describe("back-off", () => {
  const options = { baseMs: 100, capMs: 1_000 };
  test("doubles with every failure, up to the cap", () => {
    const delays = [1, 2, 3, 4, 5, 2_000].map((failures) => backoff(options, failures, () => 1));
    expect(delays).toEqual([100, 200, 400, 800, 1_000, 1_000]);
  });

  test("takes off up to a half", () => {
    expect(backoff(options, 3, () => 0)).toBe(200);
  });
});

test.each<[unknown, string]>([
  [new Error("x"), "x"],
  ["text", "text"],
  [{ code: 1 }, '{"code":1}'],
])("the message of %p is %j", (thrown, message) => {
  expect(messageOf(thrown)).toBe(message);
});
