import { describe, expect, test } from "@jest/globals";
import { decide } from "../../../../src/resources/backfill/decide.ts";
import type { BackfillSpec, BackfillStatus } from "../../../../src/resources/backfill/schema.ts";
import { definitionDigest } from "../../../../src/resources/backfill/target.ts";
import {
  accepted,
  at,
  counted,
  done,
  execution,
  flow,
  guarding,
  held,
  HOUR,
  hour,
  inShort,
  iso,
  LIVE,
  messageOf,
  NOW,
  object,
  observed,
  others,
  ours,
  persons,
  progress,
  recordOf,
  row,
  settings,
  slot,
  submission,
  submitted,
  UID,
  up,
} from "./support/observed.ts";
import type { Situation } from "./support/observed.ts";

type Row = [what: string, situation: Situation, decision: string];

const decided = (situation: Situation) => decide(observed(situation), NOW);
const says = (situation: Situation) => messageOf(decided(situation));

function decides(rows: Row[]): void {
  test.each(rows)("%s", (_what, situation, decision) => {
    expect(inShort(decided(situation))).toBe(decision);
  });
}

const lost = { kind: "lost", since: 0, message: "x" } as const;
const none = { outcomes: new Map(), incomplete: false };
const guard = { live: iso(LIVE) };
const spent: Partial<BackfillSpec> = { failurePolicy: { maxFailed: 3, action: "Pause" } };
/** A call was made just now. */
const called = { live: iso(LIVE), calledAt: at(-1_000) };

/** What a close records. */
const CLOSED = "record percent plan progress slots submission";
const CLOSED_AFTER = "record percent plan progress slots submission watermark";
const INTENDED = "record attempt effective plan startedAt submission";

describe("before anything else", () => {
  const status = submitted();
  decides([
    [
      "paused by its annotation: nothing",
      { status, metadata: { annotations: { "kestraflow.dev/paused": "true" } } },
      "paused",
    ],
    ["of another Kestra: nothing", { status, spec: { instanceRef: { name: "other" } } }, "stalled UnknownInstance"],
    ["of this Kestra by name: all as ever", { status, spec: { instanceRef: { name: "default" } } }, "read row"],
    ["its inputs were changed: a person is needed", { status, spec: { inputs: { a: 1 } } }, "stalled SpecChanged"],
    [
      "inputs changed back: it goes on",
      { status: submitted({}, {}, { inputs: { a: 1 } }), spec: { inputs: { a: 1 } } },
      "read row",
    ],
    ["what may be changed was: it goes on", { status, spec: { suspend: true, maxActive: 3 } }, "read row"],
    ["Kestra is lost: it waits", { status, server: lost }, "progressing KestraUnreachable"],
    [
      "Kestra is out of reach for a moment: nothing is said",
      settledWith({ kind: "down", since: 0, message: "x" }),
      "unchanged",
    ],
    [
      "Kestra refuses the login: it waits",
      { status, server: { kind: "unauthorized", message: "x" } },
      "progressing KestraUnauthorized",
    ],
    ["not accepted: that comes first", {}, "read flow"],
    [
      "the policy refuses the namespace meanwhile: a person is needed",
      { status, settings: { ...settings, refusal: () => "not allowed" } },
      "stalled NamespaceNotAllowed, none",
    ],
  ]);

  function settledWith(server: Situation["server"]): Situation {
    const conditions = [
      { type: "Ready", status: "True", reason: "Running", message: "m", lastTransitionTime: "x" } as const,
    ];
    return { status: { ...status, conditions: conditions }, server };
  }
});

describe("a preview", () => {
  const spec = { mode: "Preview" } as const;
  const status = accepted(spec, { state: "Previewed" });
  decides([
    ["starts nothing", { spec, status: accepted(spec) }, "synced Previewed, none"],
    [
      "starts nothing, asked nothing",
      { spec, status, row: row(), flow: flow(), history: none, planned: true },
      "synced Previewed, none",
    ],
    [
      "is counted again on request",
      { spec, status, metadata: { annotations: { "kestraflow.dev/reconcile-requested-at": "now" } } },
      "record state target",
    ],
    [
      "once for each request",
      {
        spec,
        status: { ...status, handledReconcileAt: "now" },
        metadata: { annotations: { "kestraflow.dev/reconcile-requested-at": "now" } },
      },
      "synced Previewed, none",
    ],
  ]);

  test("says how many slots would be run, and from when to when", () => {
    const slots = { ...accepted().slots, total: 6, present: 2 } as NonNullable<BackfillStatus["slots"]>;
    expect(says({ spec, status: { ...status, slots } })).toBe(
      `6 slots, 2 of them left out: 4 would be run, from ${hour(0)} to ${hour(5)}. Nothing was started.`,
    );
  });
});

describe("accepted, with nothing in Kestra", () => {
  const status = accepted();
  const free: Situation = { status, row: row(), flow: flow(), history: none, planned: true };
  decides([
    ["suspended from the start: nothing is read", { status, spec: { suspend: true } }, "synced Suspended, Suspended"],
    [
      "an older one comes first",
      { status, ahead: [object({}, undefined, { name: "older" })] },
      "synced Queued, Running",
    ],
    ["then the trigger is looked at", { status }, "read row"],
    ["which is not there, nor looked for yet", { status, row: "missing" }, "read flow"],
    ["nor its flow", { status, row: "missing", flow: "missing" }, "progressing FlowMissing, none"],
    ["which is not there yet", { status, row: "missing", flow: flow() }, "progressing TriggerNotReady, none"],
    ["which was removed", { status, row: "missing", flow: flow({ triggers: [] }) }, "stalled TriggerMissing, none"],
    ["it has a backfill of ours that nobody recorded", { ...free, row: ours() }, "withdraw"],
    ["somebody's runs", { ...free, row: persons() }, "synced Queued, Running"],
    ["another Backfill's runs", { ...free, row: others() }, "synced Queued, Running"],
    ["the flow is read", { status, row: row() }, "read flow"],
    ["and is gone", { ...free, flow: "missing" }, "progressing FlowMissing, none"],
    ["and is off", { ...free, flow: flow({ disabled: true }) }, "progressing FlowDisabled, none"],
    [
      "or its trigger is, in the flow",
      { ...free, flow: flow({}, { disabled: true }) },
      "progressing TriggerDisabled, none",
    ],
    ["or in Kestra", { ...free, row: row({ disabled: true }) }, "progressing TriggerDisabled, none"],
    ["its slots are others now: accepted anew", { ...free, flow: flow({}, { cron: "30 * * * *" }) }, "record target"],
    [
      "it cannot be told which trigger is meant now: accepted anew",
      { ...free, flow: flow({ triggers: [] }) },
      "record target",
    ],
    [
      "its inputs are others now: a person is needed",
      { ...free, flow: flow({ inputs: [{ id: "a", type: "STRING", required: true }] }) },
      "stalled InputsInvalid, none",
    ],
    ["what was run meanwhile is read", { status, row: row(), flow: flow() }, "read history"],
    [
      "slots that were run meanwhile go out of the plan",
      { ...free, planned: false, history: { ...none, outcomes: new Map([[slot(2), "done" as const]]) } },
      "record first last plan slots",
    ],
    [
      "a slot of the range runs: it may succeed",
      { ...free, history: { ...none, unfinished: execution(2, "RUNNING") } },
      "progressing ExecutionsUnfinished, none",
    ],
    ["the trigger waits for an execution: is it over?", { ...free, row: row({ executionId: "e" }) }, "read lock"],
    ["it is not", { ...free, row: row({ executionId: "e" }), lock: { stale: false } }, "synced Queued, Running"],
    [
      "it is, and Kestra lost track of it",
      { ...free, row: row({ executionId: "e" }), lock: { stale: true } },
      "progressing TriggerLocked, none",
    ],
    [
      "Kestra has no next date",
      { ...free, row: row({ nextExecutionDate: null }) },
      "progressing TriggerNotReady, none",
    ],
    ["it is no tick", { ...free, row: row({ nextExecutionDate: LIVE + 1_000 }) }, "stalled SlotsNotProvable, none"],
    [
      "the live schedule has slots of the range to run",
      { ...free, row: row({ nextExecutionDate: slot(5) }) },
      "synced Queued, Running",
    ],
    ["deleting it is to wait for us first", free, "hold"],
    ["not twice in a look", { ...free, metadata: held, intended: 1 }, "synced Queued, Running"],
    ["then what is intended is put on record", { ...free, metadata: held }, INTENDED],
    [
      "also where all is run anyway",
      {
        ...free,
        metadata: held,
        history: undefined,
        spec: { reprocess: "All" },
        status: accepted({ reprocess: "All" }),
      },
      INTENDED,
    ],
    [
      "nothing is left to run: complete",
      { status: accepted({}, { plan: { ranges: [] }, slots: slotsOf(6, 6) }) },
      "synced Complete, Complete",
    ],
    [
      "no plan holds what is left: it is made",
      { status: accepted({}, { plan: { ranges: [], until: hour(2) } }) },
      "read history",
    ],
  ]);

  test("the intent has all that a crash must not lose", () => {
    expect(recordOf(decided({ ...free, metadata: held }))).toEqual({
      attempt: 1,
      submission: {
        first: hour(0),
        last: hour(5),
        intendedAt: at(0),
        live: iso(LIVE),
        revision: 3,
        definition: definitionDigest(flow(), "tick"),
      },
      startedAt: at(0),
      plan: { ranges: [] },
      effective: { maxActive: 1 },
    });
  });

  test("with a window it is one slice, and the rest stays planned", () => {
    const spec = { window: "PT4H" };
    const recorded = recordOf(decided({ ...free, spec, status: accepted(spec), metadata: held }));
    expect(recorded).toMatchObject({
      submission: { first: hour(0), last: hour(3) },
      plan: { ranges: [{ first: hour(4), last: hour(5), slots: 2 }] },
    });
  });

  test("messages say for whom it waits", () => {
    expect(says({ status, ahead: [object({}, undefined, { name: "older" })] })).toContain(
      "Backfill older, which is older",
    );
    expect(says({ ...free, row: persons() })).toContain("a backfill that somebody started in Kestra");
    expect(says({ ...free, row: others() })).toContain("the backfill of a Backfill that is gone");
    expect(says({ ...free, row: others(), nameOf: () => "team/other" })).toContain("the Backfill team/other");
  });
});

function slotsOf(total: number, present: number): NonNullable<BackfillStatus["slots"]> {
  return { total, present, done: 0, skipped: 0, failed: 0, running: 0, unproved: 0, remaining: total - present };
}

describe("what is intended", () => {
  const status = submitted({ submittedAt: undefined, intendedAt: at(0) });
  const fresh: Situation = { status, intended: 1, row: row(), progress: progress() };
  decides([
    ["the trigger is looked at again, immediately before", { status, intended: 1 }, "read row"],
    ["and executions after it", { status, intended: 1, row: row() }, "read progress"],
    ["it is handed over when all is as recorded", fresh, "submit"],
    ["not where somebody was faster", { ...fresh, row: persons() }, CLOSED],
    ["nor another Backfill", { ...fresh, row: others() }, CLOSED],
    ["nor where the live schedule went on", { ...fresh, row: row({ nextExecutionDate: LIVE + HOUR }) }, CLOSED],
    ["nor where an execution holds the trigger", { ...fresh, row: row({ executionId: "e" }) }, CLOSED],
    ["nor where the trigger was switched off", { ...fresh, row: row({ disabled: true }) }, CLOSED],
    [
      "not where it was intended in another reconcile: it may be on its way",
      { ...fresh, intended: undefined },
      "synced Running, Running",
    ],
    ["nor by another attempt", { ...fresh, intended: 2 }, "synced Running, Running"],
    ["handed over, and there", { ...fresh, row: ours() }, "record submission"],
    ["handed over and run already", { ...fresh, row: row(), progress: done(1) }, "record submission"],
    ["run already, with the answer lost", { status, row: row(), progress: done(6) }, "record submission"],
  ]);

  test("nothing of what was not handed over is lost", () => {
    expect(recordOf(decided({ ...fresh, row: persons() }))).toMatchObject({
      submission: undefined,
      plan: { ranges: [{ first: hour(0), last: hour(5), slots: 6 }] },
    });
  });

  test("it is confirmed with the time, and told", () => {
    const decision = decided({ ...fresh, row: ours() });
    expect(recordOf(decision)).toEqual({ submission: { ...submission({ intendedAt: at(0) }), submittedAt: at(0) } });
    expect(decision).toMatchObject({ write: { act: { type: "Normal", reason: "Started" } } });
    const again = decided({ ...fresh, status: { ...status, attempt: 2 }, row: ours({}, {}, 2) });
    expect(again).toMatchObject({ write: { act: { reason: "Resumed" } } });
  });
});

describe("handed over without an answer", () => {
  const since = (ms: number): Situation => ({
    status: submitted({ submittedAt: undefined, intendedAt: at(-ms) }),
    row: row(),
    progress: progress(),
  });
  decides([
    ["it may still arrive: nothing is done", since(1_000), "synced Running, Running"],
    ["longer than the deadline of the call", since(19_999), "synced Running, Running"],
    ["then it never will: the slots go back into the plan", since(20_000), CLOSED],
    ["it arrived", { ...since(1_000), row: ours() }, "record submission"],
    ["it arrived, and ran", { ...since(1_000), progress: done(2) }, "record submission"],
    [
      "somebody else's is there: it may still take its place",
      { ...since(1_000), row: persons() },
      "synced Running, Running",
    ],
    ["and then it never will", { ...since(20_000), row: persons() }, CLOSED],
    [
      "it arrived after it was given up, and was handed over again: it is taken back",
      {
        status: submitted({ submittedAt: undefined }, { attempt: 2 }),
        row: ours({}, {}, 1),
        progress: progress(),
      },
      "withdraw",
    ],
  ]);

  test("it is looked at again when it is clear, and every 5 seconds before", () => {
    expect(decided(since(18_000))).toMatchObject({ verdict: { retryAfterMs: 2_000 } });
    expect(decided(since(1_000))).toMatchObject({ verdict: { retryAfterMs: 5_000 } });
  });
});

describe("while Kestra runs it", () => {
  const status = submitted();
  const runs: Situation = { status, row: ours(), progress: done(2) };
  decides([
    ["it is looked at: first the trigger", { status }, "read row"],
    ["then executions", { status, row: ours() }, "read progress"],
    ["it runs", runs, "synced Running, Running"],
    ["an execution runs", { ...runs, row: ours({}, { executionId: "e" }) }, "synced Running, Running"],
    ["suspended: taking it back is put on record", { ...runs, spec: { suspend: true } }, "record submission"],
    [
      "then it is taken back",
      { ...runs, status: submitted({ withdrawn: at(0) }), spec: { suspend: true } },
      "withdraw",
    ],
    [
      "as many failed as the policy allows: the same",
      { ...runs, spec: policy(1), progress: done(1, { failed: 1 }) },
      "record submission",
    ],
    [
      "fewer failed: it goes on",
      { ...runs, spec: policy(2), progress: done(1, { failed: 1 }) },
      "synced Running, Running",
    ],
    [
      "a person paused it: said, and left",
      { ...runs, row: ours({ paused: true }) },
      "synced PausedInKestra, Suspended",
    ],
    [
      "a person paused it, and it is suspended: taken back",
      { ...runs, row: ours({ paused: true }), spec: { suspend: true } },
      "record submission",
    ],
    [
      "the trigger is switched off: said, and left",
      { ...runs, row: ours({}, { disabled: true }) },
      "progressing TriggerDisabled, none",
    ],
    [
      "Kestra would go on at a live date only: taken back, to be handed over again",
      { ...runs, row: ours({}, { nextExecutionDate: LIVE }) },
      "record submission",
    ],
    [
      "not in the look in which it was handed over",
      { ...runs, intended: 1, row: ours({}, { nextExecutionDate: LIVE }) },
      "synced Running, Running",
    ],
    [
      "also before a slot was started",
      { ...runs, row: ours({}, { nextExecutionDate: LIVE }), progress: progress() },
      "record submission",
    ],
    ["it starts nothing for a while: the flow tells why", { ...runs, progress: progress() }, "read flow"],
    [
      "it is disabled: waited for",
      { ...runs, progress: progress(), flow: flow({ disabled: true }) },
      "progressing FlowDisabled, none",
    ],
    [
      "for a while it waits for an execution that is over",
      { ...runs, row: ours({}, { executionId: "e" }), progress: progress(), lock: { stale: true } },
      "progressing TriggerLocked, none",
    ],
    [
      "not while an execution runs",
      { ...runs, row: ours({}, { nextExecutionDate: LIVE, executionId: "e" }) },
      "synced Running, Running",
    ],
    ["its trigger is gone: the flow tells why", { ...runs, row: "missing" }, "read flow"],
    [
      "it was removed from the flow: interrupted",
      { ...runs, row: "missing", flow: flow({ triggers: [] }) },
      "stalled TriggerRemoved, Failed",
    ],
    ["the flow is gone: waited for", { ...runs, row: "missing", flow: "missing" }, "progressing FlowMissing, none"],
    ["its guard is there from before: put right", { ...runs, row: guarding() }, "record guard"],
  ]);

  test("the next look comes the later, the longer a slot takes and the more there are, within bounds", () => {
    const next = (startedAt: number, total: number, spec = {}, handedOver = -60_000) => {
      const seen = done(2, { running: 1, watermark: { slot: slot(1), startedAt } });
      const held = ours({}, { executionId: "e" });
      const slots = { ...accepted().slots, total } as NonNullable<BackfillStatus["slots"]>;
      return (
        decided({
          ...runs,
          row: held,
          status: submitted({ submittedAt: at(handedOver) }, { slots }),
          progress: seen,
          spec,
        }) as {
          verdict: { retryAfterMs: number };
        }
      ).verdict.retryAfterMs;
    };
    expect(next(NOW - 1_000, 3)).toBe(2_000);
    expect(next(NOW - 1_000, 6)).toBe(4_000);
    expect(next(NOW - 1_000, 100)).toBe(12_000);
    expect(next(NOW - 1_000, 100, {}, -12_000)).toBe(3_000);
    expect(next(NOW - 1_000, 100, {}, -4_000)).toBe(2_000);
    expect(next(NOW - 80_000, 6)).toBe(10_000);
    expect(next(NOW - HOUR, 6)).toBe(15_000);
    expect(next(NOW - 1_000, 2_000)).toBe(12_000);
    expect(next(NOW - HOUR, 6, policy(3))).toBe(2_000);
  });

  function policy(maxFailed: number) {
    return { failurePolicy: { maxFailed, action: "Pause" as const } };
  }
});

describe("once slots were counted", () => {
  const status = submitted({}, counted(2));
  const moved = done(3, { running: 1, lastSeen: slot(3) });
  decides([
    ["executions are looked at first", { status }, "read progress"],
    ["more of them have ended: that is enough", { status, progress: moved }, "synced Running, Running"],
    ["none has: the trigger tells why", { status, progress: done(2) }, "read row"],
    ["one only runs, which shows nothing new: the trigger", { status, progress: done(2, { running: 1 }) }, "read row"],
    ["the last slot has started: the trigger", { status, progress: done(5, { lastSeen: slot(5) }) }, "read row"],
    ["they are of another attempt: the trigger", { status, progress: { ...moved, attempted: false } }, "read row"],
    ["more have failed than may: the trigger", { status, spec: spent, progress: { ...moved, failed: 3 } }, "read row"],
    ["there are more than one look reads: the trigger", { status, progress: { ...moved, behind: true } }, "read row"],
    ["it is to be suspended: the trigger", { status, spec: { suspend: true }, progress: moved }, "read row"],
    ["it is being taken back: the trigger", { status: submitted({ withdrawn: at(-1) }, counted(2)) }, "read row"],
    ["it was seen without it: the trigger", { status: submitted({ vanished: at(-1) }, counted(2)) }, "read row"],
    ["it is not confirmed yet: the trigger", { status: submitted({ submittedAt: undefined }, counted(2)) }, "read row"],
  ]);
});

describe("when Kestra has it no more", () => {
  const status = submitted();
  const gone: Situation = { status, row: row() };
  const vanished = (ms: number, more = {}): Situation => ({
    status: submitted({ vanished: at(-ms), ...more }),
    row: row(),
    progress: done(2),
  });
  decides([
    ["all slots are counted: closed", { ...gone, progress: done(6) }, CLOSED_AFTER],
    [
      "the last slot runs: waited for",
      { ...gone, progress: done(5, { running: 1, lastSeen: slot(5) }) },
      "synced Running, Running",
    ],
    [
      "another backfill runs already, and all our slots are started: waited for",
      { ...gone, row: persons(), progress: done(5, { running: 1, lastSeen: slot(5) }) },
      "synced Running, Running",
    ],
    [
      "an execution holds the trigger: waited for",
      { ...gone, row: row({ executionId: "e" }), progress: done(2) },
      "synced Running, Running",
    ],
    ["nothing does: noted, as an execution may not be listed yet", { ...gone, progress: done(2) }, "record submission"],
    ["waited a little", vanished(1_999), "synced Running, Running"],
    ["then the flow tells why", vanished(2_000), "read flow"],
    [
      "the flow is as it was: a person deleted it",
      { ...vanished(2_000), flow: flow() },
      "stalled CancelledInKestra, Failed",
    ],
    ["it was edited: going on", { ...vanished(2_000), flow: flow({ revision: 4 }) }, CLOSED_AFTER],
    [
      "it was edited before slots of ours ran: a person deleted it",
      {
        ...vanished(2_000),
        progress: done(2, { watermark: { slot: slot(1), startedAt: NOW, revision: 4 } }),
        flow: flow({ revision: 4 }),
      },
      "stalled CancelledInKestra, Failed",
    ],
    [
      "its trigger was edited, and one more slot ran with that revision: going on",
      {
        ...vanished(2_000, { definition: definitionDigest(flow(), "tick") }),
        progress: done(2, { watermark: { slot: slot(1), startedAt: NOW, revision: 4 } }),
        flow: flow({ revision: 4 }, { inputs: { unused: "x" } }),
      },
      CLOSED_AFTER,
    ],
    [
      "its cron was edited, and one more slot ran with that revision: interrupted for that",
      {
        ...vanished(2_000),
        progress: done(2, { watermark: { slot: slot(1), startedAt: NOW, revision: 4 } }),
        flow: flow({ revision: 4 }, { cron: "30 * * * *" }),
      },
      "stalled TriggerChanged, Failed",
    ],
    [
      "its slots are others now: interrupted",
      { ...vanished(2_000), flow: flow({ revision: 4 }, { cron: "30 * * * *" }) },
      "stalled TriggerChanged, Failed",
    ],
    [
      "they cannot be told any more: interrupted",
      { ...vanished(2_000), flow: flow({ revision: 4 }, { stopAfter: ["FAILED"] }) },
      "stalled TriggerChanged, Failed",
    ],
    ["the flow is gone: waited for", { ...vanished(2_000), flow: "missing" }, "progressing FlowMissing, none"],
    [
      "a person's replaced it and is over, and the past is replayed: the flow is read",
      { ...gone, row: row({ nextExecutionDate: slot(3), executionId: "e" }), progress: done(2) },
      "read flow",
    ],
    [
      "and has not changed: interrupted",
      { ...gone, row: row({ nextExecutionDate: slot(3), executionId: "e" }), progress: done(2), flow: flow() },
      "stalled ReplacedInKestra, Failed",
    ],
    [
      "or has another cron now, which explains it: interrupted",
      {
        ...gone,
        row: row({ nextExecutionDate: NOW - 1 }),
        progress: done(2),
        flow: flow({ revision: 4 }, { cron: "* * * * *" }),
      },
      "stalled TriggerChanged, Failed",
    ],
    [
      "a person replaced it: interrupted",
      { ...gone, row: persons(), progress: done(2) },
      "stalled ReplacedInKestra, Failed",
    ],
    [
      "another Backfill did: interrupted",
      { ...gone, row: others(), progress: done(2) },
      "stalled ReplacedInKestra, Failed",
    ],
    [
      "we took it back: closed",
      { status: submitted({ withdrawn: at(-2_000) }), row: row(), progress: done(2), spec: { suspend: true } },
      CLOSED_AFTER,
    ],
    [
      "just now, so that an execution may not be listed yet: waited for",
      { status: submitted({ withdrawn: at(-1_999) }), row: row(), progress: done(2), spec: { suspend: true } },
      "synced Suspended, Suspended",
    ],
    [
      "in this look, and long after that was decided: the two seconds begin anew",
      { status: submitted({ withdrawn: at(-30_000) }), row: row(), progress: done(2), withdrewAt: NOW },
      "record submission",
    ],
    [
      "in this look: waited for, however slow Kestra is",
      { status: submitted({ withdrawn: at(-2_500) }), row: row(), progress: done(2), withdrewAt: NOW - 2_000 },
      "synced Running, Running",
    ],
    [
      "since too many failed, at which it stops: not said to be suspended meanwhile",
      {
        status: submitted({ withdrawn: at(-500) }),
        row: row(),
        progress: done(2, { failed: 1 }),
        spec: { failurePolicy: { maxFailed: 1, action: "Stop" } },
      },
      "synced Running, Running",
    ],
    [
      "and an execution holds the trigger, whose end may bring it back: waited for",
      {
        status: submitted({ withdrawn: at(-5_000) }),
        row: row({ executionId: "e" }),
        progress: done(2),
        spec: { suspend: true },
      },
      "synced Suspended, Suspended",
    ],
    [
      "and neither suspended nor out of its budget: it runs",
      { status: submitted({ withdrawn: at(-5_000) }), row: row({ executionId: "e" }), progress: done(2) },
      "synced Running, Running",
    ],
    [
      "and it is back: taken back again",
      { status: submitted({ withdrawn: at(-1_000) }), row: ours(), progress: done(2), spec: { suspend: true } },
      "withdraw",
    ],
    [
      "and somebody's runs since: closed",
      { status: submitted({ withdrawn: at(-2_000) }), row: persons(), progress: done(2) },
      CLOSED_AFTER,
    ],
  ]);

  const oneByOne = flow({}, { recoverMissedSchedules: "NONE" });
  const unrun = (lost?: number): Situation => ({
    status: submitted({ vanished: at(-2_000) }, { lost }),
    row: row(),
    progress: progress(),
  });
  decides([
    [
      "nothing was run of it: a person deleted it, or Kestra could not",
      { ...unrun(), flow: flow() },
      "stalled NoExecutions, Failed",
    ],
    [
      "or a flow was saved, where missed schedules are not made up for: closed",
      { ...unrun(), flow: oneByOne },
      "record lost percent plan progress slots submission",
    ],
    ["not for ever: a person deletes it", { ...unrun(3), flow: oneByOne }, "stalled NoExecutions, Failed"],
  ]);

  test("how often in a row it came to nothing is counted", () => {
    expect(recordOf(decided({ ...unrun(), flow: oneByOne })).lost).toBe(1);
    expect(recordOf(decided({ ...unrun(2), flow: oneByOne })).lost).toBe(3);
    const withdrawn = { ...unrun(2), status: submitted({ withdrawn: at(-2_000) }, { lost: 2 }) };
    expect(decided(withdrawn)).not.toHaveProperty("write.status.lost");
    expect(recordOf(decided({ ...withdrawn, progress: done(1) }))).toHaveProperty("lost", undefined);
  });

  test("what was not started goes back into the plan, before what was planned", () => {
    const situation: Situation = {
      status: submitted(
        { last: hour(3), withdrawn: at(-2_000) },
        { plan: { ranges: [{ first: hour(5), last: hour(5), slots: 1 }] } },
      ),
      row: row(),
      progress: done(2, { running: 1, lastSeen: slot(2) }),
    };
    expect(recordOf(decided(situation))).toMatchObject({
      submission: undefined,
      plan: { ranges: [{ first: hour(3), last: hour(3), slots: 1 }, { first: hour(5) }] },
      slots: { done: 2, running: 1 },
      watermark: { slot: hour(1) },
    });
  });

  test("nothing is planned again where all slots were started", () => {
    expect(recordOf(decided({ ...gone, progress: done(6) }))).toMatchObject({ plan: { ranges: [] }, progress: "6/6" });
  });

  test("a live schedule that would replay the past is put right after it", () => {
    const situation: Situation = { ...gone, row: row({ nextExecutionDate: slot(3) }), progress: done(6) };
    expect(recordOf(decided(situation))).toMatchObject({ guard });
    expect(recordOf(decided({ ...situation, row: row({ nextExecutionDate: LIVE + HOUR }) }))).not.toHaveProperty(
      "guard",
    );
  });

  test("going on after an edit is told, and so is what to do after an interruption", () => {
    expect(decided({ ...vanished(2_000), flow: flow({ revision: 4 }) })).toMatchObject({
      write: { act: { type: "Normal", reason: "Resumed", message: expect.stringContaining("revision 4") as unknown } },
    });
    expect(says({ ...vanished(2_000), flow: flow() })).toContain("2 of 6 slots are done. Make another Backfill");
    expect(says({ ...gone, row: others(), nameOf: () => "team/o", progress: done(2) })).toContain(
      "the Backfill team/o replaced",
    );
  });
});

describe("between two hand-overs", () => {
  const status = accepted(
    {},
    { attempt: 1, plan: { ranges: [{ first: hour(3), last: hour(5), slots: 3 }] }, ...counted(3) },
  );
  const free: Situation = { status, row: row(), flow: flow(), progress: done(3), metadata: held };
  decides([
    ["what ran is read", { status }, "read progress"],
    ["suspended: nothing more", { status, progress: done(3), spec: { suspend: true } }, "synced Suspended, Suspended"],
    ["the rest is handed over", free, INTENDED],
    ["without looking for what others ran: a plan is a plan", { ...free, history: undefined }, INTENDED],
    [
      "its slots are others now: interrupted",
      { ...free, flow: flow({}, { cron: "30 * * * *" }) },
      "stalled TriggerChanged, Failed",
    ],
    [
      "the trigger is gone: interrupted",
      { ...free, row: "missing", flow: flow({ triggers: [] }) },
      "stalled TriggerRemoved, Failed",
    ],
    ["a late call took effect: taken back", { ...free, row: ours() }, "withdraw"],
    ["failures are as many as the policy allows: paused", spent("Pause"), "synced FailureBudgetSpent, Suspended"],
    [
      "more are allowed since: going on",
      { ...spent("Pause"), spec: { failurePolicy: { maxFailed: 9, action: "Pause" } } },
      INTENDED,
    ],
    ["or the policy is gone", { ...spent("Pause"), spec: {} }, INTENDED],
    ["failures are as many as the policy allows: stopped", spent("Stop"), "stalled FailureBudgetSpent, Failed"],
    [
      "but not before what runs has ended",
      { ...spent("Stop"), progress: done(2, { failed: 1, running: 1 }) },
      "synced FailureBudgetSpent, Suspended",
    ],
    [
      "the live schedule may have to be put right first",
      { ...free, status: { ...status, guard }, row: undefined },
      "read row",
    ],
    ["and is", { ...free, status: { ...status, guard: called }, row: row({ nextExecutionDate: slot(3) }) }, "guard"],
    ["not while somebody's backfill runs", { ...free, status: { ...status, guard }, row: persons() }, "unchanged"],
    ["it goes with the trigger", { ...free, status: { ...status, guard }, row: "missing" }, "record guard"],
    [
      "nothing is left, and something runs: waited for",
      { status: { ...status, plan: { ranges: [] } }, progress: done(5, { running: 1 }) },
      "synced Running, Running",
    ],
  ]);

  function spent(action: "Pause" | "Stop"): Situation {
    return { ...free, spec: { failurePolicy: { maxFailed: 1, action } }, progress: done(2, { failed: 1 }) };
  }

  test("attempts are numbered, and the time of the first stays", () => {
    expect(recordOf(decided({ ...free, status: { ...status, startedAt: at(-9_000) } }))).toMatchObject({
      attempt: 2,
      startedAt: at(-9_000),
      submission: { first: hour(3), last: hour(5) },
    });
  });

  test("a suspended one that still runs something is looked at, and else left", () => {
    const suspended = (running: number) => decided({ status, progress: done(3, { running }), spec: { suspend: true } });
    expect(suspended(1)).toMatchObject({ verdict: { retryAfterMs: 2_000 } });
    expect(suspended(0)).not.toHaveProperty("verdict.retryAfterMs");
  });
});

describe("when nothing is left to run", () => {
  const end = (seen: Situation["progress"], present = 0): Situation => ({
    status: accepted({}, { attempt: 1, plan: { ranges: [] }, slots: slotsOf(6, present) }),
    progress: seen,
  });
  decides([
    ["every slot has an execution that succeeded: complete", end(done(6)), "synced Complete, Complete"],
    ["with those that were run before", end(done(4), 2), "synced Complete, Complete"],
    ["some failed: failed", end(done(6, { done: 5, failed: 1 })), "stalled SlotsFailed, Failed"],
    ["some cannot be proved: failed", end(done(6, { done: 5, unproved: 1 })), "stalled SlotsUnproved, Failed"],
    ["some are missing, which must not be: failed", end(done(5)), "stalled SlotsUnproved, Failed"],
  ]);

  test("it says how many, and what to do", () => {
    expect(says(end(done(4), 2))).toBe("All 4 slots were run. 2 more were left out.");
    expect(says(end(done(6, { done: 5, failed: 1 })))).toMatch(
      /^1 of 6 slots failed, 5 succeeded\..*reprocess: Failed/,
    );
    expect(says(end(done(6, { done: 5, unproved: 1 })))).toContain("5 of 6 slots are proved");
  });
});

describe("finished", () => {
  const finished = (more: Partial<BackfillStatus> = {}): Situation => ({
    status: accepted({}, { finishedAt: at(-10_000), attempt: 1, ...counted(6), ...more }),
  });
  const ttl = (seconds: number) => ({ spec: { ttlSecondsAfterFinished: seconds } });
  decides([
    ["it is never looked at again", finished(), "unchanged"],
    ["whatever becomes of its spec", { ...finished(), spec: { inputs: { a: 1 }, suspend: true } }, "unchanged"],
    ["whatever becomes of Kestra", { ...finished(), server: lost }, "unchanged"],
    ["whatever the trigger has", { ...finished(), row: ours(), progress: progress() }, "unchanged"],
    ["with time to live, it stays so long", { ...finished(), ...ttl(11) }, "unchanged"],
    ["and goes then", { ...finished(), ...ttl(10) }, "expire"],
    ["once", { ...finished(), ...ttl(10), expired: true }, "unchanged"],
    ["at once with none", { ...finished(), ...ttl(0) }, "expire"],
    [
      "not before the live schedule is put right",
      { ...finished({ guard: called }), ...ttl(10), row: row({ nextExecutionDate: slot(1) }) },
      "guard",
    ],
  ]);

  test("the next look is the one at which it goes", () => {
    expect(decided({ ...finished(), ...ttl(11) })).toMatchObject({ verdict: { retryAfterMs: 1_000 } });
    expect(decided(finished())).toEqual({ do: "settle", verdict: { state: "unchanged" } });
  });
});

test("a hand-over is ours by uid, not by name", () => {
  const copy: Situation = {
    status: accepted(),
    metadata: { uid: "copy" },
    row: ours(),
    flow: flow(),
    history: none,
    server: up,
  };
  expect(says({ ...copy, nameOf: (uid) => (uid === UID ? "team/ours" : undefined) })).toContain(
    "the Backfill team/ours",
  );
});
