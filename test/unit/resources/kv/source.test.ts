import { describe, expect, test } from "@jest/globals";
import type { KvSpec } from "../../../../src/resources/kv/schema.ts";
import { declarationDigest, flawOfSpec, identityOf, ttlOf } from "../../../../src/resources/kv/source.ts";
import { identity, object, referring } from "./support/observed.ts";

test("an entry is where the spec says, in the operator's tenant", () => {
  expect(identityOf(object(), "main")).toEqual(identity());
  expect(identityOf(object({ namespace: "m.x", key: "a" }), "t")).toEqual({ tenant: "t", namespace: "m.x", id: "a" });
});

describe("the digest of a declaration", () => {
  const digest = (spec: Partial<KvSpec> = {}, literal: unknown = "hi") => declarationDigest(object(spec), literal);

  test.each<[string, string]>([
    ["another literal", digest({}, "other")],
    ["a literal of another type", digest({}, ["hi"])],
    ["null", digest({}, null)],
    ["a type", digest({ type: "STRING" })],
    ["a description", digest({ description: "x" })],
    ["a ttl", digest({ ttl: "PT1H" })],
    ["a reference", digest(referring, undefined)],
  ])("changes with %s", (_what, other) => {
    expect(other).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(other).not.toBe(digest());
  });

  test("changes with what a reference names, and with what kind it is", () => {
    const ref = { name: "a", key: "b" };
    const all = [
      { secretKeyRef: ref },
      { configMapKeyRef: ref },
      { secretKeyRef: { ...ref, key: "c" } },
      { secretKeyRef: { ...ref, optional: true } },
    ].map((valueFrom) => digest({ value: undefined, valueFrom }, undefined));
    expect(new Set(all).size).toBe(4);
  });

  test.each<[string, Partial<KvSpec>]>([
    ["where the entry is", { namespace: "m", key: "other" }],
    ["the policies", { adoption: "Always", driftPolicy: "Report", writePolicy: "CreateOnce", ttlPolicy: "Renew" }],
    ["blanks around the description", { description: " " }],
  ])("does not change with %s", (_what, spec) => {
    expect(digest(spec)).toBe(spec.description === undefined ? digest() : digest({ description: "" }));
  });

  test("does not depend on the order of keys", () => {
    expect(digest({}, { a: 1, b: 2 })).toBe(digest({}, { b: 2, a: 1 }));
  });
});

describe("a spec", () => {
  test.each<[string, Partial<KvSpec>]>([
    ["without a ttl", {}],
    ["that lives a second", { ttl: "PT1S" }],
    ["that lives a hundred years", { ttl: "P36500D" }],
    ["in lower case, as Java reads it", { ttl: "pt1h" }],
    ["renewed after ten seconds", { ttl: "PT10S", ttlPolicy: "Renew" }],
    ["with a description", { description: "what it is" }],
  ])("%s is fine", (_what, spec) => {
    expect(flawOfSpec(object(spec))).toBeUndefined();
  });

  test.each<[string, Partial<KvSpec>, RegExp]>([
    ["a month", { ttl: "P1M" }, /is not a time to live.*like P1DT12H or PT15M/],
    ["a word", { ttl: "soon" }, /is not a time to live/],
    ["nothing", { ttl: "" }, /is not a time to live/],
    ["less than a second", { ttl: "PT0.999S" }, /from a second to a hundred years/],
    ["no time", { ttl: "PT0S" }, /is not a time to live/],
    ["the past", { ttl: "-PT1H" }, /is not a time to live/],
    ["more than a hundred years", { ttl: "P36501D" }, /is not a time to live/],
    ["more than Java can count", { ttl: "PT99999999999999999999H" }, /is not a time to live/],
    [
      "less than ten seconds, renewed",
      { ttl: "PT9S", ttlPolicy: "Renew" },
      /too short to be renewed: give at least PT10S/,
    ],
  ])("whose ttl is %s is not", (_what, spec, message) => {
    expect(flawOfSpec(object(spec))).toMatchObject({ reason: "InvalidTtl", message: expect.stringMatching(message) });
  });
});

test("the time to live counts in milliseconds", () => {
  expect([ttlOf(object({ ttl: "P1DT1H" })), ttlOf(object({ ttl: "PT1.5S" })), ttlOf(object())]).toEqual([
    90_000_000,
    1_500,
    undefined,
  ]);
});
