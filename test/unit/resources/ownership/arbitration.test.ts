import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { heirOf, winnerOf } from "../../../../src/resources/ownership/arbitration.ts";
import type { Claimant } from "../../../../src/resources/ownership/arbitration.ts";

function claimant(uid: string, more: Partial<Claimant> = {}): Claimant {
  return { key: `team/${uid}`, uid, createdAt: "2026-01-01T00:00:00Z", title: "declared", leaving: false, ...more };
}

describe("the winner", () => {
  test.each<[string, Claimant[], string | undefined]>([
    ["is nobody where nobody wants the flow", [], undefined],
    ["has it recorded", [claimant("a", { title: "claimed" }), claimant("b", { title: "recorded" })], "b"],
    ["else has claimed it", [claimant("a"), claimant("b", { title: "claimed" })], "b"],
    ["else is the oldest", [claimant("a"), claimant("b", { createdAt: "2025-12-31T23:59:59Z" })], "b"],
    ["else has the lower uid", [claimant("b"), claimant("a")], "a"],
    ["may be leaving while it has it", [claimant("a"), claimant("b", { title: "recorded", leaving: true })], "b"],
    ["is not one who leaves and only wished for it", [claimant("a", { leaving: true }), claimant("b")], "b"],
    ["is nobody when all who wish leave", [claimant("a", { leaving: true })], undefined],
  ])("%s", (_what, claimants, uid) => {
    expect(winnerOf(claimants)?.uid).toBe(uid);
  });
});

describe("the heir", () => {
  test.each<[string, Claimant[], string | undefined]>([
    ["is not the owner", [claimant("owner", { title: "recorded" })], undefined],
    ["is the next in right", [claimant("owner"), claimant("b"), claimant("a", { title: "claimed" })], "a"],
    [
      "is not one who leaves, whatever its title",
      [claimant("owner"), claimant("a", { title: "recorded", leaving: true })],
      undefined,
    ],
  ])("%s", (_what, claimants, uid) => {
    expect(heirOf(claimants, "owner")?.uid).toBe(uid);
  });
});

test("the order in which claimants are known decides nothing, and there is one winner", () => {
  const any = fc.uniqueArray(
    fc.record({
      key: fc.constant("k"),
      uid: fc.constantFrom("a", "b", "c", "d"),
      createdAt: fc.constantFrom("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"),
      title: fc.constantFrom("recorded" as const, "claimed" as const, "declared" as const),
      leaving: fc.boolean(),
    }),
    { selector: ({ uid }) => uid, minLength: 1 },
  );
  fc.assert(
    fc.property(any, (claimants) => {
      expect(winnerOf(claimants.toReversed())).toEqual(winnerOf(claimants));
    }),
  );
});
