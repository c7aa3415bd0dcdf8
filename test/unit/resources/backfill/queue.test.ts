import { describe, expect, test } from "@jest/globals";
import type { Metadata } from "../../../../src/kubernetes/objects.ts";
import { aheadOf } from "../../../../src/resources/backfill/queue.ts";
import type { BackfillSpec, BackfillStatus } from "../../../../src/resources/backfill/schema.ts";
import { accepted, at, iso, LIVE, object, submission } from "./support/observed.ts";

const OLDER = "2026-01-01T00:00:00Z";
const YOUNGER = "2026-01-03T00:00:00Z";
const queued = accepted({}, { state: "Queued" });
const target = accepted().target!;
const mine = object({}, accepted());

function other(
  status: BackfillStatus | undefined,
  creationTimestamp = OLDER,
  spec: Partial<BackfillSpec> = {},
  metadata: Partial<Metadata> = {},
) {
  return object(spec, status, { name: "other", uid: "uid-of-other", creationTimestamp, ...metadata });
}

const LEAVING = { deletionTimestamp: at(0) };

describe("another Backfill of the trigger", () => {
  test.each<[string, ReturnType<typeof other>, boolean]>([
    ["that is older and waits", other(queued), true],
    ["that is older and runs", other(accepted({}, { state: "Running" })), true],
    ["that is younger", other(queued, YOUNGER), false],
    ["of the same second, by its uid", other(queued, "2026-01-02T00:00:00Z", {}, { uid: "uid-a" }), true],
    ["of the same second, by its uid, the other way", other(queued, "2026-01-02T00:00:00Z", {}, { uid: "z" }), false],
    ["that is not accepted", other({ state: "Queued" }), false],
    ["that was accepted and not looked at since", other(accepted()), false],
    ["that waits for something else", other(accepted({}, { state: "Waiting" })), false],
    ["that is suspended", other(queued, OLDER, { suspend: true }), false],
    ["that is suspended and still has slots in Kestra", other(submitted("Suspended"), OLDER, { suspend: true }), true],
    ["that is only counted", other(queued, OLDER, { mode: "Preview" }), false],
    ["that is finished", other(accepted({}, { state: "Running", finishedAt: at(-1) })), false],
    ["that is leaving", other(queued, OLDER, {}, LEAVING), false],
    ["that is leaving and still has slots in Kestra", other(submitted("Running"), OLDER, {}, LEAVING), true],
    ["of another trigger", other({ ...queued, target: { ...target, trigger: "tock" } }), false],
    ["of another flow", other({ ...queued, target: { ...target, flow: "bye" } }), false],
    ["of another Kestra", other({ ...queued, instance: "second" }), false],
    [
      "that is younger and finished, and sees to the live schedule",
      other(accepted({}, { finishedAt: at(-1), guard: { live: iso(LIVE) } }), YOUNGER),
      true,
    ],
  ])("%s: %j", (_what, other, comesFirst) => {
    expect(aheadOf(mine, [mine, other])).toEqual(comesFirst ? [other] : []);
  });
});

function submitted(state: "Suspended" | "Running"): BackfillStatus {
  return accepted({}, { state, submission: submission(), attempt: 1 });
}

test("they are told oldest first, and none before this one is accepted", () => {
  const [first, second] = [other(queued), other(queued, "2026-01-01T12:00:00Z", {}, { uid: "second" })];
  expect(aheadOf(mine, [second, mine, first])).toEqual([first, second]);
  expect(aheadOf(object(), [first, second])).toEqual([]);
});
