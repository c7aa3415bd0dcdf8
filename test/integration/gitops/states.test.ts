import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import type { AnyObject } from "../../../src/kubernetes/objects.ts";
import { TestNamespace, uniqueName } from "../../support/cluster.ts";
import { eventually } from "../../support/eventually.ts";
import { FaultProxy } from "../../support/faultProxy.ts";
import { flowSource } from "../../support/flowSource.ts";
import { TestKestra } from "../../support/kestra.ts";
import { OperatorProcess } from "../../support/operator.ts";
import { counterparts } from "../../support/sandbox.ts";
import { failingWhen, hours, HOURLY, scheduledFlow, sleeping, waitScheduled } from "../backfill/scene.ts";
import { argoHealthOf, BUILD_MS, buildJudges, kstatusOf } from "./judges.ts";
import type { Judgement } from "./judges.ts";

jest.setTimeout(60_000);

/** The state table of docs/gitops.md, row by row, for each kind that can be in the state. */
const ROWS = {
  "flow in sync": ["Current", "Healthy"],
  "entry in sync": ["Current", "Healthy"],
  "flow that waits for its ConfigMap": ["InProgress", "Progressing"],
  "entry that waits for its Secret": ["InProgress", "Progressing"],
  "backfill that waits for its flow": ["InProgress", "Progressing"],
  "flow that Kestra refuses": ["Failed", "Degraded"],
  "entry that belongs to another": ["Failed", "Degraded"],
  "backfill that cannot be": ["Failed", "Degraded"],
  "flow with drift that is reported": ["Current", "Healthy"],
  "entry with drift that is reported": ["Current", "Healthy"],
  "flow paused in sync": ["Current", "Suspended"],
  "flow paused while it was refused": ["Failed", "Suspended"],
  "entry paused in sync": ["Current", "Suspended"],
  "backfill paused when complete": ["Current", "Suspended"],
  "backfill that runs": ["Current", "Progressing"],
  "backfill suspended": ["Current", "Suspended"],
  "backfill previewed": ["Current", "Healthy"],
  "backfill complete": ["Current", "Healthy"],
  "backfill complete with another time to live": ["Current", "Healthy"],
  "backfill with failed slots": ["Failed", "Degraded"],
  "flow in sync while Kestra is out of reach": ["Current", "Healthy"],
  "new flow while Kestra is out of reach": ["InProgress", "Progressing"],
  "flow that is being deleted": ["Terminating", "Progressing"],
  "entry that is being deleted": ["Terminating", "Progressing"],
  "flow while Kestra refuses the login": ["InProgress", "Progressing"],
  "flow edited and not seen yet": ["InProgress", "Progressing"],
  "entry edited and not seen yet": ["InProgress", "Progressing"],
} satisfies Record<string, [kstatus: string, argo: string]>;
type Row = keyof typeof ROWS;

/** An object of any kind. */
interface Judged extends AnyObject {
  status?: unknown;
}

const kestra = new TestKestra();
const kestraNamespace = uniqueName("states");
const objects: Partial<Record<Row, Judged>> = {};
let cluster: TestNamespace;
let proxy: FaultProxy;
let operator: OperatorProcess;
let verdicts: Map<string, Judgement>;

const source = (id: string, message?: string) => flowSource(kestraNamespace, id, message);
const asObject = (object: unknown): Judged => object as Judged;
const PAUSE = { "kestraflow.dev/paused": "true" };

/** A scheduled flow in Kestra whose trigger is ready, and a Backfill of one slot of it. */
async function backfillOf(id: string, tasks: string, spec: object = {}): Promise<void> {
  await kestra.create(scheduledFlow(kestraNamespace, id, HOURLY, { tasks }));
  await waitScheduled(kestra, [kestraNamespace, id, "tick"]);
  const [start = "", end = ""] = hours(0, 1);
  await cluster.backfills.create(id, { target: { namespace: kestraNamespace, id }, start, end, ...spec });
}

async function backfillIn(id: string, state: string): Promise<Judged> {
  return asObject(await cluster.backfills.waitUntil(id, ({ status }) => status?.state === state, { within: 45_000 }));
}

async function brought(): Promise<void> {
  const { flows, kvs, backfills } = cluster;
  const entry = (key: string) => ({ namespace: kestraNamespace, key });
  for (const id of ["synced", "deleted", "edited"]) await cluster.createFlow(id, { source: source(id) });
  for (const key of ["synced", "deleted", "edited"]) await kvs.create(key, { ...entry(key), value: "one" });
  for (const id of ["synced", "deleted", "edited"]) await flows.waitReady(id);
  for (const key of ["synced", "deleted", "edited"]) await kvs.waitReady(key);
  objects["flow in sync"] = asObject(await flows.get("synced"));
  objects["entry in sync"] = asObject(await kvs.get("synced"));

  await cluster.createFlow("waiting", { sourceFrom: { configMapKeyRef: { name: "absent", key: "flow.yaml" } } });
  objects["flow that waits for its ConfigMap"] = asObject(await flows.waitFor("waiting", "Reconciling", "True"));
  await kvs.create("waiting", { ...entry("waiting"), valueFrom: { secretKeyRef: { name: "absent", key: "value" } } });
  objects["entry that waits for its Secret"] = asObject(await kvs.waitFor("waiting", "Reconciling", "True"));
  await backfills.create("waiting", {
    target: { flowRef: { name: "absent" } },
    start: "2024-01-01",
    end: "2024-01-01",
  });
  objects["backfill that waits for its flow"] = asObject(await backfills.waitFor("waiting", "Reconciling", "True"));

  await cluster.createFlow("refused", { source: `${source("refused")}nonsense: true\n` });
  objects["flow that Kestra refuses"] = asObject(await flows.waitFor("refused", "Stalled", "True"));
  await kvs.create("rival", { ...entry("synced"), value: "two" });
  objects["entry that belongs to another"] = asObject(await kvs.waitFor("rival", "Stalled", "True", "Conflict"));

  await cluster.createFlow("drifted", { source: source("drifted"), driftPolicy: "Report" });
  await flows.waitReady("drifted");
  await kestra.edit(kestraNamespace, "drifted", source("drifted", "edited by a person"));
  objects["flow with drift that is reported"] = asObject(await flows.waitFor("drifted", "Drifted", "True"));
  await kvs.create("drifted", { ...entry("drifted"), value: "one", driftPolicy: "Report" });
  await kvs.waitReady("drifted");
  await kestra.putEntry(kestraNamespace, "drifted", '"edited by a person"');
  objects["entry with drift that is reported"] = asObject(await kvs.waitFor("drifted", "Drifted", "True"));

  await flows.annotate("synced", PAUSE);
  objects["flow paused in sync"] = asObject(await flows.waitFor("synced", "Paused", "True"));
  await flows.annotate("synced", { "kestraflow.dev/paused": null });
  await flows.annotate("refused", PAUSE);
  objects["flow paused while it was refused"] = asObject(await flows.waitFor("refused", "Paused", "True"));
  await kvs.annotate("synced", PAUSE);
  objects["entry paused in sync"] = asObject(await kvs.waitFor("synced", "Paused", "True"));
}

async function ran(): Promise<void> {
  const { backfills } = cluster;
  await backfillOf("runs", sleeping(60));
  await backfillOf("suspended", sleeping(1), { suspend: true });
  await backfillOf("previewed", sleeping(1), { mode: "Preview" });
  await backfillOf("complete", sleeping(1));
  await backfillOf("failed", failingWhen("{{ true }}"));
  await backfillOf("impossible", sleeping(1), { end: "2023-12-31" });
  objects["backfill that cannot be"] = asObject(await backfills.waitFor("impossible", "Stalled", "True"));
  objects["backfill that runs"] = await backfillIn("runs", "Running");
  objects["backfill suspended"] = await backfillIn("suspended", "Suspended");
  objects["backfill previewed"] = await backfillIn("previewed", "Previewed");
  objects["backfill complete"] = await backfillIn("complete", "Complete");
  objects["backfill with failed slots"] = await backfillIn("failed", "Failed");
  await backfills.patchSpec("complete", { ttlSecondsAfterFinished: 3_600 });
  const edited = await backfills.waitUntil(
    "complete",
    ({ metadata, status }) => status?.observedGeneration === metadata.generation,
  );
  objects["backfill complete with another time to live"] = asObject(edited);
  await backfills.annotate("complete", PAUSE);
  objects["backfill paused when complete"] = asObject(await backfills.waitFor("complete", "Paused", "True"));
}

async function wasOutOfReach(): Promise<void> {
  const { flows, kvs } = cluster;
  proxy.break("cut");
  await eventually(async () => {
    expect(await operator.metric("kestraflow_kestra_up")).toBe(0);
  });
  const reconciles = () => operator.metric("kestraflow_reconciles_total", { kind: "KestraFlow" });
  const before = await reconciles();
  await flows.annotate("synced", { "kestraflow.dev/reconcile-requested-at": "now" });
  await eventually(async () => {
    expect(await reconciles()).toBeGreaterThan(before);
  });
  objects["flow in sync while Kestra is out of reach"] = asObject(await flows.get("synced"));
  await cluster.createFlow("unreached", { source: source("unreached") });
  objects["new flow while Kestra is out of reach"] = asObject(await flows.waitFor("unreached", "Ready", "False"));
  await flows.delete("deleted");
  await kvs.delete("deleted");
  objects["flow that is being deleted"] = asObject(await flows.get("deleted"));
  objects["entry that is being deleted"] = asObject(await kvs.get("deleted"));
  proxy.break({ status: 401 });
  await cluster.createFlow("no-login", { source: source("no-login") });
  const refused = await flows.waitFor("no-login", "Ready", "False", "KestraUnauthorized", { within: 45_000 });
  objects["flow while Kestra refuses the login"] = asObject(refused);
}

beforeAll(buildJudges, BUILD_MS);

beforeAll(async () => {
  cluster = await TestNamespace.create("states");
  proxy = await FaultProxy.before(counterparts().kestra);
  operator = await OperatorProcess.start(cluster.name, {
    settings: { KESTRA_URL: proxy.url, DRIFT_INTERVAL: "300ms", SHUTDOWN_GRACE: "1s" },
  });
  await brought();
  await ran();
  await wasOutOfReach();
  await operator.stop();
  await cluster.patchSpec("edited", { source: source("edited", "edited") });
  objects["flow edited and not seen yet"] = asObject(await cluster.getFlow("edited"));
  await cluster.kvs.patchSpec("edited", { value: "two" });
  objects["entry edited and not seen yet"] = asObject(await cluster.kvs.get("edited"));
  const names = Object.keys(objects);
  const judged = await kstatusOf(Object.values(objects));
  verdicts = new Map(judged.map((judgement, index) => [names[index] ?? "", judgement]));
}, 600_000);

afterAll(async () => {
  await operator.kill("SIGKILL");
  await proxy.close();
  await cluster.destroy();
  for (const { id } of await kestra.flows(kestraNamespace)) await kestra.delete(kestraNamespace, id);
}, 60_000);

test("every row has its object", () => {
  expect(Object.keys(objects).toSorted()).toEqual(Object.keys(ROWS).toSorted());
});

test.each(Object.entries(ROWS))("kstatus of a %s is %j", (row, [expected]) => {
  expect([verdicts.get(row)?.status, objects[row as Row]?.status]).toEqual([expected, objects[row as Row]?.status]);
});

test.each(Object.entries(ROWS))("Argo CD's health of a %s is %j", async (row, [, expected]) => {
  const object = objects[row as Row];
  if (object === undefined) throw new Error("there is none");
  const { status, message } = await argoHealthOf(object);
  expect([status, object.status]).toEqual([expected, object.status]);
  expect(message).not.toBe("");
});

test("Argo CD shows what the operator says", async () => {
  const shown = async (row: Row, type: string) => {
    const object = objects[row] as unknown as { status: { conditions: { type: string; message: string }[] } };
    const wanted = object.status.conditions.find((condition) => condition.type === type)?.message;
    // It prints the first line only here.
    expect((await argoHealthOf(asObject(object))).message).toBe(wanted?.split("\n")[0]);
  };
  await shown("flow with drift that is reported", "Drifted");
  await shown("flow that Kestra refuses", "Stalled");
  await shown("backfill that runs", "Running");
});

test("an object that the operator has not seen at all is in progress for Argo CD, and current for kstatus", async () => {
  const fresh = asObject({ ...objects["flow in sync"], status: undefined });
  expect(await argoHealthOf(fresh)).toEqual({ status: "Progressing", message: "Waiting for the operator" });
  expect((await kstatusOf([fresh]))[0]?.status).toBe("Current");
});
