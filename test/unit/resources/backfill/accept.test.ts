import { describe, expect, test } from "@jest/globals";
import { accept, planAnew } from "../../../../src/resources/backfill/accept.ts";
import type { History } from "../../../../src/resources/backfill/model.ts";
import { specDigest } from "../../../../src/resources/backfill/source.ts";
import {
  accepted,
  done,
  execution,
  flow,
  HOUR,
  hour,
  inShort,
  iso,
  LIVE,
  messageOf,
  NOW,
  object,
  observed,
  ours,
  recordOf,
  row,
  settings,
  slot,
  up,
} from "./support/observed.ts";
import type { Situation } from "./support/observed.ts";

/** What became of slots, by their hours. */
function history(
  outcomes: Record<number, "done" | "failed" | "unfinished"> = {},
  more: Partial<History> = {},
): History {
  const entries = Object.entries(outcomes).map(([of, outcome]) => [slot(Number(of)), outcome] as const);
  return { outcomes: new Map(entries), incomplete: false, ...more };
}

/** Everything that accepting asks for was read, and all is well. */
const good: Situation = { flow: flow(), row: row(), history: history() };
const decided = (situation: Situation) => accept(observed(situation), NOW);

describe("before it is accepted, a Backfill", () => {
  test.each<[string, Situation, string, RegExp?]>([
    [
      "waits for its KestraFlow",
      { flowReference: { missing: "the KestraFlow x to be Ready" } },
      "progressing FlowNotReady",
      /the KestraFlow x to be Ready/,
    ],
    [
      "is refused a namespace that it may not write to",
      { settings: { ...settings, refusal: () => "not allowed" } },
      "stalled NamespaceNotAllowed, none",
      /not allowed/,
    ],
    [
      "is refused by a Kestra that it does not know",
      { server: { ...up, info: { uuid: "u", version: "2.0.1" } } },
      "stalled KestraVersionUnsupported, none",
      /2\.0\.1/,
    ],
    ["reads the flow", {}, "read flow"],
    ["waits for a flow that is not there", { flow: "missing" }, "progressing FlowMissing, none", /n\/hello/],
    ["is refused a flow without the trigger", { flow: flow({ triggers: [] }) }, "stalled TriggerMissing, none"],
    ["is refused what is no range", { flow: flow(), spec: { start: "2024-02-31" } }, "stalled RangeInvalid, none"],
    [
      "is refused a cron that cannot be followed",
      { flow: flow({}, { cron: "nonsense" }) },
      "stalled SlotsNotProvable, none",
      /cron of the trigger tick cannot be followed/,
    ],
    [
      "is refused a window of no length",
      { flow: flow(), spec: { window: "P0D" } },
      "stalled WindowInvalid, none",
      /P1M/,
    ],
    ["is refused inputs that fail", { flow: flow(), spec: { inputs: { x: 1 } } }, "stalled InputsInvalid, none"],
    [
      "is refused labels of ours",
      { flow: flow(), spec: { labels: { "system.x": "y" } } },
      "stalled LabelsInvalid, none",
    ],
    ["then reads the trigger's state", { flow: flow() }, "read row"],
    ["waits for it", { flow: flow(), row: "missing" }, "progressing TriggerNotReady, none"],
    [
      "is refused where the live schedule keeps another time",
      { flow: flow(), row: row({ nextExecutionDate: LIVE + 60_000 }) },
      "stalled SlotsNotProvable, none",
      /is no tick of 0 \* \* \* \* in UTC.*plugin defaults/,
    ],
    [
      "and says what to do where the zone was assumed",
      { flow: flow({}, { timezone: undefined }), row: row({ nextExecutionDate: LIVE + 60_000 }) },
      "stalled SlotsNotProvable, none",
      /give the trigger a timezone, or set spec\.timeZone/,
    ],
    ["then reads what was run before", { flow: flow(), row: row() }, "read history"],
    ["but not where all is run anyway", { flow: flow(), row: row(), spec: { reprocess: "All" } }, RECORDED()],
    [
      "is refused a history that is too long to be read",
      { ...good, history: history({}, { incomplete: true }) },
      "stalled TooManyExecutions, none",
      /reprocess: All/,
    ],
    [
      "is refused more slots than Kestra runs in a day",
      { ...good, flow: flow({}, { cron: "* * * * * *", withSeconds: true }), spec: { end: hour(60) } },
      "stalled TooManySlots, none",
      /100000/,
    ],
    [
      "is refused a range without a slot",
      { ...good, spec: { start: hour(0.1), end: hour(0.2) } },
      "stalled NoSlots, none",
    ],
    ["is accepted", good, RECORDED()],
    [
      "is accepted while the trigger is off",
      { ...good, row: row({ nextExecutionDate: null, disabled: true }) },
      RECORDED(),
    ],
    ["is accepted while a backfill runs", { ...good, row: ours() }, RECORDED()],
    ["is accepted with all slots run before", { ...good, history: history(all("done")) }, RECORDED()],
  ])("%s", (_what, situation, decision, message = /^/) => {
    expect(inShort(decided(situation))).toBe(decision);
    expect(messageOf(decided(situation))).toMatch(message);
  });
});

function RECORDED(): string {
  return "record acceptedAt first last percent plan progress range slots specDigest target";
}

function all(outcome: "done" | "failed"): Record<number, "done" | "failed"> {
  return Object.fromEntries([0, 1, 2, 3, 4, 5].map((of) => [of, outcome]));
}

describe("what is accepted", () => {
  test("is on record, so that it means the same ever after", () => {
    expect(
      recordOf(decided({ ...good, spec: { end: undefined, start: hour(0), labels: { team: "a" } } })),
    ).toMatchObject({
      target: {
        tenant: "main",
        namespace: "n",
        flow: "hello",
        trigger: "tick",
        cron: "0 * * * *",
        timeZone: "UTC",
        revision: 3,
        url: "http://kestra/ui/main/flows/edit/n/hello/executions",
      },
      range: { start: hour(0), end: iso(NOW) },
      specDigest: specDigest(object({ end: undefined, labels: { team: "a" } }).policy),
      acceptedAt: iso(NOW),
      progress: "0/757",
      percent: 0,
      first: hour(0),
      last: iso(NOW),
    });
  });

  test("says what was assumed, and nothing more than is so", () => {
    const { target } = recordOf(decided(good));
    expect(target).not.toHaveProperty("zoneAssumed");
    expect(target).not.toHaveProperty("withSeconds");
    const assumed = flow({}, { timezone: undefined, cron: "0 0 * * * *", withSeconds: true });
    expect(recordOf(decided({ ...good, flow: assumed })).target).toMatchObject({
      zoneAssumed: true,
      withSeconds: true,
    });
  });

  test.each<[string, "Missing" | "Failed" | "All", [number, number][], number]>([
    [
      "leaves out what succeeded",
      "Missing",
      [
        [0, 0],
        [2, 3],
        [5, 5],
      ],
      2,
    ],
    ["is what failed", "Failed", [[2, 2]], 5],
    ["is everything", "All", [[0, 5]], 0],
  ])("%s with reprocess: %s", (_what, reprocess, ranges, present) => {
    const before = history({ 1: "done", 2: "failed", 4: "done", 5: "unfinished" });
    const status = recordOf(decided({ ...good, history: before, spec: { reprocess } }));
    expect(status.plan?.ranges.map(({ first, last }) => [first, last])).toEqual(
      ranges.map(([first, last]) => [hour(first), hour(last)]),
    );
    expect(status.slots).toMatchObject({ total: 6, present, remaining: 6 - present });
  });

  test("has nothing to run where all was run, and says 100 percent", () => {
    expect(recordOf(decided({ ...good, history: history(all("done")) }))).toMatchObject({
      plan: { ranges: [] },
      percent: 100,
      progress: "0/0",
      first: undefined,
      last: undefined,
    });
  });
});

describe("planned anew", () => {
  test("before anything was started, what others ran meanwhile is left out", () => {
    const seen = observed({ ...good, status: accepted(), history: history({ 0: "done", 3: "done" }) });
    expect(recordOf(planAnew(seen))).toMatchObject({
      plan: {
        ranges: [
          { first: hour(1), last: hour(2) },
          { first: hour(4), last: hour(5) },
        ],
      },
      slots: { total: 6, present: 2 },
      first: hour(1),
      last: hour(5),
    });
  });

  test("it reads what was run", () => {
    expect(inShort(planAnew(observed({ status: accepted() })))).toBe("read history");
  });

  test("where the first plan ended, it goes on, and what ran is counted once", () => {
    const status = accepted({}, { attempt: 1, plan: { ranges: [], until: hour(2) } });
    const seen = observed({
      status,
      history: history({ 0: "done", 1: "done", 2: "done", 4: "done" }),
      progress: done(3),
    });
    const recorded = recordOf(planAnew(seen, hour(2)));
    expect(recorded).toMatchObject({
      plan: { ranges: [{ first: hour(3) }, { first: hour(5) }] },
      slots: { total: 6, present: 1 },
    });
    expect(recorded).not.toHaveProperty("first");
    expect(recorded.plan).not.toHaveProperty("until");
  });
});

test("an execution that has not ended is told with the history, and decides nothing by itself", () => {
  const unfinished = execution(2, "RUNNING", { startedAt: NOW - HOUR });
  const status = recordOf(decided({ ...good, history: history({ 2: "unfinished" }, { unfinished }) }));
  expect(status.slots).toMatchObject({ present: 0 });
});
