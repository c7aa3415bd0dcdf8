import { describe, expect, test } from "@jest/globals";
import type { Claimant, Title } from "../../../../src/resources/ownership/arbitration.ts";
import { decide } from "../../../../src/resources/flow/decide.ts";
import {
  claimantOf,
  claiming,
  desired,
  desiredTree,
  held,
  inShort,
  leaving,
  messageOf,
  NOW,
  observed,
  ready,
  recorded,
  remembered,
  settings,
  stored,
  textOf,
  treeOf,
  UID,
  up,
  valid,
} from "./support/observed.ts";
import type { Situation } from "./support/observed.ts";

type Row = [what: string, situation: Situation, decision: string];

function decides(rows: Row[]): void {
  test.each(rows)("%s", (_what, situation, decision) => {
    expect(inShort(decide(observed(situation), NOW))).toBe(decision);
  });
}

function says(situation: Situation): string {
  return messageOf(decide(observed(situation), NOW));
}

const other = textOf("hello", "other");
const disabled = `${textOf()}\ndisabled: true`;
const invalid = { constraints: "Invalid type: Log", warnings: [], deprecationPaths: [] };
const claimed = claiming("hello", textOf());
const adoptedClaim = claiming("hello");
const paused = { "kestraflow.dev/paused": "true" };

describe("a flow that is not there yet", () => {
  decides([
    ["what is declared is read where the cache does not hold it", { desired: undefined }, "read content"],
    ["nothing is written that Kestra did not validate", {}, "read validation"],
    ["the intent comes before the flow", { validation: valid() }, "claim n/hello of this text"],
    [
      "a claim without the finalizer is no claim",
      { validation: valid(), metadata: { ...claimed, finalizers: [] } },
      "claim n/hello of this text",
    ],
    ["then the flow is created", { validation: valid(), metadata: claimed }, "create n/hello, changed"],
    ["and it is as declared", { validation: valid(), metadata: claimed, stored: stored() }, "synced"],
    [
      "a claim of another resource, in a copied manifest, counts for nothing",
      { validation: valid(), metadata: { ...claimed, uid: "copy" } },
      "claim n/hello of this text",
    ],
    [
      "a claim that cannot be read counts for nothing",
      { validation: valid(), metadata: { ...held, annotations: { "kestraflow.dev/claim": "{" } } },
      "claim n/hello of this text",
    ],
    [
      "with Never it is looked for first, lest somebody's identical flow passes for ours",
      { spec: { adoption: "Never" } },
      "read stored",
    ],
    [
      "and is created when it is missing",
      { spec: { adoption: "Never" }, stored: "missing", validation: valid() },
      "claim n/hello of this text",
    ],
    [
      "what was refused is looked for first",
      { status: { conditions: [ready("False", "AdoptionRefused")] } },
      "read stored",
    ],
    [
      "it was deleted since it was refused",
      { status: { conditions: [ready("False", "AdoptionRefused")] }, stored: "missing", validation: valid() },
      "claim n/hello of this text",
    ],
  ]);
});

describe("after a crash", () => {
  decides([
    [
      "between the claim and the create: it is created",
      { metadata: claimed, validation: valid() },
      "create n/hello, changed",
    ],
    [
      "between the create and its record: Kestra says that it exists",
      { metadata: claimed, validation: valid(), exists: true },
      "read stored",
    ],
    ["and it holds what was claimed: it is ours", { metadata: claimed, exists: true, stored: stored() }, "synced"],
    [
      "and somebody edited it meanwhile: nothing proves that it is ours",
      { metadata: claimed, exists: true, stored: stored(other) },
      "unclaim",
    ],
    [
      "and we were edited meanwhile: what was claimed is looked for before the claim is replaced",
      { metadata: claiming("hello", other), validation: valid() },
      "read stored",
    ],
    [
      "it holds what was claimed: the proof is made to outlive the update",
      { metadata: claiming("hello", other), stored: stored(other) },
      "claim n/hello",
    ],
    [
      "then it is updated",
      { metadata: adoptedClaim, stored: stored(other), validation: valid() },
      "update n/hello, changed",
    ],
    [
      "it had not been created: the claim is replaced",
      { metadata: claiming("hello", other), stored: "missing", validation: valid() },
      "claim n/hello of this text",
    ],
    ["in an adoption: it is looked at", { metadata: adoptedClaim }, "read stored"],
    [
      "in an adoption, and the flow went meanwhile: a claim for a flow of ours",
      { metadata: adoptedClaim, stored: "missing", validation: valid() },
      "create n/hello, changed",
    ],
    [
      "id edited while another flow was claimed: whether the new one exists is seen before the claim is given up",
      { metadata: claiming("former", textOf("former")), validation: valid() },
      "read stored",
    ],
    [
      "it does not: what was claimed is looked at",
      { metadata: claiming("former", textOf("former")), stored: "missing", validation: valid() },
      "read claimed",
    ],
    [
      "and removed, as it holds what we made",
      {
        metadata: claiming("former", textOf("former")),
        stored: "missing",
        validation: valid(),
        claimProved: true,
      },
      "delete n/former, renamed",
    ],
    [
      "or left, as it holds something else",
      {
        metadata: claiming("former", textOf("former")),
        stored: "missing",
        validation: valid(),
        claimProved: false,
      },
      "claim n/hello of this text",
    ],
    [
      "or is gone",
      { metadata: claiming("former", textOf("former")), stored: "missing", validation: valid(), claimProved: false },
      "claim n/hello of this text",
    ],
    [
      "id edited to and fro: the claim on the other is cleaned up",
      { metadata: claiming("other", textOf("other")), status: recorded(), stored: stored() },
      "read claimed",
    ],
    [
      "with the flow",
      {
        metadata: claiming("other", textOf("other")),
        status: recorded(),
        stored: stored(),
        claimProved: true,
      },
      "delete n/other, renamed",
    ],
    [
      "without the flow, which is not ours",
      { metadata: claiming("other", textOf("other")), status: recorded(), stored: stored(), claimProved: false },
      "unclaim",
    ],
    [
      "refused elsewhere: the claim on what we made stays",
      { metadata: claiming("former", textOf("former")), stored: stored(other) },
      "stalled AdoptionRefused",
    ],
  ]);
});

describe("a flow that this resource did not make", () => {
  const foreign = (adoption: "IfIdentical" | "Always" | "Never", source: string, more: Situation = {}): Situation => ({
    spec: { adoption },
    exists: true,
    stored: stored(source),
    ...more,
  });
  const asTree: Situation = { desired: desiredTree() };
  const commented = `# by hand\n${textOf()}`;
  decides([
    ["IfIdentical, identical", foreign("IfIdentical", textOf()), "claim n/hello"],
    [
      "IfIdentical, identical but for a revision line",
      foreign("IfIdentical", `revision: 5\n${textOf()}`),
      "claim n/hello",
    ],
    ["IfIdentical, another comment is not identical", foreign("IfIdentical", commented), "stalled AdoptionRefused"],
    ["IfIdentical, different", foreign("IfIdentical", other), "stalled AdoptionRefused"],
    ["Always, identical", foreign("Always", textOf()), "claim n/hello"],
    ["Always, different: not before the text is known to be valid", foreign("Always", other), "read validation"],
    ["Always, different and valid", foreign("Always", other, { validation: valid() }), "claim n/hello"],
    [
      "Always, different and invalid: what is never written is not made ours",
      foreign("Always", other, { validation: invalid }),
      "stalled InvalidFlow",
    ],
    [
      "Always, claimed: overwritten",
      foreign("Always", other, { validation: valid(), metadata: adoptedClaim }),
      "update n/hello, changed",
    ],
    ["Never, identical", foreign("Never", textOf()), "stalled AdoptionRefused"],
    ["Never, different", foreign("Never", other), "stalled AdoptionRefused"],
    ["IfIdentical, the same tree for an object", foreign("IfIdentical", commented, asTree), "claim n/hello"],
    ["IfIdentical, another tree for an object", foreign("IfIdentical", other, asTree), "stalled AdoptionRefused"],
    [
      "Always, another tree for an object",
      foreign("Always", other, { ...asTree, validation: valid() }),
      "claim n/hello",
    ],
    ["Never, the same tree for an object", foreign("Never", textOf(), asTree), "stalled AdoptionRefused"],
    [
      "unreadable in Kestra is never identical to an object",
      foreign("IfIdentical", other, { ...asTree, stored: { ...stored(), source: "{" } }),
      "stalled AdoptionRefused",
    ],
    ["adopted with nothing to change", foreign("IfIdentical", textOf(), { metadata: adoptedClaim }), "synced"],
    [
      "a claim that came to nothing is taken back, so that deleting does not wait for Kestra",
      foreign("IfIdentical", other, { metadata: claimed }),
      "unclaim",
    ],
  ]);

  test("a refusal names the flow, the difference and the remedy", () => {
    expect(says(foreign("IfIdentical", other))).toBe(
      "The flow n/hello exists in Kestra with another source and was not made by this resource: make the two identical, delete it there, or set spec.adoption to Always.",
    );
    expect(says(foreign("Never", textOf()))).toBe(
      "The flow n/hello exists in Kestra and was not made by this resource: delete it there, or set spec.adoption.",
    );
  });
});

describe("a flow in sync", () => {
  const settled: Situation = { status: recorded(), metadata: held, desired: remembered() };
  const edited: Situation = { status: recorded(other), metadata: held };
  decides([
    ["nothing happened: nothing is asked", settled, "unchanged"],
    ["Kestra must be looked at, after a start or a suspicion", { ...settled, mustLook: () => true }, "read stored"],
    [
      "somebody asks for a look",
      { ...settled, metadata: { ...held, annotations: { "kestraflow.dev/reconcile-requested-at": "now" } } },
      "read stored",
    ],
    [
      "a request that was handled asks for nothing",
      {
        ...settled,
        status: recorded(textOf(), { handledReconcileAt: "now" }),
        metadata: { ...held, annotations: { "kestraflow.dev/reconcile-requested-at": "now" } },
      },
      "unchanged",
    ],
    [
      "another generation with the same source is confirmed",
      { ...settled, metadata: { ...held, generation: 2 }, desired: desired() },
      "read stored",
    ],
    ["it holds what is declared", { ...settled, stored: stored() }, "synced"],
    ["it holds the same but for a revision line", { ...settled, stored: stored(`revision: 3\n${textOf()}`) }, "synced"],
    ["the finalizer is gone: it is put back", { ...settled, metadata: {} }, "claim n/hello"],
    ["the source was edited: validated", edited, "read validation"],
    [
      "the source was edited: looked at before a PUT, which has hung servers",
      { ...edited, validation: valid() },
      "read stored",
    ],
    [
      "the source was edited: updated",
      { ...edited, validation: valid(), stored: stored(other) },
      "update n/hello, changed",
    ],
    ["the source was edited and Kestra has it already: not written", { ...edited, stored: stored() }, "synced"],
    [
      "the source was edited while the flow was deleted: created without another claim",
      { ...edited, validation: valid(), stored: "missing" },
      "create n/hello, changed",
    ],
    [
      "the source was edited, and drift that is only reported is overwritten with it",
      { ...edited, validation: valid(), stored: stored(disabled), spec: { driftPolicy: "Report" } },
      "update n/hello, changed",
    ],
    [
      "an object whose keys were only reordered is not written",
      {
        metadata: held,
        desired: desiredTree(Object.fromEntries(Object.entries(treeOf()).reverse())),
        status: recorded(textOf(), { applied: { digest: desiredTree().digest } }),
        stored: stored(),
      },
      "synced",
    ],
  ]);
});

describe("drift", () => {
  const drifted = (found: Situation["stored"], more: Situation = {}): Situation => ({
    status: recorded(),
    metadata: held,
    validation: valid(),
    stored: found,
    ...more,
  });
  const report = { spec: { driftPolicy: "Report" as const } };
  const enable = { spec: { disabledDrift: "Correct" as const } };
  decides([
    ["edited, Correct", drifted(stored(other)), "update n/hello, Edited"],
    ["edited, Correct, the text is read again", drifted(stored(other), { desired: remembered() }), "read content"],
    ["edited, Correct, validated again", drifted(stored(other), { validation: undefined }), "read validation"],
    ["edited, Report", drifted(stored(other), report), "synced, drift Edited"],
    ["edited in a comment only", drifted(stored(`${textOf()}# x`)), "update n/hello, Edited"],
    ["deleted, Correct", drifted("missing"), "create n/hello, Deleted"],
    ["deleted, Report", drifted("missing", report), "synced, drift Deleted"],
    [
      "disabled: somebody stopped it in an incident",
      drifted(stored(disabled, { disabled: true })),
      "synced, drift Disabled",
    ],
    [
      "disabled, disabledDrift Correct",
      drifted(stored(disabled, { disabled: true }), enable),
      "update n/hello, Disabled",
    ],
    [
      "disabled, driftPolicy Report outweighs disabledDrift",
      drifted(stored(disabled, { disabled: true }), { spec: { ...report.spec, ...enable.spec } }),
      "synced, drift Disabled",
    ],
    [
      "disabled and edited is edited",
      drifted(stored(`${other}\ndisabled: true`, { disabled: true })),
      "update n/hello, Edited",
    ],
    [
      "declared disabled, enabled by somebody",
      drifted(stored(), { desired: desired(disabled), status: recorded(disabled) }),
      "update n/hello, Edited",
    ],
    [
      "declared disabled, and disabled",
      drifted(stored(disabled, { disabled: true }), { desired: desired(disabled), status: recorded(disabled) }),
      "synced",
    ],
    [
      "a flow of an object with another comment has not drifted",
      drifted(stored(`# x\n${textOf()}`), {
        desired: desiredTree(),
        status: recorded(textOf(), { applied: { digest: desiredTree().digest } }),
      }),
      "synced",
    ],
    ["restored from an old backup: comes back", drifted(stored(other, { revision: 1 })), "update n/hello, Edited"],
    [
      "corrected, and Kestra has become unwilling: the text is refused",
      drifted(stored(other), { validation: invalid }),
      "stalled InvalidFlow",
    ],
  ]);

  describe("that comes back", () => {
    const contested = (corrections: number, correctedAt: string): Situation =>
      drifted(stored(other), {
        status: recorded(textOf(), { drift: { kind: "Edited", detectedAt: correctedAt, correctedAt, corrections } }),
      });
    decides([
      ["twice is corrected at once", contested(2, "2026-06-01T11:59:59Z"), "update n/hello, Edited"],
      ["three times waits", contested(3, "2026-06-01T11:59:00Z"), "stalled Contested, drift Contested"],
      ["three times, two minutes ago, is corrected", contested(3, "2026-06-01T11:58:00Z"), "update n/hello, Edited"],
      ["often waits an hour at most", contested(40, "2026-06-01T11:00:01Z"), "stalled Contested, drift Contested"],
      ["often, an hour ago, is corrected", contested(40, "2026-06-01T11:00:00Z"), "update n/hello, Edited"],
    ]);

    test("says until when it waits, in words that do not change while it waits", () => {
      const situation = contested(3, "2026-06-01T11:59:00Z");
      const decision = decide(observed(situation), NOW);
      expect(decision).toMatchObject({ verdict: { retryAfterMs: 60_000 }, drift: "Edited" });
      expect(messageOf(decision)).toMatch(/3 times in a row .* spec\.driftPolicy .* at 2026-06-01T12:01:00\.000Z\.$/);
      expect(messageOf(decide(observed(situation), NOW + 30_000))).toBe(messageOf(decision));
    });
  });
});

describe("what cannot be written", () => {
  const keeps = "Kestra keeps revision 3 of n/hello.";
  decides([
    ["no flow in the source", { desired: { reason: "InvalidSource", message: "No id." } }, "stalled InvalidSource"],
    ["a ConfigMap that is missing", { desired: { missing: "the ConfigMap x" } }, "progressing SourceMissing"],
    ["refused by Kestra", { validation: invalid }, "stalled InvalidFlow"],
    ["another id in Kestra's eyes", { validation: valid("other") }, "stalled IdentityMismatch"],
    ["another namespace in Kestra's eyes", { validation: { ...valid(), namespace: "m" } }, "stalled IdentityMismatch"],
    [
      "no identity in Kestra's eyes",
      { validation: { warnings: [], deprecationPaths: [] } },
      "stalled IdentityMismatch",
    ],
    [
      "an invalid rename leaves the old flow alone",
      { status: recorded(textOf("former")), metadata: held, validation: invalid },
      "stalled InvalidFlow",
    ],
  ]);

  test("the message has Kestra's own words, the path, and what is kept", () => {
    const changed: Situation = { status: recorded(other), metadata: held };
    expect(says({ ...changed, validation: invalid })).toBe(
      `Kestra refuses the flow: tasks[0].type: Invalid type: Log. ${keeps}`,
    );
    const worded = "jakarta.validation.ConstraintViolationException: Invalid type: Log";
    expect(says({ validation: { ...invalid, constraints: worded } })).toBe(
      "Kestra refuses the flow: tasks[0].type: Invalid type: Log.",
    );
    expect(says({ ...changed, desired: { missing: "the ConfigMap x" } })).toBe(`Waiting for the ConfigMap x. ${keeps}`);
    expect(says({ ...changed, desired: { reason: "InvalidSource", message: "No id." } })).toBe(`No id. ${keeps}`);
    expect(says({ validation: valid("other") })).toMatch(/as the flow n\/other, we read n\/hello: write id/);
  });
});

describe("who may", () => {
  const denied: Situation = { settings: { ...settings, refusal: (from, to) => `${from} may not write to ${to}` } };
  const foreignInstance = { instanceRef: { name: "elsewhere" } };
  decides([
    ["paused: left alone", { metadata: { annotations: paused }, validation: valid() }, "paused"],
    [
      "paused with another value: not paused",
      { metadata: { annotations: { "kestraflow.dev/paused": "no" } } },
      "read validation",
    ],
    ["our instance by name", { spec: { instanceRef: { name: "default" } } }, "read validation"],
    ["another instance", { spec: foreignInstance }, "stalled UnknownInstance"],
    ["policy refuses", denied, "stalled NamespaceNotAllowed"],
    [
      "policy refuses, before anything is said of Kestra",
      { ...denied, server: { kind: "lost", since: 0, message: "x" } },
      "stalled NamespaceNotAllowed",
    ],
    [
      "policy refuses what is recorded",
      { ...denied, status: recorded(), metadata: held, mustLook: () => true },
      "stalled NamespaceNotAllowed",
    ],
    [
      "policy refuses a rename",
      {
        settings: { ...settings, refusal: (_from, to) => (to === "n" ? "no" : undefined) },
        status: recorded(textOf("former")),
        metadata: held,
      },
      "stalled NamespaceNotAllowed",
    ],
  ]);

  test("a refusal is what the policy says", () => {
    expect(says(denied)).toBe("team may not write to n");
  });
});

describe("two resources for one flow", () => {
  const ours = claimantOf("team/ours", UID, "2026-01-02T00:00:00Z");
  const contest = (oursAs: Title, theirs: Partial<Claimant>, more: Situation = {}): Situation => ({
    claimantsOf: () => [
      { ...ours, title: oursAs },
      { ...claimantOf("team/theirs", "uid-of-theirs", "2026-01-02T00:00:00Z"), ...theirs },
    ],
    ...more,
  });
  decides([
    [
      "they have it recorded, though we are older",
      contest("claimed", { title: "recorded", createdAt: "2026-02-01T00:00:00Z" }),
      "stalled Conflict",
    ],
    [
      "we have it recorded, though they are older",
      contest(
        "recorded",
        { createdAt: "2025-01-01T00:00:00Z" },
        { status: recorded(), metadata: held, desired: remembered() },
      ),
      "unchanged",
    ],
    [
      "they claimed it",
      contest("declared", { title: "claimed", createdAt: "2026-02-01T00:00:00Z" }),
      "stalled Conflict",
    ],
    ["they are older", contest("declared", { createdAt: "2026-01-01T00:00:00Z" }), "stalled Conflict"],
    ["we are older", contest("declared", { createdAt: "2026-01-03T00:00:00Z" }), "read validation"],
    ["of one age: they have the lower uid", contest("declared", { uid: "uid-a" }), "stalled Conflict"],
    ["of one age: we have the lower uid", contest("declared", { uid: "uid-z" }), "read validation"],
    [
      "they only wished for it and are leaving",
      contest("declared", { createdAt: "2026-01-01T00:00:00Z", leaving: true }),
      "read validation",
    ],
    [
      "they have it and are leaving: until it is disposed of it is theirs",
      contest("declared", { title: "recorded", leaving: true }),
      "stalled Conflict",
    ],
    ["nobody knows of us yet", { claimantsOf: () => [] }, "read validation"],
    [
      "Kestra is away: a conflict is one nevertheless",
      contest("declared", { title: "recorded" }, { server: { kind: "lost", since: 0, message: "x" } }),
      "stalled Conflict",
    ],
  ]);

  test("the loser names the winner and the remedy", () => {
    expect(says(contest("declared", { title: "recorded" }))).toBe(
      "The flow n/hello belongs to the KestraFlow team/theirs: delete one of the two, or give this flow another id.",
    );
  });
});

describe("an edited id or namespace", () => {
  const renamed: Situation = {
    status: recorded(textOf("former")),
    metadata: claiming("former", textOf("former")),
    validation: valid(),
  };
  const created: Situation = { ...renamed, metadata: claimed, stored: stored() };
  const heir = claimantOf("team/heir", "uid-of-heir", "2026-03-01T00:00:00Z");
  const wantedBy = (claimant: Claimant): Situation => ({
    claimantsOf: ({ id }) =>
      id === "former" ? [{ ...claimantOf("team/ours", UID, ""), title: "recorded" }, claimant] : [],
  });
  decides([
    ["first the intent", renamed, "claim n/hello of this text"],
    ["then the new flow, while the old one stays", { ...renamed, metadata: claimed }, "create n/hello, changed"],
    ["then the old one goes", created, "delete n/former, renamed"],
    ["and is gone", { ...created, leftBehind: new Set(["main/n/former"]) }, "synced"],
    ["Orphan leaves it", { ...created, spec: { deletionPolicy: "Orphan" } }, "synced"],
    ["the operator's Orphan leaves it", { ...created, settings: { ...settings, deletionPolicy: "Orphan" } }, "synced"],
    [
      "our Delete outweighs the operator's Orphan",
      { ...created, spec: { deletionPolicy: "Delete" }, settings: { ...settings, deletionPolicy: "Orphan" } },
      "delete n/former, renamed",
    ],
    [
      "another resource wants the old one: it is handed over",
      { ...created, ...wantedBy(heir) },
      "hand n/former over to team/heir",
    ],
    ["it was handed over before a crash", { ...created, ...wantedBy({ ...heir, title: "claimed" }) }, "synced"],
    [
      "another resource has the old one recorded",
      { ...created, ...wantedBy({ ...heir, title: "recorded" }) },
      "synced",
    ],
    [
      "Orphan hands over as well",
      { ...created, ...wantedBy(heir), spec: { deletionPolicy: "Orphan" } },
      "hand n/former over to team/heir",
    ],
    [
      "one who leaves inherits nothing",
      { ...created, ...wantedBy({ ...heir, leaving: true }) },
      "delete n/former, renamed",
    ],
    ["the new one exists and is not ours: both stay", { ...renamed, stored: stored(other) }, "stalled AdoptionRefused"],
    [
      "the new one exists and is identical: adopted before the old one goes",
      { ...renamed, stored: stored() },
      "claim n/hello",
    ],
  ]);

  test("of the namespace is a rename as well", () => {
    const moved = textOf().replace("namespace: n", "namespace: m");
    const situation = { ...created, status: recorded(moved), metadata: claimed };
    expect(inShort(decide(observed(situation), NOW))).toBe("delete m/hello, renamed");
  });
});

describe("a resource that is handed a flow", () => {
  const handed: Situation = { metadata: adoptedClaim, status: { conditions: [ready("False", "Conflict")] } };
  decides([
    ["looks at it before anything is written", handed, "read stored"],
    [
      "takes it though it holds something else",
      { ...handed, stored: stored(other), validation: valid() },
      "update n/hello, changed",
    ],
    [
      "takes it with Never",
      { ...handed, spec: { adoption: "Never" }, stored: stored(other), validation: valid() },
      "update n/hello, changed",
    ],
    ["has nothing to write when it is identical", { ...handed, stored: stored() }, "synced"],
    [
      "lost its finalizer: claims anew",
      { ...handed, metadata: { ...adoptedClaim, finalizers: [] }, stored: stored() },
      "claim n/hello",
    ],
    [
      "leaves the last good flow when its own is invalid",
      { ...handed, stored: stored(other), validation: invalid },
      "stalled InvalidFlow",
    ],
  ]);
});

describe("deletion", () => {
  const gone: Situation = { status: recorded(), metadata: leaving };
  const down: Situation = { server: { kind: "lost", since: 0, message: "x" } };
  const heir = claimantOf("team/heir", "uid-of-heir", "2026-03-01T00:00:00Z");
  const heirs = (...claimants: Claimant[]): Situation => ({
    claimantsOf: () => [{ ...claimantOf("team/ours", UID, ""), title: "recorded", leaving: true }, ...claimants],
  });
  const unrecorded = (text?: string): Situation => ({
    metadata: { ...claiming("hello", text), ...deleting },
    status: {},
  });
  const deleting = { deletionTimestamp: "2026-06-01T00:00:00Z" };
  decides([
    [
      "without a finalizer of ours",
      { status: recorded(), metadata: { ...leaving, finalizers: ["other/finalizer"] } },
      "released",
    ],
    ["what is recorded is deleted", gone, "delete n/hello, deleted"],
    ["though somebody edited it", { ...gone, stored: stored(other) }, "delete n/hello, deleted"],
    ["then the resource is let go", { ...gone, leftBehind: new Set(["main/n/hello"]) }, "release"],
    ["Orphan", { ...gone, spec: { deletionPolicy: "Orphan" } }, "release"],
    ["the operator's Orphan", { ...gone, settings: { ...settings, deletionPolicy: "Orphan" } }, "release"],
    ["never owned anything", { metadata: leaving }, "release"],
    ["never owned anything, and Kestra is away", { metadata: leaving, ...down }, "release"],
    [
      "refused by adoption: not touched",
      { metadata: leaving, stored: stored(other), status: { conditions: [ready("False", "AdoptionRefused")] } },
      "release",
    ],
    ["paused", { ...gone, metadata: { ...leaving, annotations: paused } }, "delete n/hello, deleted"],
    ["invalid by now", { ...gone, desired: { reason: "InvalidSource", message: "x" } }, "delete n/hello, deleted"],
    [
      "refused by policy by now: what is ours still goes",
      { ...gone, settings: { ...settings, refusal: () => "no" } },
      "delete n/hello, deleted",
    ],
    ["Kestra down", { ...gone, ...down }, "progressing DeletionBlocked"],
    ["Kestra unknown", { ...gone, server: { kind: "unknown" } }, "progressing DeletionBlocked"],
    [
      "Kestra refuses the login",
      { ...gone, server: { kind: "unauthorized", message: "x" } },
      "progressing DeletionBlocked",
    ],
    ["Kestra down, Orphan", { ...gone, ...down, spec: { deletionPolicy: "Orphan" } }, "release"],
    [
      "Kestra down, abandoned",
      { ...gone, ...down, metadata: { ...leaving, annotations: { "kestraflow.dev/abandon": "true" } } },
      "release",
    ],
    [
      "abandoned without being deleted means nothing",
      { metadata: { annotations: { "kestraflow.dev/abandon": "true" } } },
      "read validation",
    ],
    ["another wants the flow: it is handed over", { ...gone, ...heirs(heir) }, "hand n/hello over to team/heir"],
    [
      "the older of two heirs",
      { ...gone, ...heirs(heir, { ...heir, key: "team/older", uid: "o", createdAt: "2026-02-01T00:00:00Z" }) },
      "hand n/hello over to team/older",
    ],
    ["Kestra down: handing over needs none", { ...gone, ...down, ...heirs(heir) }, "hand n/hello over to team/heir"],
    ["handed over before a crash", { ...gone, ...heirs({ ...heir, title: "claimed" }) }, "release"],
    ["all who want it leave too", { ...gone, ...heirs({ ...heir, leaving: true }) }, "delete n/hello, deleted"],
    [
      "another instance: nothing is done in our Kestra",
      { ...gone, spec: { instanceRef: { name: "elsewhere" } } },
      "stalled UnknownInstance",
    ],
    [
      "another instance, abandoned",
      {
        ...gone,
        spec: { instanceRef: { name: "elsewhere" } },
        metadata: { ...leaving, annotations: { "kestraflow.dev/abandon": "true" } },
      },
      "release",
    ],
    ["claimed and perhaps created: looked at", unrecorded(textOf()), "read claimed"],
    ["claimed and created", { ...unrecorded(textOf()), claimProved: true }, "delete n/hello, deleted"],
    ["claimed, and somebody else's", { ...unrecorded(textOf()), claimProved: false }, "release"],
    ["claimed, and never created", { ...unrecorded(textOf()), claimProved: false }, "release"],
    ["claimed, and Kestra is away", { ...unrecorded(textOf()), ...down }, "progressing DeletionBlocked"],
    ["adopted or handed over, and not recorded yet", unrecorded(), "delete n/hello, deleted"],
    [
      "claimed under Orphan",
      { ...unrecorded(textOf()), claimProved: true, spec: { deletionPolicy: "Orphan" } },
      "release",
    ],
    [
      "a claim on what the policy refuses gives no right",
      { ...unrecorded(), settings: { ...settings, refusal: () => "no" } },
      "release",
    ],
    [
      "a claim in another tenant gives no right",
      {
        metadata: {
          ...leaving,
          annotations: {
            "kestraflow.dev/claim": JSON.stringify({ uid: UID, tenant: "x", namespace: "n", id: "hello" }),
          },
        },
      },
      "release",
    ],
    [
      "a claim with a path in it gives no right",
      {
        metadata: {
          ...leaving,
          annotations: {
            "kestraflow.dev/claim": JSON.stringify({ uid: UID, tenant: "main", namespace: "..", id: ".." }),
          },
        },
      },
      "release",
    ],
    [
      "in the midst of a rename: first the recorded one",
      { status: recorded(textOf("former")), metadata: { ...claimed, ...deleting } },
      "delete n/former, deleted",
    ],
    [
      "in the midst of a rename: then the claimed one",
      {
        status: recorded(textOf("former")),
        metadata: { ...claimed, ...deleting },
        leftBehind: new Set(["main/n/former"]),
      },
      "read claimed",
    ],
  ]);

  test("that is blocked says how to let go", () => {
    expect(says({ ...gone, ...down })).toMatch(/n\/hello.*annotate this resource with kestraflow\.dev\/abandon=true/);
    const elsewhere = { ...gone, spec: { instanceRef: { name: "elsewhere" } } };
    expect(says(elsewhere)).toMatch(/serves the Kestra instance "default", not "elsewhere".*abandon=true/);
  });
});

describe("the state of the server", () => {
  const since = NOW - 1;
  const settled: Situation = { status: recorded(), metadata: held, desired: remembered(), mustLook: () => true };
  decides([
    ["unknown", { server: { kind: "unknown" } }, "progressing KestraUnreachable"],
    [
      "down: what was in sync is left in peace",
      { ...settled, server: { kind: "down", since, message: "x" } },
      "unchanged",
    ],
    [
      "down: what was not in sync says so",
      { server: { kind: "down", since, message: "x" } },
      "progressing KestraUnreachable",
    ],
    [
      "down: an edited resource says so",
      {
        ...settled,
        metadata: { ...held, generation: 2 },
        desired: desired(other),
        server: { kind: "down", since, message: "x" },
      },
      "progressing KestraUnreachable",
    ],
    [
      "lost: all say so",
      { ...settled, server: { kind: "lost", since, message: "x" } },
      "progressing KestraUnreachable",
    ],
    [
      "unauthorized: all say so",
      { ...settled, server: { kind: "unauthorized", message: "x" } },
      "progressing KestraUnauthorized",
    ],
    [
      "down: what is declared is read nevertheless",
      { desired: undefined, server: { kind: "down", since, message: "x" } },
      "read content",
    ],
    ["up again: looked at", { ...settled, server: up }, "read stored"],
  ]);
});
