import { expect, test } from "@jest/globals";
import type { BackfillSpec } from "../../../src/resources/backfill/schema.ts";
import { eventually } from "../../support/eventually.ts";
import { BackfillScene, hours, HALF_PAST, HOURLY, waitScheduled } from "./scene.ts";

const scene = new BackfillScene("bf-refuse");
const range = { start: "2024-01-01T00:00:00Z", end: "2024-01-01T02:00:00Z" };

interface Refusal {
  what: string;
  spec?: Partial<BackfillSpec>;
  trigger?: string;
  more?: string;
  cron?: string;
  reason: string;
  says: string;
}

const INPUTS = `inputs:
  - id: color
    type: SELECT
    values: [green, yellow]
    defaults: green
  - id: year
    type: INT`;

test.each<Refusal>([
  { what: "end before start", spec: { end: "2023-12-31" }, reason: "RangeInvalid", says: "lies before start" },
  { what: "an end in the future", spec: { end: "2999-01-01" }, reason: "RangeInvalid", says: "lies in the future" },
  { what: "a start that is no date", spec: { start: "yesterday at noon" }, reason: "RangeInvalid", says: "2019-01-01" },
  { what: "a zone that is none", spec: { timeZone: "Mars/Olympus" }, reason: "RangeInvalid", says: "Europe/Paris" },
  {
    what: "a range without a slot",
    spec: { start: "2024-01-01T00:10:00Z", end: "2024-01-01T00:50:00Z" },
    reason: "NoSlots",
    says: "no slot",
  },
  {
    what: "a million slots",
    cron: "* * * * *",
    spec: { start: "2022-01-01", end: "2024-01-01" },
    reason: "TooManySlots",
    says: "100000",
  },
  {
    what: "a trigger that is not there",
    spec: { target: { namespace: scene.namespace, id: "", trigger: "nope" } },
    reason: "TriggerMissing",
    says: "it has: tick",
  },
  {
    what: "a trigger with conditions",
    trigger: "conditions:\n  - type: io.kestra.plugin.core.condition.Weekend",
    reason: "SlotsNotProvable",
    says: "conditions",
  },
  {
    what: "a trigger with stopAfter",
    trigger: "stopAfter:\n  - FAILED",
    reason: "SlotsNotProvable",
    says: "stopAfter",
  },
  {
    what: "defaults for the trigger",
    more: "pluginDefaults:\n  - type: io.kestra.plugin.core.trigger.Schedule\n    values:\n      timezone: Asia/Tokyo",
    reason: "SlotsNotProvable",
    says: "pluginDefaults",
  },
  {
    what: "a zone that is not the server's",
    cron: "0 9 * * *",
    spec: { start: "2024-01-01", end: "2024-01-02", timeZone: "Asia/Tokyo" },
    reason: "SlotsNotProvable",
    says: "is no tick of",
  },
  {
    what: "an unknown input",
    spec: { inputs: { colour: "red" } },
    more: INPUTS,
    reason: "InputsInvalid",
    says: "has no input colour; it has: color, year",
  },
  {
    what: "a required input that is not given",
    spec: { inputs: { color: "green" } },
    more: INPUTS,
    reason: "InputsInvalid",
    says: "year is required",
  },
  {
    what: "a choice that there is not",
    spec: { inputs: { color: "blue", year: 2019 } },
    more: INPUTS,
    reason: "InputsInvalid",
    says: "choose among green, yellow",
  },
  {
    what: "a label of Kestra's own",
    spec: { labels: { "system.from": "me" } },
    reason: "LabelsInvalid",
    says: "reserved",
  },
  {
    what: "a label of ours",
    spec: { labels: { "kestraflow.backfill": "me" } },
    reason: "LabelsInvalid",
    says: "reserved",
  },
  {
    what: "a label with a template",
    spec: { labels: { at: "{{ now() }}" } },
    reason: "LabelsInvalid",
    says: "template",
  },
  { what: "no length of time", spec: { window: "P" }, reason: "WindowInvalid", says: "P1M" },
])(
  "$what is refused before anything has started",
  async ({ what, spec, trigger = "", more = "", cron = "0 * * * *", reason, says }) => {
    const id = what.replaceAll(/[^a-z]+/g, "-");
    await scene.flow(id, cron, { trigger, more });
    const target = {
      namespace: scene.namespace,
      id,
      ...(spec?.target?.trigger ? { trigger: spec.target.trigger } : {}),
    };
    await scene.create(id, { ...range, ...spec, target });
    expect(await scene.waitReason(id, reason)).toContain(says);
    const { status, metadata } = await scene.backfills.get(id);
    expect(status).toMatchObject({ state: "Waiting" });
    expect(status?.conditions?.find(({ type }) => type === "Stalled")?.status).toBe("True");
    expect(metadata.finalizers).toBeUndefined();
    expect(await scene.slots(id)).toEqual([]);
  },
);

test("two Schedule triggers and none named are refused, and one that is named is run", async () => {
  await scene.kestra.create(
    `${scene.source("two", HOURLY)}  - id: tock\n    type: io.kestra.plugin.core.trigger.Schedule\n    cron: "${HALF_PAST}"\n`,
  );
  await waitScheduled(scene.kestra, scene.trigger("two"));
  await scene.create("two", range);
  expect(await scene.waitReason("two", "TriggerAmbiguous")).toContain("set target.trigger to one of tick, tock");
  await scene.create("named", { ...range, target: { namespace: scene.namespace, id: "two", trigger: "tick" } });
  await scene.waitState("named", "Complete");
  await scene.expectSlots("two", hours(0, 2));
});

test.each([
  { id: "polling", type: "io.kestra.plugin.core.http.Trigger", more: "\n    uri: http://127.0.0.1:1/" },
  { id: "webhook", type: "io.kestra.plugin.core.trigger.Webhook", more: "\n    key: abc" },
])("a $id trigger is refused", async ({ id, type, more }) => {
  const source = scene.source(id, "").replace(/triggers:[^]*/, `triggers:\n  - id: tick\n    type: ${type}${more}\n`);
  await scene.kestra.create(source);
  await scene.create(id, { target: { namespace: scene.namespace, id, trigger: "tick" }, ...range });
  expect(await scene.waitReason(id, "TriggerNotSupported")).toContain("only Schedule triggers");
});

test("a flow that is not there is waited for", async () => {
  await scene.create("absent", range);
  expect(await scene.waitReason("absent", "FlowMissing")).toContain("is not in Kestra");
  await scene.flow("absent", HOURLY);
  await scene.look("absent");
  await scene.waitState("absent", "Complete");
  await scene.expectSlots("absent", hours(0, 2));
});

test("a KestraFlow is waited for until it is Ready", async () => {
  const source = scene.source("declared", HOURLY);
  await scene.create("declared", { target: { flowRef: { name: "declared" } }, ...range });
  expect(await scene.waitReason("declared", "FlowNotReady")).toContain("the KestraFlow declared");
  await scene.cluster.createFlow("declared", { source: source.replace("tasks:", "task:") });
  await scene.cluster.waitFor("declared", "Ready", "False", "InvalidFlow");
  await scene.waitMessage("declared", "to be Ready");
  await scene.cluster.patchSpec("declared", { source });
  await scene.cluster.waitReady("declared");
  await waitScheduled(scene.kestra, scene.trigger("declared"));
  await scene.waitState("declared", "Complete");
  await scene.expectSlots("declared", hours(0, 2));
});

test.each([
  { what: "flow", more: "disabled: true", trigger: "", reason: "FlowDisabled" },
  { what: "trigger", more: "", trigger: "disabled: true", reason: "TriggerDisabled" },
])("a disabled $what is waited for", async ({ what, more, trigger, reason }) => {
  const id = `${what}-disabled`;
  await scene.flow(id, HOURLY, { more, trigger });
  await scene.create(id, range);
  expect(await scene.waitReason(id, reason)).toContain("enable it");
  await scene.edit(id, scene.source(id, HOURLY));
  await scene.look(id);
  await scene.waitState(id, "Complete");
  await scene.expectSlots(id, hours(0, 2));
});

test("what is fixed cannot be changed: the API server says so, and of inputs we do", async () => {
  await scene.flow("fixed", HOURLY, { more: "inputs:\n  - id: color\n    type: STRING\n    defaults: red" });
  await scene.create("fixed", { ...range, suspend: true, inputs: { color: "blue" } });
  await scene.waitState("fixed", "Suspended");
  for (const change of [
    { start: "2023-01-01" },
    { end: null },
    { mode: "Preview" as const },
    { reprocess: "All" as const },
    { window: "P1D" },
    { labels: { a: "b" } },
    { timeZone: "UTC" },
  ])
    await expect(scene.backfills.patchSpec("fixed", change)).rejects.toThrow("cannot be changed");
  await scene.backfills.patchSpec("fixed", { inputs: { color: "green" } });
  expect(await scene.waitReason("fixed", "SpecChanged")).toContain("inputs");
  await scene.backfills.patchSpec("fixed", { inputs: { color: "blue" }, suspend: false });
  await scene.waitState("fixed", "Complete");
  const executions = await scene.kestra.executions(scene.namespace, "fixed");
  expect(executions.map(({ inputs }) => inputs)).toEqual([{ color: "blue" }, { color: "blue" }, { color: "blue" }]);
});

test("a namespace that the policy refuses is refused", async () => {
  await scene.flow("policed", HOURLY);
  await scene.restartOperator({ NAMESPACE_POLICY: JSON.stringify([{ from: ["*"], to: ["elsewhere"] }]) });
  await scene.create("policed", range);
  expect(await scene.waitReason("policed", "NamespaceNotAllowed")).toContain(scene.namespace);
  await scene.restartOperator();
  await scene.waitState("policed", "Complete");
});

test("paused by its annotation it is left alone, and can still be deleted", async () => {
  await scene.flow("left", HOURLY);
  await scene.backfills.create(
    "left",
    { target: { namespace: scene.namespace, id: "left" }, ...range },
    { "kestraflow.dev/paused": "true" },
  );
  await scene.backfills.waitFor("left", "Paused", "True");
  await scene.expectSlots("left", []);
  await scene.backfills.annotate("left", { "kestraflow.dev/paused": null });
  await scene.waitState("left", "Complete");
  await scene.backfills.delete("left");
  await scene.backfills.waitGone("left");
  await eventually(async () => {
    expect((await scene.cluster.events("left")).map(({ reason }) => reason)).toEqual(["Started", "Complete"]);
  });
});
