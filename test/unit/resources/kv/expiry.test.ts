import { describe, expect, test } from "@jest/globals";
import type { KvSpec } from "../../../../src/resources/kv/schema.ts";
import { canHaveExpired, endOf, endsAsDeclared, nextMoment, renewalOf } from "../../../../src/resources/kv/expiry.ts";
import { at, NOW, object, recorded } from "./support/observed.ts";

const HOUR = 3_600_000;
const renewed: Partial<KvSpec> = { ttl: "PT3H", ttlPolicy: "Renew" };

test("an entry ends when Kestra says, or never", () => {
  expect(endOf({ expirationDate: at(HOUR) })).toBe(NOW + HOUR);
  expect(endOf({ expirationDate: "2026-06-01T14:00:00+02:00" })).toBe(NOW);
  expect(endOf({})).toBeUndefined();
});

describe("an entry that is gone", () => {
  test.each([
    ["after its end has expired", -1, true],
    ["at its end has expired", 0, true],
    ["five seconds before may have by Kestra's clock", 5_000, true],
    ["earlier was deleted", 5_001, false],
  ])("%s", (_what, end, expected) => {
    expect(canHaveExpired(object({}, recorded({}, {}, { expiresAt: at(end) })), NOW)).toBe(expected);
  });

  test("without an end, or without a record, was deleted", () => {
    expect([canHaveExpired(object({}, recorded()), NOW), canHaveExpired(object(), NOW)]).toEqual([false, false]);
  });
});

describe("an entry is written again", () => {
  const entry = { version: 3, expirationDate: at(3 * HOUR) };
  const record = (renewsAt: string) => recorded(renewed, {}, { expiresAt: at(3 * HOUR), renewsAt });

  test("when a third of its life is left, of one that somebody else wrote", () => {
    expect(renewalOf(object(renewed), entry)).toBe(NOW + 2 * HOUR);
  });

  test("two thirds of its life after we wrote it, whatever Kestra's clock says", () => {
    const ahead = { ...entry, expirationDate: at(30 * HOUR) };
    expect(renewalOf(object(renewed), ahead, NOW)).toBe(NOW + 2 * HOUR);
  });

  test("when the record says, as long as it is the same write", () => {
    const remembering = object(renewed, record(at(HOUR)));
    expect(renewalOf(remembering, entry)).toBe(NOW + HOUR);
    expect(renewalOf(remembering, entry, NOW)).toBe(NOW + HOUR);
    expect(renewalOf(remembering, { ...entry, version: 4 })).toBe(NOW + 2 * HOUR);
  });

  test.each<[string, Partial<KvSpec>, { version: number; expirationDate?: string }]>([
    ["with Once", { ttl: "PT3H", ttlPolicy: "Once" }, entry],
    ["with Once by default", { ttl: "PT3H" }, entry],
    ["without a ttl", { ttlPolicy: "Renew" }, entry],
    ["that lives for ever", renewed, { version: 3 }],
  ])("never %s", (_what, spec, found) => {
    expect(renewalOf(object(spec, record(at(HOUR))), found)).toBeUndefined();
  });
});

test.each<[string, Partial<KvSpec>, object, number | undefined]>([
  ["its renewal", renewed, { expiresAt: at(3 * HOUR), renewsAt: at(HOUR) }, NOW + HOUR],
  ["its renewal, as reckoned, where none is recorded", renewed, { expiresAt: at(3 * HOUR) }, NOW + 2 * HOUR],
  ["its end", { ttl: "PT3H" }, { expiresAt: at(3 * HOUR) }, NOW + 3 * HOUR],
  ["nothing", {}, {}, undefined],
])("what comes next for an entry is %s", (_what, spec, entry, expected) => {
  expect(nextMoment(object(spec, recorded(spec, {}, entry)))).toBe(expected);
});

test("nothing comes next for one that is not ours", () => {
  expect(nextMoment(object(renewed))).toBeUndefined();
});

describe("an end is as declared", () => {
  const updateDate = at(-HOUR);
  test.each<[string, string | undefined, string | undefined, boolean]>([
    ["exactly", "PT3H", at(2 * HOUR), true],
    ["two seconds late", "PT3H", at(2 * HOUR + 2_000), true],
    ["two seconds early", "PT3H", at(2 * HOUR - 2_000), true],
    ["later than that", "PT3H", at(2 * HOUR + 2_001), false],
    ["earlier than that", "PT3H", at(2 * HOUR - 2_001), false],
    ["none and none wanted", undefined, undefined, true],
    ["none, though one is wanted", "PT3H", undefined, false],
    ["one, though none is wanted", undefined, at(HOUR), false],
  ])("%s", (_what, ttl, expirationDate, expected) => {
    const spec = ttl === undefined ? {} : { ttl };
    const entry = { updateDate, ...(expirationDate === undefined ? {} : { expirationDate }) };
    expect(endsAsDeclared(object(spec), entry)).toBe(expected);
  });
});
