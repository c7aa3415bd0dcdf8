import { describe, expect, test } from "@jest/globals";
import { guardLabelsOf, holderOf, labelsOf, runsAway } from "../../../../src/resources/backfill/native.ts";
import { guarding, holding, LIVE, NOW, others, ours, persons, row, slot, UID } from "./support/observed.ts";

describe("the backfill that a trigger has is", () => {
  test.each([
    ["nobody's where there is none", row(), { by: "nobody" }],
    ["nobody's where there is null", row({ backfill: null }), { by: "nobody" }],
    ["ours, of an attempt", ours({}, {}, 7), { by: "us", attempt: 7 }],
    ["our guard", guarding(), { by: "guard", live: LIVE }],
    ["that of another Backfill", others(), { by: "another", uid: "uid-of-another" }],
    ["the guard of another one", holding(guardLabelsOf("other")), { by: "another", uid: "other" }],
    ["somebody's without labels", persons(), { by: "somebody" }],
    ["somebody's whose labels are not sent", persons({ labels: null }), { by: "somebody" }],
    ["somebody's with labels of their own", holding({ team: "a" }), { by: "somebody" }],
  ])("%s", (_what, row, holder) => {
    expect(holderOf(row, UID)).toEqual(holder);
  });
});

test("nobody can give a label of ours another value", () => {
  expect(labelsOf(UID, 2, { "kestraflow.backfill": "x", "kestraflow.attempt": "9", team: "a" })).toEqual({
    "kestraflow.backfill": UID,
    "kestraflow.attempt": "2",
    team: "a",
  });
});

describe("the live schedule", () => {
  test.each([
    ["stands where it stood", row(), false],
    ["has gone on since", row({ nextExecutionDate: LIVE + 1 }), false],
    ["goes back", row({ nextExecutionDate: NOW - 1 }), true],
    ["goes on earlier, as its cron is another one now", row({ nextExecutionDate: LIVE - 1 }), false],
    ["has no date while the trigger is off", row({ nextExecutionDate: null, disabled: true }), false],
    ["will go on there after a backfill", ours(), false],
    ["will go back after a backfill that replaced another", persons({ previousNextExecutionDate: slot(3) }), true],
    ["will have no date after a backfill", persons({ previousNextExecutionDate: null }), false],
  ])("%s", (_what, row, expected) => {
    expect(runsAway(row, LIVE, NOW)).toBe(expected);
  });
});
