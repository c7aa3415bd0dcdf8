import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Condition } from "../../../../src/kubernetes/conditions.ts";
import { conclude } from "../../../../src/resources/flow/conclude.ts";
import type { DriftKind } from "../../../../src/resources/common.ts";
import type { FlowStatus } from "../../../../src/resources/flow/schema.ts";
import type { Verdict } from "../../../../src/resources/verdict.ts";
import {
  desired,
  held,
  identity,
  NOW,
  observed,
  ready,
  recorded,
  stored,
  textOf,
  up,
  valid,
} from "./support/observed.ts";
import type { Situation } from "./support/observed.ts";

const synced: Verdict = { state: "synced", message: "fine" };
const stalled: Verdict = { state: "stalled", reason: "Refused", message: "do something" };
const progressing: Verdict = { state: "progressing", reason: "Waiting", message: "for x" };
const drifted: Verdict = { ...synced, drift: { reason: "Edited", message: "It was edited." } };

function concluded(situation: Situation, verdict: Verdict, drift?: DriftKind, now = NOW) {
  return conclude(observed(situation), verdict, drift, now);
}

function shown({ conditions }: FlowStatus): string[] {
  return (conditions ?? []).map(({ type, status, reason }) => `${type}=${status} ${reason}`);
}

describe("conditions", () => {
  const before: Condition[] = [
    ready("True", "Synced"),
    ...["Reconciling", "Stalled", "Drifted", "Paused"].map((type): Condition => ({ ...ready("True", "Old"), type })),
  ];
  test.each<[string, Verdict, string[]]>([
    ["in sync", synced, ["Ready=True Synced"]],
    ["in sync with drift reported", drifted, ["Ready=True Synced", "Drifted=True Edited"]],
    ["waiting", progressing, ["Drifted=True Old", "Ready=False Waiting", "Reconciling=True Waiting"]],
    ["needs a person", stalled, ["Drifted=True Old", "Ready=False Refused", "Stalled=True Refused"]],
    [
      "contested",
      { ...stalled, drift: { reason: "Contested", message: "x" } },
      ["Ready=False Refused", "Stalled=True Refused", "Drifted=True Contested"],
    ],
    [
      "paused",
      { state: "paused" },
      ["Ready=True Synced", "Reconciling=True Old", "Stalled=True Old", "Drifted=True Old", "Paused=True Paused"],
    ],
    [
      "unchanged",
      { state: "unchanged" },
      ["Ready=True Synced", "Reconciling=True Old", "Stalled=True Old", "Drifted=True Old"],
    ],
  ])("%s", (_state, verdict, expected) => {
    const { status } = concluded({ status: { conditions: before } }, verdict);
    expect(shown(status)).toEqual(expected);
  });

  test("others' conditions stay as they are", () => {
    const foreign = { ...ready("False", "x"), type: "Audited", observedGeneration: 0 };
    expect(concluded({ status: { conditions: [foreign] } }, synced).status.conditions).toContainEqual(foreign);
  });

  test("a message is bounded, however long Kestra's own is", () => {
    const { status } = concluded({}, { ...stalled, message: "x".repeat(100_000) });
    for (const { message } of status.conditions ?? []) expect(message.length).toBeLessThanOrEqual(1024);
  });
});

describe("what was applied", () => {
  test("is recorded with tenant, revision, link and digest once it is in sync", () => {
    const { status } = concluded({ metadata: { generation: 4 }, stored: stored(textOf(), { revision: 9 }) }, synced);
    expect(status).toMatchObject({
      observedGeneration: 4,
      instance: "default",
      flow: { ...identity(), revision: 9, url: "http://kestra/ui/main/flows/edit/n/hello" },
      applied: { digest: desired().digest },
    });
  });

  test("names the version of the ConfigMap that it was read from", () => {
    const { status } = concluded({ desired: { ...desired(), configMapVersion: "17" }, stored: stored() }, synced);
    expect(status.applied).toEqual({ digest: desired().digest, configMapVersion: "17" });
  });

  test.each<[string, Situation, Verdict, DriftKind | undefined]>([
    [
      "a drift that is only reported",
      { stored: stored("id: hello\nnamespace: n\n", { revision: 9 }) },
      drifted,
      "Edited",
    ],
    ["a refusal", { stored: stored(textOf(), { revision: 9 }) }, stalled, undefined],
    ["waiting", {}, progressing, undefined],
    ["nothing new", {}, { state: "unchanged" }, undefined],
  ])("stays as it was with %s", (_what, situation, verdict, drift) => {
    const { status } = concluded({ ...situation, status: recorded(), metadata: held }, verdict, drift);
    expect(status.flow).toEqual(recorded().flow);
    expect(status.applied).toEqual(recorded().applied);
  });

  test("says nothing of a generation that was not judged", () => {
    for (const state of ["paused", "unchanged"] as const)
      expect(concluded({ metadata: { generation: 2 }, status: recorded() }, { state }).status.observedGeneration).toBe(
        1,
      );
  });
});

describe("Kestra's remarks", () => {
  test("are bounded in number and length, and cut between characters", () => {
    const warnings = Array.from({ length: 50 }, (_, i) => `${i} ${"🙂".repeat(400)}`);
    const { status } = concluded({ validation: { ...valid(), warnings, deprecationPaths: ["tasks[0].old"] } }, synced);
    expect(status.warnings).toHaveLength(10);
    for (const warning of status.warnings ?? []) {
      expect(warning.length).toBeLessThanOrEqual(300);
      expect(warning.isWellFormed()).toBe(true);
    }
    expect(status.deprecations).toEqual(["tasks[0].old"]);
    expect(JSON.stringify(status).length).toBeLessThan(10_000);
  });

  test("go with the next validation that has none, and stay without one", () => {
    const status = recorded(textOf(), { warnings: ["old"] });
    expect(concluded({ status, validation: valid() }, synced).status.warnings).toBeUndefined();
    expect(concluded({ status }, synced).status.warnings).toEqual(["old"]);
  });
});

describe("the record of a drift", () => {
  const at = new Date(NOW).toISOString();
  const corrected = {
    kind: "Edited",
    detectedAt: "2026-05-01T00:00:00.000Z",
    correctedAt: "2026-05-01T00:00:00.000Z",
    corrections: 1,
  } as const;

  test("has when it was found and put right", () => {
    const { status } = concluded({ status: recorded(), corrected: "Deleted", stored: stored() }, synced);
    expect(status.drift).toEqual({ kind: "Deleted", detectedAt: at, correctedAt: at, corrections: 1 });
  });

  test("counts corrections that do not last", () => {
    const drift = { ...corrected, detectedAt: at, correctedAt: at, corrections: 2 };
    const { status } = concluded(
      { status: recorded(textOf(), { drift }), corrected: "Edited" },
      synced,
      undefined,
      NOW + 60_000,
    );
    expect(status.drift?.corrections).toBe(3);
  });

  test("that is only reported keeps when it was found, from look to look", () => {
    const first = concluded({ status: recorded() }, drifted, "Edited").status;
    expect(first.drift).toEqual({ kind: "Edited", detectedAt: at, corrections: 0 });
    expect(concluded({ status: first }, drifted, "Edited", NOW + 1_000).status.drift).toEqual(first.drift);
  });

  test("begins anew with another kind, and after one that was put right", () => {
    const later = new Date(NOW + 1_000).toISOString();
    const first = concluded({ status: recorded() }, drifted, "Edited").status;
    expect(concluded({ status: first }, drifted, "Deleted", NOW + 1_000).status.drift?.detectedAt).toBe(later);
    const again = concluded({ status: recorded(textOf(), { drift: corrected }) }, drifted, "Edited").status;
    expect(again.drift).toEqual({ ...corrected, detectedAt: at });
    expect(concluded({ status: again }, drifted, "Edited", NOW + 1_000).status.drift).toEqual(again.drift);
  });

  test("stays when all is well again", () => {
    const { status } = concluded({ status: recorded(textOf(), { drift: corrected }), stored: stored() }, synced);
    expect(status.drift).toEqual(corrected);
  });
});

describe("a request to reconcile now", () => {
  const asked = { annotations: { "kestraflow.dev/reconcile-requested-at": "a".repeat(200) } };
  test("is noted as handled, bounded", () => {
    expect(concluded({ metadata: asked }, synced).status.handledReconcileAt).toHaveLength(100);
  });

  test.each<[string, Situation, Verdict]>([
    ["while paused", { metadata: asked, server: up }, { state: "paused" }],
    ["while Kestra is away", { metadata: asked, server: { kind: "down", since: 0, message: "x" } }, progressing],
  ])("is still open %s", (_when, situation, verdict) => {
    expect(concluded(situation, verdict).status).not.toHaveProperty("handledReconcileAt");
  });
});

describe("Events", () => {
  const was = (reason: string): Situation => ({ status: { conditions: [ready("False", reason)] } });
  test.each<[string, Situation, Verdict, string[]]>([
    ["a new reason is told", was("Other"), stalled, ["Refused"]],
    ["the same reason is not told again", was("Refused"), { ...stalled, message: "other words" }, []],
    ["waiting for something new is told", {}, progressing, ["Waiting"]],
    ["being in sync is not told", was("Refused"), synced, []],
    ["nothing new is not told", was("Refused"), { state: "unchanged" }, []],
    ["a drift that is left is told", { status: recorded() }, drifted, ["Drifted"]],
    ["and not again", { status: { conditions: [{ ...ready("True", "Edited"), type: "Drifted" }] } }, drifted, []],
    ...["KestraUnreachable", "KestraUnauthorized", "KestraProtocolError", "KestraFailed", "DeletionBlocked"].map(
      (reason): [string, Situation, Verdict, string[]] => [
        `${reason} concerns all at once: conditions and metrics tell it`,
        {},
        { ...progressing, reason },
        [],
      ],
    ),
  ])("%s", (_what, situation, verdict, reasons) => {
    expect(concluded(situation, verdict).events.map(({ reason }) => reason)).toEqual(reasons);
  });

  test("what was done comes first", () => {
    const act = { type: "Normal", reason: "Applied", message: "x" } as const;
    expect(concluded({ acts: [act] }, stalled).events).toEqual([
      act,
      { type: "Warning", reason: "Refused", message: "do something" },
    ]);
  });
});

describe("the next look", () => {
  test.each<[string, Verdict, number | undefined]>([
    ["in sync: none, lists find what changes", synced, undefined],
    ["stalled: slowly", stalled, 600_000],
    ["contested: when the next correction is due", { ...stalled, retryAfterMs: 5 }, 5],
    ["waiting: whatever is waited for wakes it", progressing, undefined],
    ["waiting with a time", { ...progressing, retryAfterMs: 7 }, 7],
    ["paused", { state: "paused" }, undefined],
  ])("%s", (_what, verdict, expected) => {
    expect(concluded({}, verdict).requeueAfterMs).toBe(expected);
  });
});

test("concluding the same again, later, changes nothing: there is nothing to write, and no Event", () => {
  const kinds = fc.constantFrom<DriftKind>("Edited", "Deleted", "Disabled");
  const reported = kinds.map((reason) => ({ reason, message: `It was ${reason}.` }));
  const words = { reason: fc.constantFrom("A", "B", "KestraUnreachable"), message: fc.string({ maxLength: 2_000 }) };
  const verdict: fc.Arbitrary<Verdict> = fc.oneof(
    fc.record(
      { state: fc.constant("synced" as const), message: fc.string(), drift: reported },
      { requiredKeys: ["state", "message"] },
    ),
    fc.record({ state: fc.constant("progressing" as const), ...words }),
    fc.record(
      { state: fc.constant("stalled" as const), ...words, drift: reported },
      { requiredKeys: ["state", "reason", "message"] },
    ),
    fc.record({ state: fc.constantFrom("unchanged" as const, "paused" as const) }),
  );
  const drift = fc.record(
    {
      kind: kinds,
      detectedAt: fc.constantFrom("2026-05-01T00:00:00.000Z", "2026-05-02T00:00:00.000Z"),
      correctedAt: fc.constant("2026-05-01T12:00:00.000Z"),
      corrections: fc.nat({ max: 50 }),
    },
    { requiredKeys: ["kind", "detectedAt", "corrections"] },
  );
  const annotations = fc.constantFrom({}, { "kestraflow.dev/reconcile-requested-at": "x" });
  fc.assert(
    fc.property(verdict, fc.option(drift, { nil: undefined }), annotations, (verdict, before, annotations) => {
      const kind = "drift" in verdict && verdict.drift ? (verdict.drift.reason as DriftKind) : undefined;
      const status = recorded(textOf(), before ? { drift: before } : {});
      const situation: Situation = { metadata: { annotations }, validation: valid(), stored: stored() };
      const once = concluded({ ...situation, status }, verdict, kind);
      const twice = concluded({ ...situation, status: once.status }, verdict, kind, NOW + 3_600_000);
      expect(twice.status).toEqual(once.status);
      expect(twice.events).toEqual([]);
    }),
  );
});
