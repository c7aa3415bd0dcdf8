import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { load, loadAll } from "js-yaml";
import type { FlowDefinition } from "../../src/kestra/types.ts";
import type { AnyObject } from "../../src/kubernetes/objects.ts";
import { planSlots } from "../../src/resources/backfill/plan.ts";
import { rangeOfSpec } from "../../src/resources/backfill/range.ts";
import { BackfillSpec } from "../../src/resources/backfill/schema.ts";
import { flawOfExecutions, targetOf } from "../../src/resources/backfill/target.ts";
import { parseSchedule } from "../../src/resources/backfill/ticks.ts";

const folder = join(import.meta.dirname, "../../flows");
const files = readdirSync(folder).filter((file) => file !== "kustomization.yaml");
const objects = files.flatMap((file) => loadAll(readFileSync(join(folder, file), "utf8")) as AnyObject[]);

test("kubectl apply -k flows applies every file of the folder", () => {
  const { resources } = load(readFileSync(join(folder, "kustomization.yaml"), "utf8")) as { resources: string[] };
  expect(resources.toSorted()).toEqual(files.toSorted());
});

test.each([
  { name: "postgres-taxi-green", slots: 24, suspend: true },
  { name: "postgres-taxi-yellow", slots: 24, suspend: true },
  { name: "gcp-taxi-green", slots: 24, suspend: true },
  { name: "gcp-taxi-yellow", slots: 24, suspend: true },
  { name: "hourly-log-night", slots: 8, suspend: false },
])("the Backfill $name means $slots slots of a flow beside it", ({ name, slots, suspend }) => {
  const spec = BackfillSpec.parse(specOf("Backfill", name));
  const { source } = specOf("KestraFlow", spec.target.flowRef?.name ?? "") as { source: string };
  const flow = load(source) as FlowDefinition;
  const target = targetOf(flow, spec);
  if ("reason" in target) throw new Error(target.message);
  const range = rangeOfSpec(spec, target.timeZone, Date.now());
  if ("reason" in range) throw new Error(range.message);
  const ticks = parseSchedule({ ...target, zone: target.timeZone });
  expect(planSlots(ticks, range, () => true)).toMatchObject({ total: slots, present: 0 });
  expect(flawOfExecutions(flow, target.trigger, spec)).toBeUndefined();
  expect(spec.suspend).toBe(suspend);
});

test("every Backfill of the tutorial is counted above", () => {
  expect(objects.filter(({ kind }) => kind === "Backfill")).toHaveLength(5);
});

function specOf(kind: string, name: string): unknown {
  const object = objects.find((candidate) => candidate.kind === kind && candidate.metadata.name === name);
  return (object as { spec?: unknown } | undefined)?.spec;
}
