import { describe, expect, test } from "@jest/globals";
import type { DriftKind } from "../../../../src/resources/common.ts";
import { conclude } from "../../../../src/resources/kv/conclude.ts";
import type { Verdict } from "../../../../src/resources/verdict.ts";
import { at, desired, digestOfSpec, held, NOW, observed, recorded, referring, stored } from "./support/observed.ts";
import type { Situation } from "./support/observed.ts";

const synced: Verdict = { state: "synced", message: "fine" };
const stalled: Verdict = { state: "stalled", reason: "Refused", message: "do something" };
const progressing: Verdict = { state: "progressing", reason: "Waiting", message: "for x" };
const drifted: Verdict = { ...synced, drift: { reason: "Edited", message: "It was edited." } };
const HOUR = 3_600_000;
const renewing = { ttl: "PT3H", ttlPolicy: "Renew" } as const;
const CANARY = "canary";

function concluded(situation: Situation, verdict: Verdict, drift?: DriftKind, now = NOW) {
  return conclude(observed(situation), verdict, drift, now);
}

describe("what was applied", () => {
  test("is recorded with where it is, type, version, link and digest once it is in sync", () => {
    const { status } = concluded({ metadata: { generation: 4 }, stored: stored("hi", { version: 9 }) }, synced);
    expect(status).toMatchObject({
      observedGeneration: 4,
      instance: "default",
      entry: {
        tenant: "main",
        namespace: "n",
        key: "key",
        type: "STRING",
        version: 9,
        url: "http://kestra/ui/main/namespaces/edit/n/kv",
      },
      applied: { digest: digestOfSpec() },
    });
    expect(status.entry).not.toHaveProperty("expiresAt");
    expect(status.entry).not.toHaveProperty("renewsAt");
  });

  test("names the version of the Secret that it was read from", () => {
    const { status } = concluded({ spec: referring, stored: stored() }, synced);
    expect(status.applied).toEqual({ digest: digestOfSpec(referring), sourceVersion: "3" });
  });

  test("forgets the Secret when the value has become a literal", () => {
    const { status } = concluded({ status: recorded(referring), stored: stored() }, synced);
    expect(status.applied).toEqual({ digest: digestOfSpec() });
  });

  test("has when it ends, and forgets it with the ttl", () => {
    const spec = { ttl: "PT3H" };
    const { status } = concluded({ spec, stored: stored("hi", { expirationDate: at(HOUR) }) }, synced);
    expect(status.entry).toMatchObject({ expiresAt: at(HOUR) });
    expect(status.entry).not.toHaveProperty("renewsAt");
    expect(concluded({ status, stored: stored() }, synced).status.entry).not.toHaveProperty("expiresAt");
  });

  test("has when it is renewed: two thirds of its life after our write, and the same until the next", () => {
    const found = stored("hi", { expirationDate: at(3 * HOUR) });
    const { status } = concluded({ spec: renewing, stored: found, written: "changed" }, synced);
    expect(status.entry?.renewsAt).toBe(at(2 * HOUR));
    const later = concluded({ spec: renewing, status, stored: found }, synced, undefined, NOW + HOUR);
    expect(later.status.entry).toEqual(status.entry);
    const next = { ...found, version: 4, expirationDate: at(5 * HOUR) };
    const renewed = concluded(
      { spec: renewing, status, stored: next, written: "renewed" },
      synced,
      undefined,
      NOW + 2 * HOUR,
    );
    expect(renewed.status.entry?.renewsAt).toBe(at(4 * HOUR));
  });

  test.each<[string, Situation, Verdict, DriftKind | undefined]>([
    ["a drift that is only reported", { stored: stored("x", { version: 9 }) }, drifted, "Edited"],
    ["a refusal", { stored: stored("x", { version: 9 }) }, stalled, undefined],
    ["waiting", {}, progressing, undefined],
    ["nothing new", {}, { state: "unchanged" }, undefined],
    ["an entry that has expired", { stored: "expired" }, { ...synced, reason: "Expired" }, undefined],
    ["one that is left to the flows, unread", {}, { ...synced, reason: "CreatedOnce" }, undefined],
    [
      "an optional reference that is missing",
      { stored: stored("x", { version: 9 }), desired: { missing: "x", reason: "ReferenceMissing", optional: true } },
      { ...synced, reason: "OptionalMissing" },
      undefined,
    ],
  ])("stays as it was with %s", (_what, situation, verdict, drift) => {
    const { status } = concluded({ ...situation, status: recorded(), metadata: held }, verdict, drift);
    expect(status.entry).toEqual(recorded().entry);
    expect(status.applied).toEqual(recorded().applied);
  });
});

test("no conclusion has anything of a value", () => {
  const spec = { ...referring };
  const situation: Situation = { spec, desired: desired(spec, CANARY), stored: stored(CANARY) };
  for (const verdict of [synced, stalled, progressing, drifted])
    expect(JSON.stringify(concluded(situation, verdict, verdict === drifted ? "Edited" : undefined))).not.toContain(
      CANARY,
    );
  const literal: Situation = { spec: { value: CANARY }, stored: stored(CANARY) };
  expect(JSON.stringify(concluded(literal, synced))).not.toContain(CANARY);
});

test("concluding the same again, later, changes nothing", () => {
  const situations: Situation[] = [
    { stored: stored() },
    { spec: renewing, stored: stored("hi", { expirationDate: at(3 * HOUR) }) },
    { spec: renewing, stored: stored("hi", { expirationDate: at(3 * HOUR) }), written: "renewed" },
    { spec: referring, stored: stored() },
  ];
  for (const situation of situations) {
    const first = concluded(situation, synced).status;
    const again = concluded({ ...situation, status: first }, synced, undefined, NOW + HOUR);
    expect(again).toEqual({ status: first, events: [] });
  }
});
