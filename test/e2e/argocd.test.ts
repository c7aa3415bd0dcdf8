import { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { LOGIN, operatorImage } from "../../sandbox/kind/releases.ts";
import { Applications } from "../support/applications.ts";
import type { Application } from "../support/applications.ts";
import { kubectl, root } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { GitRepository } from "../support/gitRepository.ts";
import { TestKestra } from "../support/kestra.ts";
import { installArgoCd, NAMESPACE, publish, removeArgoCd, REPOSITORY_URL } from "./argocd/installation.ts";
import { get, helm, images, installed, OPERATOR, STACK } from "./installation.ts";

jest.setTimeout(300_000);

const FLOWS = "kestra-flows";
const CHART = "kestraflow-operator";
const PLACE = "zoomcamp";
const HELLO = "flows/01-hello-world.yaml";
/** Argo CD tries again after 10, 20 and 40 seconds. */
const synced = { within: 180_000, every: 500 };

const kestra = new TestKestra();
const argo = new Applications(NAMESPACE);
let folder: string;
let repository: GitRepository;

beforeAll(async () => {
  await installed();
  // The definitions stay, and Argo CD takes the chart over from here.
  await helm("uninstall", OPERATOR.release, "--namespace", OPERATOR.namespace, "--wait");
  await installArgoCd();
  folder = await mkdtemp(join(tmpdir(), "kestraflow-e2e-argocd-"));
  repository = await GitRepository.create(folder);
  for (const part of ["charts", "flows", "gitops"]) await cp(join(root, part), join(folder, part), { recursive: true });
  await commit({});
}, 1_800_000);

afterAll(async () => {
  try {
    // The flows before the operator, which has to delete what they have in Kestra.
    for (const name of [FLOWS, CHART])
      await kubectl([
        "delete",
        `applications.argoproj.io/${name}`,
        "-n",
        NAMESPACE,
        "--ignore-not-found",
        "--timeout=90s",
      ]);
  } finally {
    await removeArgoCd();
    await kubectl(["delete", "secret/kestra-login", "-n", OPERATOR.namespace, "--ignore-not-found"]);
    await kubectl(["delete", "namespace", PLACE, "--ignore-not-found", "--wait=false"]);
    await rm(folder, { recursive: true, force: true });
  }
}, 300_000);

/** A commit that Argo CD can fetch. Returns the revision. */
async function commit(files: Record<string, string | undefined>): Promise<string> {
  const revision = await repository.commit(files);
  await publish(await repository.bundle());
  return revision;
}

const cascading = ({ metadata }: Application) =>
  Object.assign(metadata, { finalizers: ["resources-finalizer.argocd.argoproj.io"] });

const definition = () => get<{ metadata: { uid: string } }>("crd/kestraflows.kestraflow.dev");
const source = async (id: string) => (await kestra.flow(PLACE, id))?.source;

test("the chart is synced from Git and healthy", async () => {
  const login = Object.entries(LOGIN).map(([key, value]) => `--from-literal=${key}=${value}`);
  await kubectl(["create", "secret", "generic", "kestra-login", "-n", OPERATOR.namespace, ...login]);
  await argo.apply("operator", REPOSITORY_URL, OPERATOR.namespace, (application) => {
    cascading(application);
    const { valuesObject } = application.spec.source.helm as { valuesObject: Record<string, object> };
    Object.assign(valuesObject, {
      image: operatorImage(images),
      operator: { driftInterval: "2s" },
    });
    expect(valuesObject.kestra).toMatchObject({ url: `http://kestra.${STACK.namespace}.svc:8080` });
  });
  await argo.waitFor(CHART, ({ sync, health }) => sync?.status === "Synced" && health?.status === "Healthy", synced);
});

test("the tutorial is synced from Git, in Kestra, and healthy", async () => {
  await argo.apply("flows", REPOSITORY_URL, PLACE, cascading);
  const { resources = [] } = await argo.waitFor(
    FLOWS,
    ({ sync, health }) => sync?.status === "Synced" && ["Healthy", "Suspended"].includes(health?.status ?? ""),
    synced,
  );
  const flows = resources.filter(({ kind }) => kind === "KestraFlow");
  expect(flows.length).toBeGreaterThanOrEqual(12);
  expect(await kestra.flows(PLACE)).toHaveLength(flows.length);
  const health = Object.fromEntries(resources.map(({ name, health }) => [name, health?.status]));
  for (const { name } of flows) expect(health).toMatchObject({ [name]: "Healthy" });
  // Two wait to be resumed, as the tutorial's reader does with them by hand.
  expect(health).toMatchObject({ "hourly-log-night": "Healthy", "postgres-taxi-green": "Suspended" });
});

test("a commit to a flow is in Kestra", async () => {
  const before = await readFile(join(folder, HELLO), "utf8");
  const revision = await commit({ [HELLO]: before.replace("defaults: Zoomcamp", "defaults: Somebody from Git") });
  await argo.waitSynced(FLOWS, revision, synced);
  await eventually(async () => expect(await source("01_hello_world")).toContain("Somebody from Git"));
});

test("an edit by hand is reverted, in the cluster and in Kestra", async () => {
  const committed = (await source("01_hello_world")) ?? "";
  const edited = committed.replace("Somebody from Git", "Somebody at the cluster");
  expect(edited).not.toBe(committed);
  const inCluster = async () =>
    (await get<{ spec: { source: string } }>("kestraflow/hello-world", "-n", PLACE)).spec.source;
  const declared = await inCluster();
  const patch = JSON.stringify({ spec: { source: edited } });
  await kubectl(["patch", "kestraflow/hello-world", "-n", PLACE, "--type=merge", "-p", patch]);
  await eventually(async () => {
    expect(await inCluster()).toBe(declared);
    expect(await source("01_hello_world")).toBe(committed);
  }, synced);

  await kestra.edit(PLACE, "01_hello_world", committed.replace("Somebody from Git", "Somebody at Kestra"));
  await eventually(async () => expect(await source("01_hello_world")).toBe(committed), synced);
});

test("a flow that Git does not have any more is pruned, and gone from Kestra", async () => {
  const kustomization = await readFile(join(folder, "flows", "kustomization.yaml"), "utf8");
  const revision = await commit({
    [HELLO]: undefined,
    "flows/kustomization.yaml": kustomization.replace(/^ *- 01-hello-world\.yaml\n/m, ""),
  });
  await argo.waitSynced(FLOWS, revision, synced);
  await eventually(async () => expect(await source("01_hello_world")).toBeUndefined(), synced);
  expect((await kestra.flows(PLACE)).length).toBeGreaterThanOrEqual(11);
});

test("a chart without the definitions prunes what else it has no more, but none of them, and no flow goes", async () => {
  const { uid } = (await definition()).metadata;
  const flows = (await kestra.flows(PLACE)).length;
  const values = "charts/kestraflow-operator/values.yaml";
  const text = await readFile(join(folder, values), "utf8");
  const without = (key: string, of: string) => {
    const changed = of.replace(new RegExp(`^(${key}: )true$`, "m"), "$1false");
    expect(changed).not.toBe(of);
    return changed;
  };
  const budgets = () => kubectl(["get", "poddisruptionbudgets", "-n", OPERATOR.namespace, "-o", "name"]);
  expect(await budgets()).not.toBe("");
  const [crds, budget] = ["crds:\\n(?:.*\\n)*? +install", "podDisruptionBudget:\\n(?:.*\\n)*? +enabled"];
  const revision = await commit({ [values]: without(crds, without(budget, text)) });
  await argo.waitSynced(CHART, revision, synced);
  expect(await budgets()).toBe("");
  expect((await definition()).metadata).toMatchObject({ uid });
  expect((await definition()).metadata).not.toHaveProperty("deletionTimestamp");
  expect(await kestra.flows(PLACE)).toHaveLength(flows);
});
