import { describe, expect, test } from "@jest/globals";
import { decide } from "../../../../src/resources/backfill/decide.ts";
import {
  accepted,
  at,
  guarding,
  inShort,
  iso,
  leaving,
  LIVE,
  messageOf,
  NOW,
  observed,
  others,
  ours,
  persons,
  row,
  settings,
  slot,
  submitted,
} from "./support/observed.ts";
import type { Situation } from "./support/observed.ts";

const decided = (situation: Situation) => decide(observed({ metadata: leaving, ...situation }), NOW);
const running: Situation = { status: submitted() };
const unanswered: Situation = { status: submitted({ submittedAt: undefined, intendedAt: at(-5_000) }) };
const answeredNever: Situation = { status: submitted({ submittedAt: undefined, intendedAt: at(-20_000) }) };
const guard = { live: iso(LIVE) };
/** A call was made just now. */
const called = { live: iso(LIVE), calledAt: at(-1_000) };
const setBack = row({ nextExecutionDate: slot(3) });

describe("a Backfill that is being deleted", () => {
  test.each<[string, Situation, string]>([
    ["without our finalizer is none of ours", { metadata: { ...leaving, finalizers: [] } }, "released"],
    ["that was never accepted goes", {}, "release deleted"],
    ["that was accepted only goes", { status: accepted() }, "release deleted"],
    ["that is finished goes", { status: accepted({}, { finishedAt: at(-1) }) }, "release deleted"],
    ["of another Kestra stays", { ...running, spec: { instanceRef: { name: "other" } } }, "stalled UnknownInstance"],
    [
      "of another Kestra goes when it is given up",
      {
        spec: { instanceRef: { name: "other" } },
        metadata: { ...leaving, annotations: { "kestraflow.dev/abandon": "true" } },
      },
      "release abandoned",
    ],
    ["lets its slots run on with Orphan", { ...running, spec: { deletionPolicy: "Orphan" } }, "release orphaned"],
    [
      "lets its slots run on where the operator's default says so",
      { ...running, settings: { ...settings, deletionPolicy: "Orphan" } },
      "release orphaned",
    ],
    [
      "cancels where its own policy says so, whatever the default",
      { ...running, spec: { deletionPolicy: "Delete" }, settings: { ...settings, deletionPolicy: "Orphan" } },
      "read row",
    ],
    [
      "waits for a Kestra that is out of reach",
      { ...running, server: { kind: "lost", since: 0, message: "x" } },
      "progressing DeletionBlocked, none",
    ],
    ["looks first", running, "read row"],
    ["cancels what has not started, when it is ours", { ...running, row: ours() }, "withdraw"],
    ["of whatever attempt", { ...running, row: ours({}, {}, 9) }, "withdraw"],
    [
      "looks again when that is done: a flow that is saved could bring it back",
      { ...running, row: row(), withdrewAt: NOW },
      "progressing Cancelling, none",
    ],
    ["goes when it is not", { ...running, row: row() }, "release deleted"],
    [
      "looks again while an execution could bring back what was taken",
      { ...running, row: row({ executionId: "e" }), withdrewAt: NOW },
      "progressing Cancelling, none",
    ],
    [
      "or the date that was put right",
      { status: submitted({}, { guard }), row: row({ executionId: "e" }) },
      "progressing Cancelling, none",
    ],
    ["does not wait for an execution otherwise", { ...running, row: row({ executionId: "e" }) }, "release deleted"],
    ["leaves a person's backfill alone", { ...running, row: persons() }, "release deleted"],
    ["leaves another Backfill's alone", { ...running, row: others() }, "release deleted"],
    ["goes with its trigger", { ...running, row: "missing" }, "release deleted"],
    [
      "waits while slots that it handed over may still arrive",
      { ...unanswered, row: row() },
      "progressing Cancelling, none",
    ],
    ["notes that they did", { ...unanswered, row: ours() }, "record submission"],
    ["and cancels them", { ...running, row: ours() }, "withdraw"],
    ["goes when it is clear that they never will", { ...answeredNever, row: row() }, "release deleted"],
    ["first puts right what would replay the past", { ...running, row: setBack }, "record guard"],
    ["step by step", { status: submitted({}, { guard: called }), row: setBack }, "guard"],
    ["takes its guard away", { status: submitted({}, { guard: called }), row: guarding() }, "guard"],
    [
      "waits until no call can bring it back",
      { status: submitted({}, { guard: called }), row: row() },
      "progressing Cancelling, none",
    ],
    ["and goes then", { status: submitted({}, { guard }), row: row() }, "release deleted"],
    [
      "waits for the end of somebody's backfill, after which the past would be replayed",
      { status: submitted({}, { guard }), row: persons() },
      "progressing Cancelling, none",
    ],
    [
      "though finished, sees to the live schedule",
      { status: accepted({}, { guard: called, finishedAt: at(-1) }), row: setBack },
      "guard",
    ],
  ])("%s", (_what, situation, decision) => {
    expect(inShort(decided(situation))).toBe(decision);
  });

  test("says how to give it up", () => {
    for (const situation of [
      { ...running, server: { kind: "lost", since: 0, message: "x" } },
      { status: submitted({}, { guard }), row: persons() },
    ] as Situation[])
      expect(messageOf(decided(situation))).toContain("kestraflow.dev/abandon");
  });

  test("looks again every second, and no later than when it is clear", () => {
    const left = decided({ status: submitted({ submittedAt: undefined, intendedAt: at(-19_800) }), row: row() });
    expect(left).toMatchObject({ verdict: { retryAfterMs: 200 } });
    expect(decided({ ...unanswered, row: row() })).toMatchObject({ verdict: { retryAfterMs: 1_000 } });
  });
});

describe("the trigger's next date is put right", () => {
  const ended = { status: accepted({}, { guard, finishedAt: at(-1) }) };
  const amidst = { status: accepted({}, { guard: called, finishedAt: at(-1) }) };
  const decided = (situation: Situation) => decide(observed(situation), NOW);

  test.each<[string, Situation, string]>([
    ["after a look", ended, "read row"],
    ["once it is on record that a call is about to be made", { ...ended, row: setBack }, "record guard"],
    ["by a paused backfill that begins at the tick before it", { ...amidst, row: setBack }, "guard"],
    ["which replaces itself, and then goes", { ...amidst, row: guarding() }, "guard"],
    ["and is watched as long as a call could still take effect", { ...amidst, row: row() }, "unchanged"],
    ["and is watched no more once it is", { ...ended, row: row() }, "record guard"],
    ["or live slots have gone on since", { ...ended, row: row({ nextExecutionDate: LIVE + 1 }) }, "record guard"],
    ["and is watched while an execution could set it back", { ...ended, row: row({ executionId: "e" }) }, "unchanged"],
    [
      "not while somebody's backfill runs",
      { ...ended, row: persons({ previousNextExecutionDate: slot(3) }) },
      "unchanged",
    ],
    ["not while Kestra is out of reach", { ...ended, server: { kind: "down", since: 0, message: "x" } }, "unchanged"],
    ["and is watched no more when the trigger is gone", { ...ended, row: "missing" }, "record guard"],
    [
      "not on a trigger that is off",
      { ...ended, row: row({ nextExecutionDate: null, disabled: true }) },
      "record guard",
    ],
  ])("%s", (_what, situation, decision) => {
    expect(inShort(decided(situation))).toBe(decision);
  });

  test("to where the live schedule stood, from the tick before", () => {
    expect(decided({ ...amidst, row: setBack })).toEqual({
      do: "write",
      write: { op: "guard", previous: LIVE - 3_600_000, live: LIVE },
    });
  });

  test("is on record before the first call", () => {
    const before = decided({ metadata: leaving, ...running, row: setBack });
    expect(before).toEqual({
      do: "write",
      write: { op: "record", status: { guard: { ...guard, calledAt: iso(NOW) } } },
    });
  });

  test("is looked at again soon while somebody's backfill runs", () => {
    expect(decided({ ...ended, row: persons() })).toMatchObject({ verdict: { retryAfterMs: 2_000 } });
  });
});
