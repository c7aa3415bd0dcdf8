import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { kubectl, TestNamespace, uniqueName } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { flowSource } from "../support/flowSource.ts";
import { TestKestra } from "../support/kestra.ts";
import { get, helm, installed, installOperator, OPERATOR } from "./installation.ts";

jest.setTimeout(300_000);

const kestra = new TestKestra();
const IDS = ["a", "b", "c"];
/** Edited in every test, to know that the operator of that moment has been at work. */
const EDITED = "edited";
const place = uniqueName("e2e-upgrade");
let namespace: TestNamespace;

beforeAll(async () => {
  await installed();
  namespace = await TestNamespace.create("e2e-upgrade");
  for (const id of [...IDS, EDITED]) await namespace.createFlow(id, { source: flowSource(place, id) });
  for (const id of [...IDS, EDITED]) await namespace.waitReady(id, { within: 60_000 });
}, 600_000);

afterAll(async () => {
  await installed();
  await kubectl(["delete", "kestraflows", "--namespace", namespace.name, "--all", "--timeout=60s"]);
  await namespace.destroy();
}, 300_000);

/** Edits one flow, and waits until Kestra has it: the operator has read everything by then. */
async function edit(message: string): Promise<void> {
  const source = flowSource(place, EDITED, message);
  await namespace.patchSpec(EDITED, { source });
  await eventually(async () => expect((await kestra.flow(place, EDITED))?.source).toBe(source), { within: 60_000 });
}

async function revisions(): Promise<Record<string, number | undefined>> {
  const flows = await Promise.all(IDS.map(async (id) => [id, (await kestra.flow(place, id))?.revision] as const));
  return Object.fromEntries(flows);
}

const AS_WRITTEN = { a: 1, b: 1, c: 1 };

/** The newest revision of the release. */
async function releaseRevision(): Promise<number> {
  const history = await helm("history", OPERATOR.release, "--namespace", OPERATOR.namespace, "--output", "json");
  return Math.max(...(JSON.parse(history) as { revision: number }[]).map(({ revision }) => revision));
}

test("neither helm upgrade nor helm rollback rewrites a flow", async () => {
  const before = await releaseRevision();
  await installOperator("--set", "operator.logLevel=debug", "--set", "podAnnotations.e2e=upgraded");
  await edit("after the upgrade");
  expect(await revisions()).toEqual(AS_WRITTEN);

  await helm("rollback", OPERATOR.release, String(before), "--namespace", OPERATOR.namespace, "--wait");
  await edit("after the rollback");
  expect(await revisions()).toEqual(AS_WRITTEN);
});

test("helm uninstall leaves the definitions, the objects and the flows; installed again, the operator takes up its work", async () => {
  const uid = (await namespace.getFlow("a")).metadata.uid;
  await helm("uninstall", OPERATOR.release, "--namespace", OPERATOR.namespace, "--wait");
  await kubectl(["wait", "--namespace", OPERATOR.namespace, "--for=delete", "pods", "--all", "--timeout=2m"]);
  const { items } = await get<{ items: { metadata: { name: string } }[] }>("crds");
  const definitions = items.map(({ metadata }) => metadata.name).filter((name) => name.endsWith("kestraflow.dev"));
  expect(definitions).toHaveLength(3);
  expect((await namespace.getFlow("a")).metadata.uid).toBe(uid);
  expect(await revisions()).toEqual(AS_WRITTEN);

  // Edited while nobody is there.
  const source = flowSource(place, EDITED, "while nobody was there");
  await namespace.patchSpec(EDITED, { source });
  await installOperator();
  await eventually(async () => expect((await kestra.flow(place, EDITED))?.source).toBe(source), { within: 60_000 });
  expect(await revisions()).toEqual(AS_WRITTEN);
});
