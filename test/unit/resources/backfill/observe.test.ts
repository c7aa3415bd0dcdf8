import { describe, expect, test } from "@jest/globals";
import type { ExecutionFilter } from "../../../../src/kestra/executions.ts";
import type { Execution } from "../../../../src/kestra/types.ts";
import { decide } from "../../../../src/resources/backfill/decide.ts";
import type { Fact, Observed } from "../../../../src/resources/backfill/model.ts";
import { labelsOf } from "../../../../src/resources/backfill/native.ts";
import { observe, read } from "../../../../src/resources/backfill/observe.ts";
import type { BackfillContext } from "../../../../src/resources/backfill/observe.ts";
import {
  accepted,
  at,
  execution,
  flow,
  hour,
  inShort,
  NOW,
  object,
  observed,
  ready,
  row,
  settings,
  slot,
  submitted,
  UID,
  up,
} from "./support/observed.ts";
import type { Situation } from "./support/observed.ts";

/** A Kestra that holds these executions, oldest first, and keeps what it was asked. */
function holding(executions: Execution[]) {
  const asked: ExecutionFilter[] = [];
  const page = (filter: ExecutionFilter, { page, size, order }: { page: number; size: number; order: string }) => {
    asked.push(filter);
    const { labels = {}, from = 0 } = filter;
    const found = executions
      .filter(({ startedAt }) => startedAt >= from)
      .filter((one) => Object.entries(labels).every(([key, value]) => one.labels[key] === value));
    if (order === "newest") found.reverse();
    return Promise.resolve({ results: found.slice((page - 1) * size, page * size), total: found.length });
  };
  const context = {
    kestra: { executions: { page } },
    settings,
    clock: { now: () => NOW },
  } as unknown as BackfillContext;
  return { context, asked };
}

async function after(
  fact: Fact,
  situation: Situation,
  executions: Execution[],
): Promise<Observed & { calls: ExecutionFilter[] }> {
  const { context, asked } = holding(executions);
  const seen = observed(situation);
  await read(context, seen, fact, new AbortController().signal);
  return { ...seen, calls: asked };
}

describe("progress", () => {
  test("is what carries our label, from the watermark on", async () => {
    const status = submitted({}, { watermark: { slot: hour(1), startedAt: at(-9_000) } });
    const { calls } = await after("progress", { status }, []);
    expect(calls).toEqual([
      { namespace: "n", flow: "hello", labels: { "kestraflow.backfill": UID }, from: NOW - 9_000 },
    ]);
  });

  test("leaves out what another trigger ran, or none", async () => {
    const { slot: at0, ...byHand } = execution(2);
    expect(at0).toBe(slot(2));
    const executions = [execution(0), execution(1, "SUCCESS", { trigger: "other" }), byHand];
    expect((await after("progress", { status: submitted() }, executions)).progress).toMatchObject({
      done: 1,
      lastSeen: slot(0),
    });
  });

  test("of the attempt before is no sign that the last one arrived", async () => {
    const status = submitted({ first: hour(3) }, { attempt: 2 });
    const executions = [0, 1, 2].map((of) => execution(of));
    expect((await after("progress", { status }, executions)).progress).toMatchObject({ done: 3, attempted: false });
    const second = execution(3, "RUNNING", { labels: labelsOf(UID, 2) });
    expect((await after("progress", { status }, [...executions, second])).progress).toMatchObject({ attempted: true });
  });

  test("that is more than one look reads is not taken for all: nothing is decided before all of it is counted", async () => {
    const all = { total: 5_000, present: 0, done: 0, skipped: 0, failed: 0, running: 0, unproved: 0, remaining: 5_000 };
    const status = submitted({ last: hour(4_999), vanished: at(-60_000) }, { slots: all });
    const executions = Array.from({ length: 5_000 }, (_, of) => execution(of));
    const seen = await after("progress", { status, row: row(), flow: flow() }, executions);
    expect(seen.calls).toHaveLength(20);
    expect(seen.progress).toMatchObject({ done: 2_000, behind: true });
    expect(decide(seen, NOW)).toMatchObject({ verdict: { reason: "Running", retryAfterMs: 1_000 } });
    const taken = submitted({ last: hour(4_999), withdrawn: at(-1_000) }, { slots: all });
    const withdrawn = await after("progress", { status: taken, row: row() }, executions);
    expect(inShort(decide(withdrawn, NOW))).toBe("synced Running, Running");
  });

  test("of exactly as much as one look reads is all", async () => {
    const executions = Array.from({ length: 1_999 }, (_, of) => execution(of));
    expect(
      (await after("progress", { status: submitted({ last: hour(1_999) }) }, executions)).progress,
    ).not.toHaveProperty("behind");
  });
});

describe("history", () => {
  const facts: Situation = { status: accepted(), flow: flow() };
  const outcomes = async (executions: Execution[], situation = facts) => {
    const { history } = await after("history", situation, executions);
    return Object.fromEntries(
      [...(history?.outcomes ?? [])].map(([at, outcome]) => [(at - slot(0)) / 3_600_000, outcome]),
    );
  };

  test("is what became of each slot, whoever ran it", async () => {
    const executions = [
      execution(0, "SUCCESS", { labels: {} }),
      execution(1, "FAILED"),
      execution(2, "WARNING"),
      execution(3, "RUNNING"),
    ];
    expect(await outcomes(executions)).toEqual({ 0: "done", 1: "failed", 2: "done", 3: "unfinished" });
  });

  test.each<[string, string[], string | undefined]>([
    ["the success of one that failed later", ["SUCCESS", "FAILED"], "done"],
    ["the success of one that failed first", ["FAILED", "SUCCESS"], "done"],
    ["the newest where none succeeded", ["RUNNING", "FAILED"], "failed"],
    ["what runs where it is the newest", ["FAILED", "RUNNING"], "unfinished"],
    ["nothing of what was superseded", ["RETRIED"], undefined],
    ["the heir of what was superseded", ["RETRIED", "FAILED"], "failed"],
  ])("has %s", async (_what, states, outcome) => {
    const executions = states.map((state, after) => execution(2, state, { startedAt: NOW - 60_000 + after }));
    expect((await outcomes(executions))[2]).toBe(outcome);
  });

  test("leaves out what is not in the range, of another trigger, or of none", async () => {
    const { slot: at2, ...byHand } = execution(2);
    expect(at2).toBe(slot(2));
    const executions = [execution(-1), execution(6), execution(1, "SUCCESS", { trigger: "other" }), byHand];
    expect(await outcomes(executions)).toEqual({});
  });

  test("tells of one that has not ended", async () => {
    const { history } = await after("history", facts, [execution(3, "RUNNING", { id: "r" })]);
    expect(history?.unfinished).toMatchObject({ id: "r" });
    expect((await after("history", facts, [execution(3)])).history).not.toHaveProperty("unfinished");
  });

  test("before it is accepted is that of the range that the spec means", async () => {
    expect(await outcomes([execution(-1), execution(0), execution(5), execution(6)], { flow: flow() })).toEqual({
      0: "done",
      5: "done",
    });
  });
});

describe("without asking anybody", () => {
  const flows = (status?: object) =>
    ({
      get: (key: string) =>
        key === "team/mine" && status ? { metadata: { generation: 1 }, status, policy: {} } : undefined,
    }) as unknown as BackfillContext["flows"];
  const all = [
    object(),
    object({}, accepted({}, { state: "Queued" }), { name: "o", uid: "o", creationTimestamp: "2026-01-01T00:00:00Z" }),
  ];
  const context = (kestraFlow?: object) =>
    ({
      settings,
      server: { state: up },
      claims: { of: () => [] },
      drift: { mustLook: () => false },
      flows: flows(kestraFlow),
      backfills: { values: () => all },
    }) as unknown as BackfillContext;
  const mine = object({ target: { flowRef: { name: "mine" } } });
  const flowStatus = { observedGeneration: 1, flow: { tenant: "main", namespace: "n", id: "hello" } };

  test.each<[string, object | undefined, object]>([
    ["is waited for while it is not there", undefined, { missing: "the KestraFlow mine" }],
    [
      "is waited for while it is not Ready",
      { ...flowStatus, conditions: [ready("False", "x")] },
      { missing: "the KestraFlow mine to be Ready" },
    ],
    [
      "is waited for while its spec has not been looked at",
      { ...flowStatus, observedGeneration: 0, conditions: [ready("True", "Synced")] },
      { missing: "the KestraFlow mine to be Ready" },
    ],
    [
      "is known by its status",
      { ...flowStatus, conditions: [ready("True", "Synced")] },
      { namespace: "n", id: "hello" },
    ],
  ])("a KestraFlow %s", (_what, status, reference) => {
    expect(observe(context(status), mine).flowReference).toEqual(reference);
  });

  test("a flow is known by its id, and other Backfills by their uid", () => {
    const seen = observe(context(), object({}, accepted()));
    expect(seen.flowReference).toEqual({ namespace: "n", id: "hello" });
    expect(seen.ahead.map(({ metadata }) => metadata.name)).toEqual(["o"]);
    expect([seen.nameOf("o"), seen.nameOf("x")]).toEqual(["team/o", undefined]);
  });
});
