import { describe, expect, test } from "@jest/globals";
import type { InputDefinition, TriggerDefinition } from "../../../../src/kestra/types.ts";
import type { BackfillSpec } from "../../../../src/resources/backfill/schema.ts";
import { flawOfExecutions, isDisabled, sameSlots, targetOf } from "../../../../src/resources/backfill/target.ts";
import { accepted, flow } from "./support/observed.ts";

const SCHEDULE = "io.kestra.plugin.core.trigger.Schedule";
const named = (trigger?: string): Pick<BackfillSpec, "target"> => ({
  target: { namespace: "n", id: "hello", ...(trigger === undefined ? {} : { trigger }) },
});
const schedule = (id: string, more: Partial<TriggerDefinition> = {}) => ({
  id,
  type: SCHEDULE,
  cron: "0 9 * * *",
  timezone: "Europe/Paris",
  ...more,
});
const webhook = { id: "hook", type: "io.kestra.plugin.core.trigger.Webhook" };
const paris = { cron: "0 9 * * *", withSeconds: false, timeZone: "Europe/Paris", zoneAssumed: false };

describe("the trigger that is meant", () => {
  test.each<[string, TriggerDefinition[], ReturnType<typeof named> & { timeZone?: string }, object]>([
    ["is the only Schedule", [webhook, schedule("tick")], named(), { trigger: "tick", ...paris }],
    ["is the one that is named", [schedule("a"), schedule("b")], named("b"), { trigger: "b", ...paris }],
    [
      "may have its former type",
      [schedule("tick", { type: "io.kestra.core.models.triggers.types.Schedule" })],
      named(),
      { trigger: "tick", ...paris },
    ],
    ["may have seconds", [schedule("tick", { withSeconds: true })], named(), { withSeconds: true }],
    [
      "without a zone is read in the Backfill's",
      [schedule("tick", { timezone: undefined })],
      { ...named(), timeZone: "Asia/Tokyo" },
      { timeZone: "Asia/Tokyo", zoneAssumed: true },
    ],
    [
      "without any zone is read in UTC",
      [schedule("t", { timezone: null })],
      named(),
      { timeZone: "UTC", zoneAssumed: true },
    ],
    [
      "keeps its own zone, whatever the Backfill's",
      [schedule("tick")],
      { ...named(), timeZone: "UTC" },
      { timeZone: "Europe/Paris", zoneAssumed: false },
    ],
    ["may have no conditions, said as a list", [schedule("t", { conditions: [] })], named(), { trigger: "t" }],
    ["may be switched off", [schedule("t", { disabled: true })], named(), { trigger: "t" }],
  ])("%s", (_what, triggers, spec, target) => {
    expect(targetOf(flow({ triggers }), spec)).toMatchObject(target);
  });

  test.each<[string, TriggerDefinition[] | null, string | undefined, string, RegExp]>([
    ["there is none", [], undefined, "TriggerMissing", /no Schedule trigger; its triggers: none/],
    ["there is no list", null, undefined, "TriggerMissing", /no Schedule trigger/],
    ["there are others", [webhook], undefined, "TriggerMissing", /its triggers: hook/],
    ["it is another", [schedule("a")], "b", "TriggerMissing", /no trigger b; it has: a/],
    ["there are several", [schedule("a"), webhook, schedule("b")], undefined, "TriggerAmbiguous", /one of a, b\./],
    ["it is no Schedule", [webhook], "hook", "TriggerNotSupported", /is a io\.kestra\.plugin\.core\.trigger\.Webhook/],
    ["it has conditions", [schedule("t", { conditions: [{}] })], undefined, "SlotsNotProvable", /has conditions/],
    [
      "in their former name",
      [schedule("t", { scheduleConditions: [{}] })],
      undefined,
      "SlotsNotProvable",
      /scheduleCond/,
    ],
    ["in their next name", [schedule("t", { when: "{{ x }}" })], undefined, "SlotsNotProvable", /has when/],
    ["it stops by itself", [schedule("t", { stopAfter: ["FAILED"] })], undefined, "SlotsNotProvable", /has stopAfter/],
    ["it has no cron", [schedule("t", { cron: undefined })], undefined, "SlotsNotProvable", /has no cron/],
    [
      "its zone is not known",
      [schedule("t", { timezone: "Mars/X" })],
      undefined,
      "SlotsNotProvable",
      /time zone Mars\/X/,
    ],
  ])("is refused where %s", (_what, triggers, trigger, reason, message) => {
    const refusal = targetOf(flow({ triggers }), named(trigger));
    expect(refusal).toMatchObject({ reason, message: expect.stringMatching(message) as unknown });
  });

  test.each([
    [SCHEDULE, true],
    ["io.kestra.plugin.core.trigger", true],
    ["io.kestra.plugin.core.log.Log", false],
  ])("pluginDefaults for %s change it: %j", (type, changes) => {
    const target = targetOf(flow({ pluginDefaults: [{ type, values: { timezone: "UTC" } }] }), named());
    expect("reason" in target ? target.reason : undefined).toBe(changes ? "SlotsNotProvable" : undefined);
  });

  test("is switched off by its own definition only", () => {
    expect(isDisabled(flow({}, { disabled: true }), "tick")).toBe(true);
    expect(isDisabled(flow(), "tick")).toBe(false);
    expect(isDisabled(flow({}, { disabled: true }), "other")).toBe(false);
  });
});

describe("slots are others when", () => {
  const before = accepted().target!;
  const now = { trigger: "tick", cron: "0 * * * *", withSeconds: false, timeZone: "UTC", zoneAssumed: false };

  test.each<[string, object, boolean]>([
    ["nothing changed", {}, true],
    ["the zone is said that was assumed", { zoneAssumed: true }, true],
    ["the cron did", { cron: "30 * * * *" }, false],
    ["seconds came in", { withSeconds: true }, false],
    ["the zone did", { timeZone: "Asia/Tokyo" }, false],
    ["another trigger is meant", { trigger: "tock" }, false],
  ])("%s: same is %s", (_what, change, same) => {
    expect(sameSlots(before, { ...now, ...change })).toBe(same);
  });
});

describe("labels", () => {
  const flaw = (labels: Record<string, string>) => flawOfExecutions(flow(), "tick", { labels });

  test("of one's own are fine", () => {
    expect(flaw({ team: "a", "my.system.x": "b", empty: "" })).toBeUndefined();
  });

  test.each<[string, Record<string, string>, RegExp]>([
    ["under system.", { "system.correlationId": "x" }, /labels under system\. are reserved/],
    ["under kestraflow.", { "kestraflow.backfill": "x" }, /labels under kestraflow\. are reserved/],
    ["with a template", { team: "a {{ flow.id }}" }, /team has a template/],
  ])("%s are refused", (_what, labels, message) => {
    expect(flaw(labels)).toMatchObject({ reason: "LabelsInvalid", message: expect.stringMatching(message) as unknown });
  });
});

describe("inputs", () => {
  const input = (id: string, more: Partial<InputDefinition> = {}): InputDefinition => ({
    id,
    type: "STRING",
    required: true,
    ...more,
  });
  const select = (more: Partial<InputDefinition> = {}) =>
    input("color", { type: "SELECT", values: ["red", 7], ...more });
  const multi = input("colors", { type: "MULTISELECT", values: ["red", "blue"] });
  const flaw = (inputs: InputDefinition[] | null, given: Record<string, unknown>, fixed?: unknown) =>
    flawOfExecutions(flow({ inputs }, fixed === undefined ? {} : { inputs: fixed }), "tick", { inputs: given });

  test.each<[string, InputDefinition[] | null, Record<string, unknown>, unknown?]>([
    ["none are declared and none given", null, {}],
    ["one that is required is given", [input("a")], { a: "x" }],
    ["it is given as an empty text", [input("a")], { a: "" }],
    ["it is given as false", [input("a", { type: "BOOLEAN" })], { a: false }],
    ["it has a default", [input("a", { defaults: "x" })], {}],
    ["it has a default to begin with", [input("a", { prefill: "x" })], {}],
    ["it is not required", [input("a", { required: false })], {}],
    ["whether it is required depends on another", [input("a", { dependsOn: { inputs: ["b"] } })], {}],
    ["the trigger gives it", [input("a")], {}, { a: "x" }],
    ["the choice is one of those that are offered", [select()], { color: "red" }],
    ["the choice is a number", [select()], { color: 7 }],
    ["the choice is computed for every slot", [select()], { color: "{{ trigger.date }}" }],
    ["other choices are allowed", [select({ allowCustomValue: true })], { color: "green" }],
    ["choices are computed", [select({ expression: "{{ kv('x') }}" })], { color: "green" }],
    ["choices are not listed", [select({ values: undefined })], { color: "green" }],
    ["several are chosen", [multi], { colors: ["red", "blue"] }],
    ["none of several is chosen where it is not required", [{ ...multi, required: false }], { colors: [] }],
  ])("are fine where %s", (_what, ...inputs) => {
    expect(flaw(...inputs)).toBeUndefined();
  });

  test.each<[string, RegExp, InputDefinition[] | null, Record<string, unknown>, unknown?]>([
    ["one is not declared", /no input c; it has: a, b/, [input("a"), input("b")], { a: "x", c: 1 }],
    ["none is declared", /no input c; it has: none/, null, { c: 1 }],
    ["one that is required is missing", /a is required and has no default/, [input("a")], {}],
    ["it is null", /a is required/, [input("a")], { a: null }],
    ["the choice is not offered", /color cannot be green: choose among red, 7/, [select()], { color: "green" }],
    ["one of several choices is not offered", /colors cannot be green/, [multi], { colors: ["red", "green"] }],
    ["the trigger gives a choice that is not offered", /color cannot be green/, [select()], {}, { color: "green" }],
    ["the choice that overrides the trigger's is not offered", /be x/, [select()], { color: "x" }, { color: "red" }],
  ])("are refused where %s", (_what, message, ...inputs) => {
    expect(flaw(...inputs)).toMatchObject({
      reason: "InputsInvalid",
      message: expect.stringMatching(message) as unknown,
    });
  });
});
