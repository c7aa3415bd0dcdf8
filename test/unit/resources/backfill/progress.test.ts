import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Execution } from "../../../../src/kestra/types.ts";
import { advance, outcomeOf, progressFields, recordedProgress } from "../../../../src/resources/backfill/progress.ts";
import type { Progress } from "../../../../src/resources/backfill/progress.ts";
import { accepted, execution, hour, HOURLY, progress, slot, UID } from "./support/observed.ts";

type Ran = Execution & { slot: number };

const ofAttempt = (attempt: number) => ({
  ticks: HOURLY,
  first: slot(0),
  isAttempt: ({ labels }: Execution) => labels["kestraflow.attempt"] === String(attempt),
});

function looked(executions: Ran[], before = progress(), first = slot(0)): Progress {
  return advance(before, executions, { ...ofAttempt(1), first });
}

/** How many slots came to what. */
function counts({ done, failed, unproved, running }: Progress) {
  return { done, failed, unproved, running };
}

describe("an execution says of its slot", () => {
  test.each([
    ["SUCCESS", "done"],
    ["WARNING", "done"],
    ["SKIPPED", "done"],
    ["FAILED", "failed"],
    ["KILLED", "failed"],
    ["CANCELLED", "failed"],
    ["RETRIED", "superseded"],
    ["RESUBMITTED", "superseded"],
    ["CREATED", "unfinished"],
    ["RUNNING", "unfinished"],
    ["PAUSED", "unfinished"],
    ["QUEUED", "unfinished"],
    ["RETRYING", "unfinished"],
    ["KILLING", "unfinished"],
    ["a state that nobody knows yet", "unfinished"],
  ])("with %s: %s", (state, outcome) => {
    expect(outcomeOf({ state })).toBe(outcome);
  });
});

describe("one look counts", () => {
  test.each<[string, Ran[], Partial<Progress>]>([
    ["nothing where nothing ran", [], { done: 0, running: 0, attempted: false }],
    ["what ended", [execution(0), execution(1, "WARNING")], { done: 2, skipped: 0, failed: 0, attempted: true }],
    ["what was skipped as done", [execution(0, "SKIPPED")], { done: 1, skipped: 1 }],
    ["what failed", [execution(0), execution(1, "FAILED"), execution(2)], { done: 2, failed: 1 }],
    ["what runs apart", [execution(0), execution(1, "RUNNING")], { done: 1, running: 1, lastSeen: slot(1) }],
    [
      "nothing after what runs, in the order of slots",
      [execution(0), execution(1, "RUNNING"), execution(2)],
      { done: 1, running: 1, lastSeen: slot(2) },
    ],
    ["in whatever order they are told", [execution(2), execution(0), execution(1)], { done: 3, unproved: 0 }],
    ["a slot once", [execution(0), execution(0)], { done: 1 }],
    ["a slot as done that failed first", [execution(0, "FAILED"), execution(0)], { done: 1, failed: 0 }],
    ["a slot as done that failed later", [execution(0), execution(0, "FAILED")], { done: 1, failed: 0 }],
    [
      "a slot as running while another try of it does",
      [execution(0, "FAILED"), execution(0, "RUNNING")],
      { running: 1 },
    ],
    ["what took the place of a retried one", [execution(0, "RETRIED"), execution(0)], { done: 1 }],
    ["a resubmitted one as running until its heir is there", [execution(0, "RESUBMITTED")], { running: 1, failed: 0 }],
    ["slots whose executions are gone as unproved", [execution(0), execution(3)], { done: 2, unproved: 2 }],
    ["slots before the first that is left as unproved", [execution(2)], { done: 1, unproved: 2 }],
  ])("%s", (_what, executions, expected) => {
    expect(looked(executions)).toMatchObject(expected);
  });

  test("executions of an attempt before as no sign of the last one", () => {
    expect(advance(progress(), [execution(0)], ofAttempt(2)).attempted).toBe(false);
    const second = execution(1, "RUNNING", { labels: { "kestraflow.backfill": UID, "kestraflow.attempt": "2" } });
    expect(advance(progress(), [execution(0), second], ofAttempt(2)).attempted).toBe(true);
  });

  test("no slot as unproved that was not handed over", () => {
    const before = looked([execution(0)]);
    expect(counts(looked([execution(5)], before, slot(4)))).toEqual({ done: 2, failed: 0, unproved: 1, running: 0 });
  });

  test("no slot as unproved while nothing is handed over", () => {
    expect(counts(looked([execution(3)], progress(), Infinity))).toMatchObject({ done: 1, unproved: 0 });
  });

  test("with the first five failures and no more", () => {
    const { failed, failures } = looked([0, 1, 2, 3, 4, 5, 6].map((of) => execution(of, "FAILED")));
    expect(failed).toBe(7);
    expect(failures.map(({ slot }) => slot)).toEqual([0, 1, 2, 3, 4].map(slot));
  });

  test("up to a watermark that says from when to read on, and which revision ran", () => {
    const ran = [
      execution(0),
      execution(1, "FAILED", { flowRevision: 4 }),
      execution(1, "SUCCESS", { flowRevision: 5 }),
    ];
    expect(looked(ran).watermark).toEqual({ slot: slot(1), startedAt: ran[1]?.startedAt, revision: 5 });
  });
});

describe("looks after it", () => {
  const before = looked([execution(0), execution(1, "FAILED"), execution(2)]);

  test.each<[string, Ran[]]>([
    ["nothing new", []],
    ["the last one again", [execution(2)]],
    ["a slot that was counted, run again by a person", [execution(1)]],
    ["a slot that was counted, running again", [execution(1, "RUNNING")]],
    ["everything gone but one that was counted", [execution(0, "KILLED")]],
  ])("change no count with %s", (_what, executions) => {
    expect(counts(looked(executions, before))).toEqual(counts(before));
  });

  test("go on where it stopped", () => {
    expect(looked([execution(2), execution(3), execution(4, "RUNNING")], before)).toMatchObject({
      done: 3,
      failed: 1,
      running: 1,
      lastSeen: slot(4),
    });
  });
});

describe("whatever is seen when", () => {
  const state = fc.constantFrom("SUCCESS", "WARNING", "SKIPPED", "FAILED", "KILLED");
  const slots = fc.array(state, { minLength: 1, maxLength: 12 });

  test("any number of looks, cut anywhere, with the status between them, ends in the same counts", () => {
    fc.assert(
      fc.property(slots, fc.array(fc.nat(12), { maxLength: 6 }), fc.boolean(), (states, cuts, overlap) => {
        const ran = states.map((state, of) => execution(of, state));
        const whole = looked(ran);
        let status = accepted({}, { slots: { ...emptySlots, total: ran.length } });
        for (const cut of [...cuts.sort((a, b) => a - b), ran.length]) {
          const from = status.watermark && !overlap ? Date.parse(status.watermark.startedAt) : 0;
          const listed = ran.slice(0, cut).filter(({ startedAt }) => startedAt >= from);
          // The newest one may still run when it is seen first.
          const running = listed.map((one, at) =>
            at === cut - 1 && cut < ran.length ? { ...one, state: "RUNNING" } : one,
          );
          const seen = looked(running, recordedProgress(status));
          status = { ...status, ...progressFields(status, seen, (id) => id) };
        }
        const { done, failed, skipped, unproved } = whole;
        expect(status.slots).toMatchObject({ done, failed, skipped, unproved, running: 0, remaining: 0 });
        expect(status.failures?.map(({ execution }) => execution) ?? []).toEqual(
          whole.failures.map(({ execution }) => execution),
        );
      }),
    );
  });

  test("counts never go down, and never come to more than there are slots, while executions vanish", () => {
    fc.assert(
      fc.property(slots, fc.array(fc.tuple(fc.nat(12), fc.nat(12)), { maxLength: 6 }), (states, looks) => {
        const ran = states.map((state, of) => execution(of, state));
        let before = progress();
        for (const [from, to] of looks) {
          const seen = looked(ran.slice(Math.min(from, to), Math.max(from, to)), before);
          for (const count of ["done", "failed", "unproved", "skipped"] as const)
            expect(seen[count]).toBeGreaterThanOrEqual(before[count]);
          expect(seen.done + seen.failed + seen.unproved).toBeLessThanOrEqual(ran.length);
          expect(seen.watermark?.slot ?? 0).toBeGreaterThanOrEqual(before.watermark?.slot ?? 0);
          before = seen;
        }
      }),
    );
  });
});

const emptySlots = { total: 6, present: 0, done: 0, skipped: 0, failed: 0, running: 0, unproved: 0, remaining: 6 };

describe("the status", () => {
  const url = (id: string) => `http://kestra/${id}`;

  test("tells how far it is, of the slots that are to be run", () => {
    const status = accepted({}, { slots: { ...emptySlots, present: 2 } });
    expect(progressFields(status, progress({ done: 1, failed: 1, running: 1 }), url)).toEqual({
      slots: { total: 6, present: 2, done: 1, skipped: 0, failed: 1, running: 1, unproved: 0, remaining: 1 },
      progress: "2/4",
      percent: 50,
    });
  });

  test("tells which executions failed, with links", () => {
    const failures = [{ slot: slot(1), execution: "e", state: "KILLED" }];
    expect(progressFields(accepted(), progress({ failed: 1, failures }), url).failures).toEqual([
      { slot: hour(1), execution: "e", state: "KILLED", url: "http://kestra/e" },
    ]);
  });

  test("says 100 percent of nothing, and 99 of nearly all", () => {
    const none = accepted({}, { slots: { ...emptySlots, present: 6 } });
    expect(progressFields(none, progress(), url)).toMatchObject({ progress: "0/0", percent: 100 });
    const many = accepted({}, { slots: { ...emptySlots, total: 1_000 } });
    expect(progressFields(many, progress({ done: 999 }), url)).toMatchObject({ percent: 99 });
  });

  test("never has fewer than no slots remaining", () => {
    expect(progressFields(accepted(), progress({ done: 6, running: 1 }), url).slots?.remaining).toBe(0);
  });

  test("gives back what it holds", () => {
    const seen = looked([execution(0), execution(1, "FAILED"), execution(3)]);
    const kept = recordedProgress({ ...accepted(), ...progressFields(accepted(), seen, url) });
    expect(kept).toEqual({ ...seen, attempted: false });
    expect(recordedProgress({})).toEqual(progress());
  });
});
