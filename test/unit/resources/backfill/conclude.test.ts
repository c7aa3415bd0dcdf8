import { describe, expect, test } from "@jest/globals";
import { conclude } from "../../../../src/resources/backfill/conclude.ts";
import type { BackfillStatus } from "../../../../src/resources/backfill/schema.ts";
import * as verdicts from "../../../../src/resources/backfill/verdicts.ts";
import type { Settled } from "../../../../src/resources/model.ts";
import type { Verdict } from "../../../../src/resources/verdict.ts";
import { serverTrouble } from "../../../../src/resources/decisions.ts";
import {
  accepted,
  at,
  counted,
  done,
  HOUR,
  iso,
  LIVE,
  NOW,
  observed,
  persons,
  progress,
  ready,
  row,
  settings,
  slot,
  submitted,
} from "./support/observed.ts";
import type { Situation } from "./support/observed.ts";

function concluded(situation: Situation, { verdict }: Pick<Settled, "verdict">, now = NOW) {
  return conclude(observed(situation), verdict, undefined, now);
}

/** Conditions in short: all that are there. */
function conditionsOf({ conditions = [] }: BackfillStatus): string[] {
  return conditions.map(({ type, status, reason }) => `${type}=${status} ${reason}`).sort();
}

const former: BackfillStatus = {
  ...accepted(),
  conditions: ["Ready", "Reconciling", "Stalled", "Running", "Suspended", "Complete", "Failed"].map((type) => ({
    ...ready("True", "Former"),
    type,
  })),
};

describe("the state table", () => {
  test.each<[string, Settled, string[], BackfillStatus["state"]]>([
    [
      "waits",
      verdicts.waiting("FlowMissing", "m", 1),
      ["Ready=False FlowMissing", "Reconciling=True FlowMissing"],
      "Waiting",
    ],
    ["is refused", verdicts.refused("NoSlots", "m"), ["Ready=False NoSlots", "Stalled=True NoSlots"], "Waiting"],
    ["is queued", verdicts.queued("m", 1), ["Ready=True Queued", "Running=True Queued"], "Queued"],
    ["runs", verdicts.running("m", 1), ["Ready=True Running", "Running=True Running"], "Running"],
    [
      "is suspended",
      verdicts.suspended("Suspended", "m"),
      ["Ready=True Suspended", "Suspended=True Suspended"],
      "Suspended",
    ],
    [
      "is suspended by its failures",
      verdicts.suspended("FailureBudgetSpent", "m"),
      ["Ready=True FailureBudgetSpent", "Suspended=True FailureBudgetSpent"],
      "Suspended",
    ],
    ["is previewed", verdicts.previewed("m"), ["Ready=True Previewed"], "Previewed"],
    ["is complete", verdicts.complete("m"), ["Complete=True Complete", "Ready=True Complete"], "Complete"],
    [
      "has failed",
      verdicts.failed("SlotsFailed", "m"),
      ["Failed=True SlotsFailed", "Ready=False SlotsFailed", "Stalled=True SlotsFailed"],
      "Failed",
    ],
    ...["CancelledInKestra", "ReplacedInKestra", "TriggerChanged", "TriggerRemoved"].map(
      (reason): [string, Settled, string[], BackfillStatus["state"]] => [
        `was interrupted: ${reason}`,
        verdicts.failed(reason, "m"),
        [`Failed=True ${reason}`, `Ready=False ${reason}`, `Stalled=True ${reason}`],
        "Interrupted",
      ],
    ),
  ])("one that %s has these conditions and no others, whatever it had before", (_what, settled, conditions, state) => {
    for (const status of [undefined, former]) {
      const { status: next } = concluded(status ? { status } : {}, settled);
      expect(conditionsOf(next)).toEqual(conditions);
      expect(next.state).toBe(state);
    }
  });

  test("one whose Kestra is out of reach for a moment stays as it was", () => {
    const status: BackfillStatus = {
      ...submitted(),
      state: "Running",
      conditions: [ready("True", "Running"), { ...ready("True", "Running"), type: "Running" }],
    };
    const situation: Situation = { status, server: { kind: "down", since: NOW, message: "x" } };
    const verdict = serverTrouble(observed(situation))!;
    expect(verdict).toEqual({ state: "unchanged" });
    expect(concluded(situation, { verdict })).toEqual({ status, events: [] });
  });

  test("one that is paused by its annotation keeps its state", () => {
    const status: BackfillStatus = { ...submitted(), state: "Running", conditions: [ready("True", "Running")] };
    const { status: next } = concluded({ status }, { verdict: { state: "paused" } });
    expect(conditionsOf(next)).toEqual(["Paused=True Paused", "Ready=True Running"]);
    expect(next.state).toBe("Running");
  });

  test("one that waits before it is accepted says so in a word too", () => {
    expect(
      concluded({}, { verdict: { state: "progressing", reason: "FlowNotReady", message: "m" } }).status.state,
    ).toBe("Waiting");
    expect(concluded({}, { verdict: { state: "unchanged" } }).status.state).toBeUndefined();
  });
});

describe("progress", () => {
  test("is told as it was seen, and as it was where it was not looked at", () => {
    const running = verdicts.running("m", 1);
    const { status } = concluded({ status: submitted(), progress: done(2) }, running);
    expect(status).toMatchObject({ progress: "2/6", percent: 33, slots: { done: 2, remaining: 4 } });
    expect(concluded({ status }, running).status).toMatchObject({ progress: "2/6", slots: { done: 2 } });
  });

  test("has links to what failed", () => {
    const failures = [{ slot: slot(1), execution: "e1", state: "FAILED" }];
    const { status } = concluded(
      { status: submitted(), progress: progress({ failed: 1, failures }) },
      verdicts.running("m", 1),
    );
    expect(status.failures?.[0]?.url).toBe("http://kestra/ui/main/executions/n/hello/e1");
  });
});

describe("the time at which it will be done", () => {
  const running = verdicts.running("m", 1);
  const begun = submitted({}, { startedAt: at(-60_000) });
  const eta = (situation: Situation, now = NOW) => concluded(situation, running, now).status.eta;

  test.each<[string, Situation, string | undefined]>([
    ["is not known before the first slot ended", { status: begun, progress: progress({ running: 1 }) }, undefined],
    ["goes on as it went", { status: begun, progress: done(2) }, at(120_000)],
    ["counts failures as slots", { status: begun, progress: done(2, { failed: 1 }) }, at(60_000)],
    ["is now when only the last one is left to be counted", { status: begun, progress: done(6) }, at(0)],
  ])("%s", (_what, situation, expected) => {
    expect(eta(situation)).toBe(expected);
  });

  test("is told anew when a slot ends, and not with every look", () => {
    const first = concluded({ status: begun, progress: done(2) }, running).status;
    expect(eta({ status: first, progress: done(2) }, NOW + 10_000)).toBe(first.eta);
    expect(eta({ status: first, progress: done(3) }, NOW + 30_000)).toBe(at(30_000 + 90_000));
  });

  test("is not told of what does not run", () => {
    const status = { ...begun, eta: at(1_000) };
    for (const settled of [verdicts.queued("m", 1), verdicts.suspended("Suspended", "m"), verdicts.complete("m")])
      expect(concluded({ status, progress: done(2) }, settled).status.eta).toBeUndefined();
  });
});

describe("at the end", () => {
  const complete = verdicts.complete("All 6 slots were run.");

  test("it is finished once, and nothing is handed over any more", () => {
    const status = submitted();
    const { status: first } = concluded({ status, row: row(), progress: done(6) }, complete);
    expect(first).toMatchObject({ finishedAt: at(0), state: "Complete", progress: "6/6", percent: 100 });
    expect(first.submission).toBeUndefined();
    expect(first.guard).toBeUndefined();
    expect(concluded({ status: first }, complete, NOW + HOUR).status.finishedAt).toBe(at(0));
  });

  test.each<[string, Situation, boolean]>([
    ["is as it should be", { row: row() }, false],
    ["was set back", { row: row({ nextExecutionDate: slot(3) }) }, true],
    ["will be set back by what took our place", { row: persons({ previousNextExecutionDate: slot(3) }) }, true],
    ["is not known, as the trigger is gone", { row: "missing" }, false],
    ["was not looked at", {}, false],
  ])("the live schedule stays watched where it %s: %j", (_what, situation, watched) => {
    const { status } = concluded({ status: submitted(), ...situation }, verdicts.failed("ReplacedInKestra", "m"));
    expect(status.guard).toEqual(watched ? { live: iso(LIVE) } : undefined);
  });

  test("the live schedule of another cron is left as it is", () => {
    const situation: Situation = { status: submitted(), row: row({ nextExecutionDate: slot(3) }) };
    expect(concluded(situation, verdicts.failed("TriggerChanged", "m")).status.guard).toBeUndefined();
  });

  test("how it ended stays told while Kestra cannot be reached to put the live schedule right", () => {
    const { status } = concluded({ status: submitted() }, verdicts.failed("ReplacedInKestra", "m"));
    const trouble: Verdict = { state: "progressing", reason: "KestraUnreachable", message: "m" };
    expect(concluded({ status }, { verdict: trouble }, NOW + HOUR)).toEqual({ status, events: [] });
    const leaving = { deletionTimestamp: at(0) };
    expect(concluded({ status, metadata: leaving }, { verdict: trouble }).status.state).toBe("Waiting");
  });

  test("how it ended is said of the spec as it is now, without anything else being said", () => {
    const { status } = concluded({ status: submitted(), metadata: { generation: 1 } }, complete);
    const later = (generation: number, now?: number) =>
      concluded({ status, metadata: { generation } }, { verdict: { state: "unchanged" } }, now);
    expect(later(1, NOW + HOUR)).toEqual({ status, events: [] });
    const again = later(2, NOW + HOUR);
    const restated = (status.conditions ?? []).map((condition) => ({ ...condition, observedGeneration: 2 }));
    expect(again).toEqual({ status: { ...status, observedGeneration: 2, conditions: restated }, events: [] });
    const another = { ...status, instance: "another" };
    const unknown = { state: "stalled", reason: "UnknownInstance", message: "m" } as const;
    expect(concluded({ status: another, metadata: { generation: 2 } }, { verdict: unknown }).status).toEqual(another);
  });

  test("nothing else is the end", () => {
    for (const settled of [
      verdicts.running("m", 1),
      verdicts.suspended("Suspended", "m"),
      verdicts.refused("NoSlots", "m"),
    ])
      expect(concluded({ status: submitted() }, settled).status).toMatchObject({ submission: submitted().submission });
  });
});

describe("Events", () => {
  const told = (status: BackfillStatus, settled: Settled) =>
    concluded({ status }, settled).events.map(({ type, reason }) => `${type} ${reason}`);

  test.each<[string, Settled, string[]]>([
    ["it is queued", verdicts.queued("m", 1), ["Normal Queued"]],
    ["it is suspended", verdicts.suspended("Suspended", "m"), ["Normal Suspended"]],
    ["it is previewed", verdicts.previewed("m"), ["Normal Previewed"]],
    ["it is complete", verdicts.complete("m"), ["Normal Complete"]],
    ["it has failed", verdicts.failed("SlotsFailed", "m"), ["Warning SlotsFailed"]],
    ["it is refused", verdicts.refused("NoSlots", "m"), ["Warning NoSlots"]],
    ["it waits", verdicts.waiting("FlowMissing", "m", 1), ["Warning FlowMissing"]],
    ["it runs, which is told when slots are handed over", verdicts.running("m", 1), []],
  ])("tell once that %s", (_what, settled, events) => {
    expect(told(accepted(), settled)).toEqual(events);
    expect(told(concluded({ status: accepted() }, settled).status, settled)).toEqual([]);
  });

  test("come after those of what was done", () => {
    const situation: Situation = { status: submitted(), acts: [{ type: "Normal", reason: "Resumed", message: "m" }] };
    expect(concluded(situation, verdicts.complete("m")).events.map(({ reason }) => reason)).toEqual([
      "Resumed",
      "Complete",
    ]);
  });
});

describe("the next look", () => {
  test.each<[string, Settled, number | undefined]>([
    ["of what runs is as it was decided", verdicts.running("m", 3_000), 3_000],
    ["of what is refused comes slowly", verdicts.refused("NoSlots", "m"), settings.stalledRetryMs],
    ["of what is suspended comes with a change only", verdicts.suspended("Suspended", "m"), undefined],
    ["of what is suspended and still runs comes soon", verdicts.suspended("Suspended", "m", 2_000), 2_000],
    ["of what is complete comes once more, for what comes after it", verdicts.complete("m"), 1_000],
  ])("%s", (_what, settled, expected) => {
    expect(concluded({ status: accepted() }, settled).requeueAfterMs).toBe(expected);
  });

  test("of what failed for good comes once more, too", () => {
    expect(concluded({ status: submitted() }, verdicts.failed("SlotsFailed", "m")).requeueAfterMs).toBe(1_000);
    expect(verdicts.isFinal(verdicts.failed("SlotsFailed", "m").verdict)).toBe(true);
  });
});

test("concluding the same again, later, changes nothing", () => {
  const settled = [
    verdicts.running("m", 1),
    verdicts.queued("m", 1),
    verdicts.suspended("Suspended", "m"),
    verdicts.complete("m"),
    verdicts.failed("SlotsFailed", "m"),
    verdicts.refused("NoSlots", "m"),
  ];
  for (const verdict of settled) {
    const first = concluded({ status: submitted({}, counted(1)), progress: done(2), row: row() }, verdict).status;
    const again = concluded({ status: first, progress: done(2), row: row() }, verdict, NOW + HOUR);
    expect({ status: again.status, events: again.events }).toEqual({ status: first, events: [] });
  }
});

test.each<[Verdict, boolean]>([
  [verdicts.complete("m").verdict, true],
  [verdicts.failed("CancelledInKestra", "m").verdict, true],
  [verdicts.running("m", 1).verdict, false],
  [verdicts.suspended("Suspended", "m").verdict, false],
  [verdicts.refused("NoSlots", "m").verdict, false],
  [{ state: "unchanged" }, false],
  [{ state: "released" }, false],
])("%j is final: %j", (verdict, final) => {
  expect(verdicts.isFinal(verdict)).toBe(final);
});
