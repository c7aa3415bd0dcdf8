import { describe, expect, test } from "@jest/globals";
import { decide } from "../../../../src/resources/kv/decide.ts";
import type { KvSpec } from "../../../../src/resources/kv/schema.ts";
import type { Claimant, Title } from "../../../../src/resources/ownership/arbitration.ts";
import {
  at,
  claimantOf,
  claiming,
  desired,
  held,
  inShort,
  leaving,
  messageOf,
  NOW,
  observed,
  ready,
  recorded,
  referring,
  remembered,
  settings,
  stored,
  UID,
  up,
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

const HOUR = 3_600_000;
const claimed = claiming("key", "to write");
const handed = claiming("key");
const paused = { "kestraflow.dev/paused": "true" };
const once: Situation = { spec: { writePolicy: "CreateOnce" } };
const refused = { conditions: [ready("False", "Rejected")] };
const optionalMissing = { missing: "the Secret x", reason: "ReferenceMissing", optional: true } as const;
const missing = { ...optionalMissing, optional: false };
const forbidden = { ...missing, reason: "ReferenceForbidden" } as const;
const down: Situation = { server: { kind: "lost", since: 0, message: "x" } };

describe("an entry that is not there yet", () => {
  decides([
    ["what is declared is read where the cache does not hold it", { desired: undefined }, "read content"],
    ["Kestra is looked at first", {}, "read stored"],
    ["the intent comes before the entry", { stored: "missing" }, "claim n/key of this text"],
    ["one that has expired is not there", { stored: "expired" }, "claim n/key of this text"],
    [
      "a claim without the finalizer is no claim",
      { stored: "missing", metadata: { ...claimed, finalizers: [] } },
      "claim n/key of this text",
    ],
    ["then the entry is written", { stored: "missing", metadata: claimed }, "put n/key, changed"],
    ["then read back", { metadata: claimed, written: "changed" }, "read stored"],
    ["and it is as declared", { metadata: claimed, written: "changed", stored: stored() }, "synced"],
    [
      "a claim of another resource, in a copied manifest, counts for nothing",
      { stored: "missing", metadata: { ...claimed, uid: "copy" } },
      "claim n/key of this text",
    ],
    [
      "a claim that cannot be read counts for nothing",
      { stored: "missing", metadata: { ...held, annotations: { "kestraflow.dev/claim": "{" } } },
      "claim n/key of this text",
    ],
    ["with Never as well", { stored: "missing", spec: { adoption: "Never" } }, "claim n/key of this text"],
    [
      "it was read back as something else: not written again",
      { metadata: claimed, written: "changed", stored: stored("other") },
      "stalled NotStoredAsMeant",
    ],
    [
      "it was gone when it was read back: not written again",
      { metadata: claimed, written: "changed", stored: "missing" },
      "stalled NotStoredAsMeant",
    ],
    [
      "it had expired when it was read back: not written again",
      { metadata: claimed, written: "changed", stored: "expired" },
      "stalled NotStoredAsMeant",
    ],
    ["in sync with another tenant: its value is read", { desired: remembered(), stored: "missing" }, "read content"],
    [
      "in sync with another tenant, where it exists: its value is read",
      { desired: remembered(), stored: stored() },
      "read content",
    ],
  ]);
});

describe("after a crash", () => {
  decides([
    ["between the claim and the write: it is written", { metadata: claimed, stored: "missing" }, "put n/key, changed"],
    ["between the write and its record: it is ours", { metadata: claimed, stored: stored() }, "synced"],
    [
      "and it was edited meanwhile, by us or in Kestra: it is ours nevertheless",
      { metadata: claimed, stored: stored("other") },
      "put n/key, changed",
    ],
    [
      "and the finalizer is gone: it is put back",
      { metadata: { ...claimed, finalizers: [] }, stored: stored() },
      "claim n/key",
    ],
    [
      "key edited while another entry was claimed: whether that was refused is asked",
      { metadata: claiming("former", "to write"), stored: "missing" },
      "read claimed",
    ],
    [
      "it was not: it is removed",
      { metadata: claiming("former", "to write"), stored: "missing", claimProved: true },
      "delete n/former, renamed",
    ],
    [
      "it was: it is left",
      { metadata: claiming("former", "to write"), stored: "missing", claimProved: false },
      "claim n/key of this text",
    ],
    [
      "what was handed over or adopted is removed",
      { metadata: claiming("former"), stored: "missing" },
      "delete n/former, renamed",
    ],
    [
      "key edited to and fro: the claim on the other is cleaned up before anything is said",
      { metadata: claiming("other", "to write"), status: recorded(), desired: remembered() },
      "read claimed",
    ],
    [
      "with the entry",
      { metadata: claiming("other", "to write"), status: recorded(), claimProved: true },
      "delete n/other, renamed",
    ],
    [
      "without the entry, which came to nothing",
      { metadata: claiming("other", "to write"), status: recorded(), claimProved: false },
      "unclaim",
    ],
    [
      "then the claim goes",
      { metadata: claiming("other"), status: recorded(), leftBehind: new Set(["main/n/other"]) },
      "unclaim",
    ],
    [
      "also of what is made once",
      { ...once, metadata: claiming("other"), status: recorded() },
      "delete n/other, renamed",
    ],
    [
      "Orphan leaves it",
      { metadata: claiming("other"), status: recorded(), spec: { deletionPolicy: "Orphan" } },
      "unclaim",
    ],
    [
      "refused elsewhere: the claim on what we made stays",
      { metadata: claiming("former", "to write"), stored: stored("other") },
      "stalled AdoptionRefused",
    ],
  ]);
});

describe("an entry that this resource did not make", () => {
  const foreign = (adoption: KvSpec["adoption"], value: string, more: Situation = {}): Situation => ({
    spec: { adoption },
    stored: stored(value),
    ...more,
  });
  decides([
    ["IfIdentical, identical", foreign("IfIdentical", "hi"), "claim n/key"],
    ["IfIdentical, another value", foreign("IfIdentical", "other"), "stalled AdoptionRefused"],
    ["IfIdentical, another type", foreign("IfIdentical", "hi", { stored: stored(5) }), "stalled AdoptionRefused"],
    [
      "IfIdentical, another description",
      foreign("IfIdentical", "hi", { stored: stored("hi", { description: "x" }) }),
      "stalled AdoptionRefused",
    ],
    [
      "IfIdentical, an end that is not declared",
      foreign("IfIdentical", "hi", { stored: stored("hi", { expirationDate: at(HOUR) }) }),
      "stalled AdoptionRefused",
    ],
    ["IfIdentical by default", { stored: stored("other") }, "stalled AdoptionRefused"],
    ["Always, identical", foreign("Always", "hi"), "claim n/key"],
    ["Always, different", foreign("Always", "other"), "claim n/key of this text"],
    [
      "Always, different and claimed: overwritten",
      foreign("Always", "other", { metadata: claimed }),
      "put n/key, changed",
    ],
    ["Never, identical", foreign("Never", "hi"), "stalled AdoptionRefused"],
    ["Never, different", foreign("Never", "other"), "stalled AdoptionRefused"],
    ["adopted with nothing to change", foreign("IfIdentical", "hi", { metadata: handed }), "synced"],
    [
      "its value is read before it is compared",
      foreign("IfIdentical", "hi", { desired: remembered() }),
      "read content",
    ],
  ]);

  test("a refusal names the entry, the difference and the remedy, and no value", () => {
    expect(says(foreign("IfIdentical", "other"))).toBe(
      "The entry n/key exists in Kestra with another value, description or time to live and was not made by this resource: make the two identical, delete it there, or set spec.adoption to Always.",
    );
    expect(says(foreign("Never", "hi"))).toBe(
      "The entry n/key exists in Kestra and was not made by this resource: delete it there, or set spec.adoption.",
    );
  });
});

describe("an entry in sync", () => {
  const settled: Situation = { status: recorded(), metadata: held, desired: remembered() };
  const edited: Situation = { status: recorded({ value: "former" }), metadata: held };
  const request = { ...held, annotations: { "kestraflow.dev/reconcile-requested-at": "now" } };
  decides([
    ["nothing happened: nothing is asked", settled, "unchanged"],
    ["Kestra must be looked at, after a start or a suspicion", { ...settled, mustLook: () => true }, "read stored"],
    ["somebody asks for a look", { ...settled, metadata: request }, "read stored"],
    [
      "a request that was handled asks for nothing",
      { ...settled, metadata: request, status: recorded({}, { handledReconcileAt: "now" }) },
      "unchanged",
    ],
    ["another generation is confirmed", { ...settled, metadata: { ...held, generation: 2 } }, "read stored"],
    ["its value is read before it is compared", { ...settled, stored: stored() }, "read content"],
    ["it holds what is declared", { ...settled, stored: stored(), desired: desired() }, "synced"],
    ["the finalizer is gone: it is put back", { ...settled, metadata: {} }, "claim n/key"],
    ["edited: looked at first", edited, "read stored"],
    ["edited: written", { ...edited, stored: stored("former") }, "put n/key, changed"],
    ["edited, and Kestra has it already: not written", { ...edited, stored: stored() }, "synced"],
    [
      "edited while the entry was deleted: written without another claim",
      { ...edited, stored: "missing" },
      "put n/key, changed",
    ],
    ["edited after it expired: written", { ...edited, stored: "expired" }, "put n/key, changed"],
    [
      "edited, and written over a drift that was only reported",
      { ...edited, stored: stored("by hand"), spec: { driftPolicy: "Report" } },
      "put n/key, changed",
    ],
    [
      "edited, written, and read back as something else",
      { ...edited, stored: stored("by hand"), written: "changed" },
      "stalled NotStoredAsMeant",
    ],
    [
      "edited, written, and gone when it was read back",
      { ...edited, stored: "missing", written: "changed" },
      "stalled NotStoredAsMeant",
    ],
    ["a description was added", { ...edited, spec: { description: "x" }, stored: stored() }, "put n/key, changed"],
    [
      "a description was added, which Kestra has",
      { ...edited, spec: { description: " x " }, stored: stored("hi", { description: "x" }) },
      "synced",
    ],
  ]);
});

describe("a value that is referred to", () => {
  const inSync: Situation = { spec: referring, status: recorded(referring), metadata: held };
  const rotated = { ...inSync, desired: desired(referring, "new", "4") };
  decides([
    ["nothing happened", { ...inSync, desired: remembered(referring) }, "unchanged"],
    ["rotated: looked at", rotated, "read stored"],
    ["rotated: written", { ...rotated, stored: stored("hi") }, "put n/key, changed"],
    ["another part of the Secret changed: not written", { ...rotated, stored: stored("new") }, "synced"],
    ["rotated after it expired: written", { ...rotated, stored: "expired" }, "put n/key, changed"],
    [
      "a reference became a literal of the same value: not written",
      { status: recorded(referring), metadata: { ...held, generation: 2 }, stored: stored() },
      "synced",
    ],
    [
      "a reference became a literal of another value",
      { status: recorded(referring), metadata: { ...held, generation: 2 }, stored: stored("former") },
      "put n/key, changed",
    ],
    [
      "a literal became a reference to the same value: not written",
      {
        spec: referring,
        desired: desired(referring),
        status: recorded(),
        metadata: { ...held, generation: 2 },
        stored: stored(),
      },
      "synced",
    ],
    [
      "a literal became a reference to another value",
      {
        spec: referring,
        desired: desired(referring, "new"),
        status: recorded(),
        metadata: { ...held, generation: 2 },
        stored: stored(),
      },
      "put n/key, changed",
    ],
    ["missing: waited for", { spec: referring, desired: missing }, "progressing ReferenceMissing"],
    [
      "missing, while Kestra is away: waited for",
      { spec: referring, desired: missing, ...down },
      "progressing ReferenceMissing",
    ],
    ["missing, in sync before", { ...inSync, desired: missing }, "progressing ReferenceMissing"],
    ["missing, optional", { ...inSync, desired: optionalMissing }, "synced OptionalMissing"],
    ["forbidden", { ...inSync, desired: forbidden }, "progressing ReferenceForbidden"],
    [
      "missing, and of another's entry: a conflict first",
      { desired: optionalMissing, claimantsOf: () => [{ ...claimantOf("team/theirs", "t", ""), title: "recorded" }] },
      "stalled Conflict",
    ],
    [
      "missing, and refused by policy: the refusal first",
      { desired: optionalMissing, settings: { ...settings, refusal: () => "no" } },
      "stalled NamespaceNotAllowed",
    ],
  ]);

  test("that is missing is named, with what Kestra keeps", () => {
    expect(says({ spec: referring, desired: missing })).toBe("Waiting for the Secret x.");
    expect(says({ ...inSync, desired: missing })).toBe("Waiting for the Secret x. Kestra keeps version 3 of n/key.");
  });

  test("is looked for again where rights are missing, as these come without an event", () => {
    expect(decide(observed({ desired: forbidden }), NOW)).toMatchObject({ verdict: { retryAfterMs: 60_000 } });
    expect(decide(observed({ desired: missing }), NOW)).not.toHaveProperty("verdict.retryAfterMs");
  });
});

describe("an entry that ends", () => {
  const ending = (ttlPolicy: KvSpec["ttlPolicy"], expiresAt: string, more: Situation = {}): Situation => {
    const spec = { ttl: "PT3H", ttlPolicy };
    return { spec, status: recorded(spec, {}, { expiresAt }), metadata: held, desired: remembered(spec), ...more };
  };
  const living = (left: number) => stored("hi", { updateDate: at(left - 3 * HOUR), expirationDate: at(left) });
  const full = (ttlPolicy: KvSpec["ttlPolicy"]) => ({ desired: desired({ ttl: "PT3H", ttlPolicy }) });
  const saidSo = (spec: Partial<KvSpec>) =>
    recorded(spec, { conditions: [ready("True", "Expired")] }, { expiresAt: at(-HOUR) });
  decides([
    ["Once, not yet", ending("Once", at(HOUR)), "unchanged"],
    ["Once, by our clock: Kestra is asked", ending("Once", at(0)), "read stored"],
    ["Once, and Kestra says so", ending("Once", at(0), { stored: "expired" }), "synced Expired"],
    ["Once, and somebody read it before us", ending("Once", at(0), { stored: "missing" }), "synced Expired"],
    ["Once, and Kestra's clock is a little ahead", ending("Once", at(5_000), { stored: "missing" }), "synced Expired"],
    [
      "Once, much earlier: it was deleted",
      ending("Once", at(HOUR), { stored: "missing", ...full("Once") }),
      "put n/key, Deleted",
    ],
    [
      "Once, much earlier, says Kestra: it has expired",
      ending("Once", at(HOUR), { stored: "expired" }),
      "synced Expired",
    ],
    ["Once, and Kestra's clock is behind", ending("Once", at(0), { stored: living(500), ...full("Once") }), "synced"],
    [
      "Once, and somebody wrote it anew: drift",
      ending("Once", at(0), { stored: stored("by hand"), ...full("Once") }),
      "put n/key, Edited",
    ],
    [
      "Once, and it was said: nothing is asked",
      { ...ending("Once", ""), status: saidSo({ ttl: "PT3H", ttlPolicy: "Once" }) },
      "unchanged",
    ],
    [
      "Once, and it was said, after a start",
      {
        ...ending("Once", ""),
        status: saidSo({ ttl: "PT3H", ttlPolicy: "Once" }),
        mustLook: () => true,
        stored: "missing",
      },
      "synced Expired",
    ],
    ["Renew, not yet", ending("Renew", at(HOUR + 1)), "unchanged"],
    ["Renew, when a third is left: looked at", ending("Renew", at(HOUR)), "read stored"],
    ["Renew: the value is read", ending("Renew", at(HOUR), { stored: living(HOUR) }), "read content"],
    ["Renew: written", ending("Renew", at(HOUR), { stored: living(HOUR), ...full("Renew") }), "put n/key, renewed"],
    [
      "Renew, and drift is only reported: left",
      {
        ...ending("Renew", at(HOUR), { stored: stored("by hand"), ...full("Renew") }),
        spec: { ttl: "PT3H", ttlPolicy: "Renew", driftPolicy: "Report" },
      },
      "synced, drift Edited",
    ],
    [
      "Renew, just written, by a clock that is far ahead: not again",
      ending("Renew", at(HOUR), { stored: living(60_000), written: "renewed", ...full("Renew") }),
      "synced",
    ],
    ["Renew, too late", ending("Renew", at(-HOUR), { stored: "expired", ...full("Renew") }), "put n/key, renewed"],
    ["Renew, too late, the value is read", ending("Renew", at(-HOUR), { stored: "missing" }), "read content"],
    [
      "without a ttl, yet gone by itself, says Kestra",
      { status: recorded(), metadata: held, stored: "expired" },
      "synced Expired",
    ],
  ]);

  test("is looked at again when something is due, by our clock after a write of our own", () => {
    const after = (situation: Situation) => {
      const decision = decide(observed(situation), NOW);
      return decision.do === "settle" && "retryAfterMs" in decision.verdict ? decision.verdict.retryAfterMs : undefined;
    };
    expect(after(ending("Once", at(HOUR)))).toBe(HOUR);
    expect(after(ending("Renew", at(3 * HOUR)))).toBe(2 * HOUR);
    expect(after(ending("Once", at(HOUR), { stored: living(HOUR), ...full("Once") }))).toBe(HOUR);
    expect(after(ending("Renew", at(HOUR), { stored: living(9 * HOUR), written: "changed", ...full("Renew") }))).toBe(
      2 * HOUR,
    );
    expect(after(ending("Renew", at(HOUR), { stored: living(3 * HOUR), written: "renewed", ...full("Renew") }))).toBe(
      2 * HOUR,
    );
    expect(after(ending("Once", at(0), { stored: living(-60_000), ...full("Once") }))).toBe(1_000);
    expect(after({ status: recorded(), metadata: held, desired: remembered() })).toBeUndefined();
  });

  test("says when it ended and how to keep it", () => {
    expect(says(ending("Once", at(0), { stored: "expired" }))).toMatch(
      / at 2026-06-01T12:00:00\.000Z\..*spec\.ttlPolicy Renew/,
    );
  });
});

describe("an entry that is made once", () => {
  const made: Situation = { ...once, status: recorded(), metadata: held };
  const edited: Situation = { ...made, metadata: { ...held, generation: 2 } };
  decides([
    ["not there: claimed", { ...once, stored: "missing" }, "claim n/key of this text"],
    ["not there: written", { ...once, stored: "missing", metadata: claimed }, "put n/key, changed"],
    ["written", { ...once, stored: stored(), written: "changed", metadata: claimed }, "synced CreatedOnce"],
    [
      "there, and a flow changed it before it was recorded",
      { ...once, stored: stored("by a flow"), metadata: claimed },
      "synced CreatedOnce",
    ],
    ["there, and somebody else's", { ...once, stored: stored("other") }, "stalled AdoptionRefused"],
    ["there, and identical", { ...once, stored: stored() }, "claim n/key"],
    ["there, and handed over", { ...once, stored: stored("other"), metadata: handed }, "synced CreatedOnce"],
    ["made: nothing is asked, whatever must be looked at", { ...made, mustLook: () => true }, "unchanged"],
    ["made, and the value was edited", edited, "synced CreatedOnce"],
    ["made, and the value cannot be read from the cache", { ...edited, desired: undefined }, "synced CreatedOnce"],
    [
      "made, and its reference is gone",
      { ...made, spec: { ...referring, ...once.spec }, desired: missing },
      "unchanged",
    ],
    [
      "made, and the value became invalid",
      { ...edited, desired: { reason: "InvalidValue", message: "No." } },
      "synced CreatedOnce",
    ],
    ["made, and ended", { ...made, status: recorded({}, {}, { expiresAt: at(-HOUR) }) }, "unchanged"],
    [
      "made, and to be renewed: it is not",
      {
        ...made,
        spec: { ...once.spec, ttl: "PT3H", ttlPolicy: "Renew" },
        status: recorded({}, {}, { expiresAt: at(1), renewsAt: at(-HOUR) }),
      },
      "unchanged",
    ],
    [
      "adopted near its end: it is not renewed",
      {
        spec: { ...once.spec, ttl: "PT3H", ttlPolicy: "Renew" },
        metadata: handed,
        stored: stored("x", { updateDate: at(-3 * HOUR), expirationDate: at(1) }),
      },
      "synced CreatedOnce",
    ],
    ["made, without the finalizer: it is put back", { ...made, metadata: {} }, "claim n/key"],
    ["made, and Kestra is lost", { ...made, ...down }, "progressing KestraUnreachable"],
    [
      "made, and the policy refuses",
      { ...made, settings: { ...settings, refusal: () => "no" } },
      "stalled NamespaceNotAllowed",
    ],
    [
      "the key was edited: the new one is made before the old one goes",
      { ...made, status: recorded({ key: "former" }), stored: "missing" },
      "claim n/key of this text",
    ],
    [
      "the key was edited: the old one goes",
      { ...made, status: recorded({ key: "former" }), metadata: claimed, stored: stored() },
      "delete n/former, renamed",
    ],
    [
      "no more: kept as declared from now on",
      { ...edited, spec: {}, stored: stored("by a flow") },
      "put n/key, Edited",
    ],
  ]);
});

describe("drift", () => {
  const drifted = (found: Situation["stored"], spec: Partial<KvSpec> = {}, more: Situation = {}): Situation => ({
    spec,
    status: recorded(spec),
    metadata: held,
    stored: found,
    ...more,
  });
  const report = { driftPolicy: "Report" as const };
  decides([
    ["edited, Correct", drifted(stored("by hand")), "put n/key, Edited"],
    [
      "edited, Correct, the value is read again",
      drifted(stored("by hand"), {}, { desired: remembered() }),
      "read content",
    ],
    ["edited, Report", drifted(stored("by hand"), report), "synced, drift Edited"],
    ["the description was edited", drifted(stored("hi", { description: "by hand" })), "put n/key, Edited"],
    ["it was given an end", drifted(stored("hi", { expirationDate: at(HOUR) })), "put n/key, Edited"],
    ["its end was taken", drifted(stored(), { ttl: "PT3H" }), "put n/key, Edited"],
    ["the same text as another type", drifted(stored(5), { value: "5" }), "put n/key, Edited"],
    ["deleted, Correct", drifted("missing"), "put n/key, Deleted"],
    ["deleted, Correct, the value is read again", drifted("missing", {}, { desired: remembered() }), "read content"],
    ["deleted, Report", drifted("missing", report), "synced, drift Deleted"],
    ["written by somebody with the same content: no drift", drifted(stored("hi", { version: 9 })), "synced"],
    [
      "corrected, and changed again at once",
      drifted(stored("by hand"), {}, { written: "Edited" }),
      "stalled NotStoredAsMeant",
    ],
    ["restored, and deleted again at once", drifted("missing", {}, { written: "Deleted" }), "stalled NotStoredAsMeant"],
  ]);

  describe("that comes back", () => {
    const contested = (corrections: number, correctedAt: string): Situation =>
      drifted(
        stored("by hand"),
        {},
        { status: recorded({}, { drift: { kind: "Edited", detectedAt: correctedAt, correctedAt, corrections } }) },
      );
    decides([
      ["twice is corrected at once", contested(2, "2026-06-01T11:59:59Z"), "put n/key, Edited"],
      ["three times waits", contested(3, "2026-06-01T11:59:00Z"), "stalled Contested, drift Contested"],
      ["three times, two minutes ago, is corrected", contested(3, "2026-06-01T11:58:00Z"), "put n/key, Edited"],
      ["often waits an hour at most", contested(40, "2026-06-01T11:00:00Z"), "put n/key, Edited"],
    ]);
  });
});

describe("what cannot be written", () => {
  const invalid = { reason: "InvalidValue", message: "No." };
  const last = "Kestra keeps version 3 of n/key.";
  const rejected = "putKv: Kestra refused the request (422)";
  const adopting: Situation = { spec: { adoption: "Always" }, status: refused, metadata: claimed, stored: stored("x") };
  decides([
    ["an invalid value", { desired: invalid }, "stalled InvalidValue"],
    ["an invalid value, while Kestra is away", { desired: invalid, ...down }, "stalled InvalidValue"],
    ["a write that Kestra refused", { rejected, metadata: claimed, stored: "missing" }, "stalled Rejected"],
    [
      "refused before: tried again without another claim",
      { status: refused, metadata: claimed, stored: "missing" },
      "put n/key, changed",
    ],
    [
      "refused before, and somebody made it since: theirs",
      { status: refused, metadata: claimed, stored: stored("theirs") },
      "unclaim",
    ],
    [
      "refused before, and theirs: the claim is gone",
      { status: refused, metadata: held, stored: stored("theirs") },
      "stalled AdoptionRefused",
    ],
    [
      "refused before, and theirs is identical: adopted",
      { status: refused, metadata: claimed, stored: stored() },
      "claim n/key",
    ],
    [
      "refused before, and written now: ours",
      { status: refused, metadata: claimed, stored: stored(), written: "changed" },
      "synced",
    ],
    ["refused before, with Always: overwritten", adopting, "put n/key, changed"],
    [
      "refused before, and handed over: ours",
      { status: refused, metadata: handed, stored: stored("x") },
      "put n/key, changed",
    ],
    [
      "refused, of an entry in sync",
      { rejected, status: recorded(), metadata: claimed, stored: stored("x") },
      "stalled Rejected",
    ],
  ]);

  test("says why, and what Kestra keeps", () => {
    const kept = { status: recorded(), metadata: held };
    expect(says({ ...kept, desired: invalid })).toBe(`No. ${last}`);
    expect(says({ ...kept, rejected })).toBe(`Kestra refuses the entry: ${rejected}. ${last}`);
    expect(says({ desired: invalid })).toBe("No.");
    expect(says({ metadata: claimed, written: "changed", stored: stored("s3cret") })).toMatch(
      /n\/key .*with spec\.type\.$/,
    );
  });
});

describe("who may", () => {
  const denied: Situation = { settings: { ...settings, refusal: (from, to) => `${from} may not write to ${to}` } };
  const ours = claimantOf("team/ours", UID, "2026-01-02T00:00:00Z");
  const contest = (oursAs: Title, theirs: Partial<Claimant>, more: Situation = {}): Situation => ({
    claimantsOf: () => [
      { ...ours, title: oursAs },
      { ...claimantOf("team/theirs", "uid-of-theirs", "2026-01-02T00:00:00Z"), ...theirs },
    ],
    ...more,
  });
  decides([
    ["paused: left alone", { metadata: { annotations: paused } }, "paused"],
    [
      "paused with another value: not paused",
      { metadata: { annotations: { "kestraflow.dev/paused": "no" } } },
      "read stored",
    ],
    ["our instance by name", { spec: { instanceRef: { name: "default" } } }, "read stored"],
    ["another instance", { spec: { instanceRef: { name: "elsewhere" } } }, "stalled UnknownInstance"],
    ["policy refuses", denied, "stalled NamespaceNotAllowed"],
    ["policy refuses, before a reference is read", { ...denied, desired: undefined }, "stalled NamespaceNotAllowed"],
    [
      "policy refuses what is recorded",
      { ...denied, status: recorded(), metadata: held },
      "stalled NamespaceNotAllowed",
    ],
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
    ["they are older", contest("declared", { createdAt: "2026-01-01T00:00:00Z" }), "stalled Conflict"],
    ["we are older", contest("declared", { createdAt: "2026-01-03T00:00:00Z" }), "read stored"],
    [
      "they have it and are leaving: until it is disposed of it is theirs",
      contest("declared", { title: "recorded", leaving: true }),
      "stalled Conflict",
    ],
    [
      "they only wished for it and are leaving",
      contest("declared", { createdAt: "2026-01-01T00:00:00Z", leaving: true }),
      "read stored",
    ],
  ]);

  test("is said with the rule, or the winner and the remedy", () => {
    expect(says(denied)).toBe("team may not write to n");
    expect(says(contest("declared", { title: "recorded" }))).toBe(
      "The entry n/key belongs to the KestraKV team/theirs: delete one of the two, or give this entry another key.",
    );
  });
});

describe("an edited key or namespace", () => {
  const renamed: Situation = { status: recorded({ key: "former" }), metadata: claiming("former") };
  const made: Situation = { ...renamed, metadata: claimed, stored: stored() };
  const heir = claimantOf("team/heir", "uid-of-heir", "2026-03-01T00:00:00Z");
  const wantedBy = (claimant: Claimant): Situation => ({
    claimantsOf: ({ id }) =>
      id === "former" ? [{ ...claimantOf("team/ours", UID, ""), title: "recorded" }, claimant] : [],
  });
  decides([
    ["first a look", renamed, "read stored"],
    ["then the intent", { ...renamed, stored: "missing" }, "claim n/key of this text"],
    [
      "then the new entry, while the old one stays",
      { ...renamed, metadata: claimed, stored: "missing" },
      "put n/key, changed",
    ],
    ["then the old one goes", made, "delete n/former, renamed"],
    ["and is gone", { ...made, leftBehind: new Set(["main/n/former"]) }, "synced"],
    ["Orphan leaves it", { ...made, spec: { deletionPolicy: "Orphan" } }, "synced"],
    [
      "another resource wants the old one: it is handed over",
      { ...made, ...wantedBy(heir) },
      "hand n/former over to team/heir",
    ],
    ["it was handed over before a crash", { ...made, ...wantedBy({ ...heir, title: "claimed" }) }, "synced"],
    ["the new one exists and is not ours: both stay", { ...renamed, stored: stored("x") }, "stalled AdoptionRefused"],
    [
      "the new one is refused: the old one stays",
      { ...renamed, metadata: claimed, stored: "missing", rejected: "no" },
      "stalled Rejected",
    ],
    ["its reference is missing: the old one stays", { ...renamed, desired: missing }, "progressing ReferenceMissing"],
  ]);
});

describe("deletion", () => {
  const gone: Situation = { status: recorded(), metadata: leaving };
  const heir = claimantOf("team/heir", "uid-of-heir", "2026-03-01T00:00:00Z");
  const { deletionTimestamp = "" } = leaving;
  const unrecorded = (how?: "to write"): Situation => ({ metadata: { ...claiming("key", how), deletionTimestamp } });
  decides([
    ["without a finalizer of ours", { status: recorded(), metadata: { ...leaving, finalizers: [] } }, "released"],
    ["what is recorded is deleted", gone, "delete n/key, deleted"],
    ["also when it was made once", { ...gone, ...once }, "delete n/key, deleted"],
    ["also when its reference is gone", { ...gone, desired: missing }, "delete n/key, deleted"],
    ["also when it is paused", { ...gone, metadata: { ...leaving, annotations: paused } }, "delete n/key, deleted"],
    ["then the resource is let go", { ...gone, leftBehind: new Set(["main/n/key"]) }, "release"],
    ["Orphan", { ...gone, spec: { deletionPolicy: "Orphan" } }, "release"],
    ["never owned anything, and Kestra is away", { metadata: leaving, ...down }, "release"],
    ["Kestra is away", { ...gone, ...down }, "progressing DeletionBlocked"],
    [
      "Kestra is away, abandoned",
      { ...gone, ...down, metadata: { ...leaving, annotations: { "kestraflow.dev/abandon": "true" } } },
      "release",
    ],
    [
      "another wants the entry: it is handed over",
      { ...gone, claimantsOf: () => [heir] },
      "hand n/key over to team/heir",
    ],
    ["claimed and perhaps written: whether it was refused is asked", unrecorded("to write"), "read claimed"],
    ["claimed and not refused", { ...unrecorded("to write"), claimProved: true }, "delete n/key, deleted"],
    [
      "claimed and refused: what is there is somebody else's",
      { ...unrecorded("to write"), claimProved: false },
      "release",
    ],
    ["adopted or handed over, and not recorded yet", unrecorded(), "delete n/key, deleted"],
  ]);
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
    ["lost: all say so", { ...settled, ...down }, "progressing KestraUnreachable"],
    [
      "unauthorized: all say so",
      { ...settled, server: { kind: "unauthorized", message: "x" } },
      "progressing KestraUnauthorized",
    ],
    ["down: what is declared is read nevertheless", { desired: undefined, ...down }, "read content"],
    ["up again: looked at", { ...settled, server: up }, "read stored"],
  ]);
});
