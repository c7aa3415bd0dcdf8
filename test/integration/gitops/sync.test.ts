import { cp, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { loadAll } from "js-yaml";
import { kubectl, root, TestNamespace, uniqueName } from "../../support/cluster.ts";
import { always, eventually } from "../../support/eventually.ts";
import { flowSource } from "../../support/flowSource.ts";
import { GitRepository } from "../../support/gitRepository.ts";
import { TestKestra } from "../../support/kestra.ts";
import { OperatorProcess } from "../../support/operator.ts";
import { HOURLY, hours, scheduledFlow, sleeping } from "../backfill/scene.ts";
import { ArgoCd } from "./argocd.ts";
import { BUILD_MS } from "./judges.ts";

jest.setTimeout(180_000);

const APP = "kestra-flows";
const kestra = new TestKestra();
const kestraNamespace = uniqueName("gitops");
let cluster: TestNamespace;
let argo: ArgoCd;
let repository: GitRepository;
let operator: OperatorProcess;

const indented = (text: string) => text.replaceAll(/^(?=.)/gm, "    ");
const manifest = (kind: string, name: string, spec: string) => `apiVersion: kestraflow.dev/v1alpha1
kind: ${kind}
metadata:
  name: ${name}
spec:
${spec}`;
const flow = (id: string, source = flowSource(kestraNamespace, id)) =>
  manifest("KestraFlow", id, `  source: |\n${indented(source)}`);
const kustomization = (names: string[]) =>
  `apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: ${JSON.stringify(names)}\n`;
const backfill = (more = "") =>
  manifest(
    "Backfill",
    "past",
    `  target: {flowRef: {name: scheduled}}\n  start: "${hours(0, 0)[0]}"\n  end: "${hours(1, 1)[0]}"\n${more}`,
  );

const ALL = ["entry.yaml", "plain.yaml", "scheduled.yaml", "past.yaml"];

beforeAll(() => ArgoCd.build(), BUILD_MS);

beforeAll(async () => {
  cluster = await TestNamespace.create("gitops");
  operator = await OperatorProcess.start(cluster.name);
  argo = await ArgoCd.start(cluster.name);
  repository = await GitRepository.create(join(argo.folder, "repository"));
  // The overlay is ours; what it is laid over is this test's.
  const overlay = "gitops/argocd/flows/kustomization.yaml";
  await repository.commit({
    [overlay]: await readFile(join(root, overlay), "utf8"),
    "flows/kustomization.yaml": kustomization(ALL),
    "flows/entry.yaml": manifest(
      "KestraKV",
      "entry",
      `  namespace: ${kestraNamespace}\n  key: entry\n  valueFrom: {secretKeyRef: {name: late, key: value}}\n`,
    ),
    "flows/plain.yaml": flow("plain"),
    "flows/scheduled.yaml": flow(
      "scheduled",
      scheduledFlow(kestraNamespace, "scheduled", HOURLY, { tasks: sleeping(1) }),
    ),
    "flows/past.yaml": backfill(),
  });
}, 120_000);

afterAll(async () => {
  await argo.stop();
  await kubectl(["delete", "applications.argoproj.io", "--all", "-n", cluster.name, "--wait=false"]);
  await operator.stop();
  await cluster.destroy();
  for (const { id } of await kestra.flows(kestraNamespace)) await kestra.delete(kestraNamespace, id);
}, 60_000);

/** Argo CD tries again after 10, 20 and 40 seconds. */
const synced = { within: 120_000 };
const storedSource = async (id: string) => (await kestra.flow(kestraNamespace, id))?.source;

/** Commits, and waits until Argo CD has synced exactly that. */
async function push(files: Record<string, string | undefined>): Promise<void> {
  await argo.waitSynced(APP, await repository.commit(files), synced);
}

test("the overlay gives every resource in flows/ its wave", async () => {
  const text = await kubectl(["kustomize", join(root, "gitops", "argocd", "flows")]);
  const objects = loadAll(text) as { kind: string; metadata: { annotations?: Record<string, string> } }[];
  const waves = new Map<string, Set<string | undefined>>();
  for (const { kind, metadata } of objects) {
    const wave = metadata.annotations?.["argocd.argoproj.io/sync-wave"];
    waves.set(kind, (waves.get(kind) ?? new Set()).add(wave));
  }
  expect(Object.fromEntries([...waves].map(([kind, found]) => [kind, [...found]]))).toEqual({
    Secret: [undefined],
    ConfigMap: [undefined],
    KestraKV: ["1"],
    KestraFlow: ["2"],
    Backfill: ["3"],
  });
});

describe("a repository of flows", () => {
  test("is brought in order: what waits for its Secret holds up the flows, and these the Backfill", async () => {
    await argo.apply("flows", repository.url, cluster.name);
    await eventually(() => cluster.kvs.waitFor("entry", "Reconciling", "True"), synced);
    await argo.waitFor(APP, ({ operationState }) => operationState?.phase === "Running");
    await always(async () => {
      expect(await cluster.flows.list()).toEqual([]);
    }, 2_000);
    await cluster.putSecret("late", { value: "here" });
    await argo.waitFor(APP, ({ operationState }) => operationState?.phase === "Succeeded", synced);
    const [entry] = await cluster.kvs.list();
    const [past] = await cluster.backfills.list();
    const made = (object?: { metadata: { creationTimestamp?: string } }) =>
      Date.parse(object?.metadata.creationTimestamp ?? "");
    for (const each of await cluster.flows.list()) {
      expect(made(each)).toBeGreaterThanOrEqual(made(entry));
      expect(made(each)).toBeLessThanOrEqual(made(past));
    }
  });

  test("is synced and healthy when all is done, with nothing that the operator or the API server added in its way", async () => {
    await cluster.backfills.waitUntil("past", ({ status }) => status?.state === "Complete", synced);
    const status = await argo.waitFor(
      APP,
      ({ sync, health }) => sync?.status === "Synced" && health?.status === "Healthy",
    );
    const ours = status.resources?.map(
      ({ kind, name, status: sync, health }) => `${kind} ${name} ${sync} ${health?.status}`,
    );
    expect(ours?.toSorted()).toEqual([
      "Backfill past Synced Healthy",
      "KestraFlow plain Synced Healthy",
      "KestraFlow scheduled Synced Healthy",
      "KestraKV entry Synced Healthy",
    ]);
  });

  test("a commit is in Kestra", async () => {
    const source = flowSource(kestraNamespace, "plain", "from a commit");
    await push({ "flows/plain.yaml": flow("plain", source) });
    await eventually(async () => {
      expect(await storedSource("plain")).toBe(source);
    });
  });

  test("a manual edit is reverted", async () => {
    const source = (await cluster.getFlow("plain")).spec.source;
    const { revision = 0 } = (await kestra.flow(kestraNamespace, "plain")) ?? {};
    await cluster.patchSpec("plain", { source: flowSource(kestraNamespace, "plain", "edited by hand") });
    await eventually(async () => {
      expect((await cluster.getFlow("plain")).spec.source).toBe(source);
      const stored = await kestra.flow(kestraNamespace, "plain");
      expect(stored?.source).toBe(source);
      // Whether Kestra ever saw the edit depends on who was faster.
      expect([revision, revision + 2]).toContain(stored?.revision);
    }, synced);
  });

  test("a flow that Kestra refuses shows as degraded with Kestra's words, and the last good one stays", async () => {
    const good = await storedSource("plain");
    await repository.commit({
      "flows/plain.yaml": flow("plain", `${flowSource(kestraNamespace, "plain")}nonsense: true\n`),
    });
    await argo.refresh(APP);
    await argo.waitFor(APP, ({ health }) => health?.status === "Degraded", synced);
    const { status, message } = await argo.healthOf(APP, "KestraFlow", "plain");
    expect(status).toBe("Degraded");
    expect(message).toContain("nonsense");
    expect(await storedSource("plain")).toBe(good);
    await push({ "flows/plain.yaml": flow("plain") });
    await argo.waitFor(APP, ({ health }) => health?.status === "Healthy");
  });

  test("a suspended Backfill and a paused flow show as suspended, and do not keep it from being synced", async () => {
    await push({ "flows/past.yaml": backfill("  ttlSecondsAfterFinished: 3600\n") });
    await cluster.annotate("plain", { "kestraflow.dev/paused": "true" });
    await cluster.waitFor("plain", "Paused", "True");
    await argo.waitFor(APP, ({ sync, health }) => sync?.status === "Synced" && health?.status === "Suspended");
    await cluster.annotate("plain", { "kestraflow.dev/paused": null });
    await argo.waitFor(APP, ({ health }) => health?.status === "Healthy");
  });

  test("a Backfill with a time to live is made again each time it is over, and runs nothing twice", async () => {
    const executions = () => kestra.executions(kestraNamespace, "scheduled");
    const before = (await executions()).length;
    const { uid } = (await cluster.backfills.get("past")).metadata;
    await push({ "flows/past.yaml": backfill("  ttlSecondsAfterFinished: 2\n") });
    await eventually(async () => {
      const again = await cluster.backfills.get("past");
      expect(again.metadata.uid).not.toBe(uid);
      expect(again.status).toMatchObject({ state: "Complete", slots: { total: 2, present: 2, done: 0 } });
    }, synced);
    expect(await executions()).toHaveLength(before);
  });

  test("what is removed from Git is pruned, here and in Kestra", async () => {
    await push({
      "flows/plain.yaml": undefined,
      "flows/kustomization.yaml": kustomization(ALL.filter((name) => name !== "plain.yaml")),
    });
    await cluster.waitGone("plain", synced);
    expect(await storedSource("plain")).toBeUndefined();
    expect(await storedSource("scheduled")).toBeDefined();
  });
});

describe("the operator's chart", () => {
  const OPERATOR = "kestraflow-operator";

  test("is brought as Helm would, and its definitions stay when the Application goes", async () => {
    await cp(join(root, "charts"), join(repository.folder, "charts"), { recursive: true });
    await repository.commit({});
    await argo.apply("operator", repository.url, cluster.name, ({ metadata }) => {
      Object.assign(metadata, { finalizers: ["resources-finalizer.argocd.argoproj.io"] });
    });
    const { resources = [] } = await argo.waitFor(OPERATOR, ({ sync }) => sync?.status === "Synced", synced);
    expect(resources.filter(({ kind }) => kind === "CustomResourceDefinition")).toHaveLength(3);
    const deployment = ["get", "deployment/kestraflow-kestraflow-operator", "-n", cluster.name];
    await kubectl(deployment);
    const uid = () => kubectl(["get", "crd/kestraflows.kestraflow.dev", "-o", "jsonpath={.metadata.uid}"]);
    const before = await uid();
    await kubectl(["delete", `applications.argoproj.io/${OPERATOR}`, "-n", cluster.name, "--timeout=90s"]);
    await expect(kubectl(deployment)).rejects.toThrow("not found");
    expect(await uid()).toBe(before);
    expect((await cluster.flows.get("scheduled")).metadata.deletionTimestamp).toBeUndefined();
  });
});
