import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import type { AnyObject } from "../../../src/kubernetes/objects.ts";
import { backfills } from "../../../src/resources/backfill/schema.ts";
import { kestraFlows } from "../../../src/resources/flow/schema.ts";
import type { KestraFlow } from "../../../src/resources/flow/schema.ts";
import { kestraKvs } from "../../../src/resources/kv/schema.ts";
import { installCrds, kubectl, root, TestNamespace } from "../../support/cluster.ts";
import { eventually } from "../../support/eventually.ts";
import { flowSource } from "../../support/flowSource.ts";
import { hasSandbox } from "../../support/sandbox.ts";
import { changedChart, chart, helm, render, REQUIRED, template, WITHOUT_CRDS } from "./helm.ts";
import type { Values } from "./helm.ts";

jest.setTimeout(120_000);

const OPERATOR = chart("kestraflow-operator");
let cluster: TestNamespace;

beforeAll(async () => {
  cluster = await TestNamespace.create("chart-install");
}, 60_000);

afterAll(async () => {
  await cluster.destroy();
});

/** Has the API server judge a chart's objects, admission included, and keep none. */
async function dryRun(name: Parameters<typeof chart>[0], values: Values, args: string[] = []): Promise<string> {
  const text = await template(name, values, ["--namespace", cluster.name, ...args]);
  return kubectl(["apply", "--server-side", "--dry-run=server", "--force-conflicts", "-f", "-"], text);
}

describe("the API server takes", () => {
  const everything = {
    ...REQUIRED,
    networkPolicy: { enabled: true, kestraPeers: [{ podSelector: {} }], metricsPeers: [{ namespaceSelector: {} }] },
    topologySpreadConstraints: [{ maxSkew: 1, topologyKey: "zone", whenUnsatisfiable: "ScheduleAnyway" }],
    tolerations: [{ operator: "Exists" }],
    extraEnv: [{ name: "NODE_OPTIONS", value: "" }],
    rbac: { secretNames: ["a"], watchSecrets: false },
    namespacePolicy: [{ from: ["*"], to: ["*"] }],
  };

  test.each<[string, Values]>([
    ["the chart as it is", REQUIRED],
    ["the chart with every option", { ...everything, kestra: { ...REQUIRED.kestra, ca: { configMap: "ca" } } }],
    ["a login from values", { kestra: { url: "http://k", username: "me@example.com", password: "p" } }],
    ["an authority in a Secret", { kestra: { ...REQUIRED.kestra, ca: { secret: "ca" } } }],
    ["one operator without election", { ...REQUIRED, replicas: 1, leaderElection: { enabled: false } }],
  ])("%s", async (_what, values) => {
    expect(await dryRun("kestraflow-operator", values)).toContain("deployment.apps/");
  });

  test("the chart with Roles only", async () => {
    const text = await dryRun("kestraflow-operator", { ...WITHOUT_CRDS, watchNamespaces: [cluster.name] });
    expect(text).not.toContain("clusterrole");
  });

  test.each([
    ["as the tutorial has it", {}, []],
    ["with pgAdmin and without volumes", { pgadmin: { enabled: true }, kestra: { storage: { enabled: false } } }, []],
    ["with another engine", {}, ["-f", join(chart("kestra-stack"), "values-engine.yaml")]],
  ])("the stack %s", async (_what, values, args) => {
    expect(await dryRun("kestra-stack", values, args)).toContain("statefulset.apps/kestra");
  });
});

test("the operator's pods fulfil the restricted Pod Security Standard, and the stack's the baseline", async () => {
  const podOf = ({ spec }: { spec?: unknown }, name: string) => ({
    ...{ apiVersion: "v1", kind: "Pod" },
    metadata: { name, namespace: cluster.name },
    // The account would have to be there.
    spec: { ...(spec as { template: { spec: object } }).template.spec, serviceAccountName: "default" },
  });
  const tried = async (level: string, pods: object[]) => {
    await kubectl(["label", "ns", cluster.name, "--overwrite", `pod-security.kubernetes.io/enforce=${level}`]);
    const list = JSON.stringify({ apiVersion: "v1", kind: "List", items: pods });
    return kubectl(["create", "--dry-run=server", "-o", "name", "-f", "-"], list);
  };
  const isPod = ({ kind }: { kind: string }) => ["Deployment", "StatefulSet"].includes(kind);
  try {
    const operator = await render("kestraflow-operator", WITHOUT_CRDS);
    const own = operator.filter(isPod).map((object) => podOf(object, object.metadata.name));
    const tests = operator.filter(({ kind }) => kind === "Pod").map((pod) => ({ ...pod, metadata: { ...pod.metadata, namespace: cluster.name } }));
    expect((await tried("restricted", [...own, ...tests])).trim().split("\n")).toHaveLength(2);
    // That the level is enforced at all.
    const loose = { ...own[0], spec: { containers: [{ name: "c", image: "i" }] } };
    await expect(tried("restricted", [loose])).rejects.toThrow("violates PodSecurity");

    const stack = (await render("kestra-stack", { pgadmin: { enabled: true } })).filter(isPod);
    const theirs = stack.map((object) => podOf(object, object.metadata.name));
    const claims = theirs.map(({ spec, ...pod }) => ({
      ...pod,
      spec: { ...spec, volumes: [{ name: "data", emptyDir: {} }, ...volumesOf(spec)] },
    }));
    expect((await tried("baseline", claims)).trim().split("\n")).toHaveLength(4);
  } finally {
    await kubectl(["label", "ns", cluster.name, "pod-security.kubernetes.io/enforce-"]);
  }
});

/** The volumes of a pod but the one that a claim would be for. */
function volumesOf(spec: object): { name: string }[] {
  const { volumes = [] } = spec as { volumes?: { name: string }[] };
  return volumes.filter(({ name }) => name !== "data");
}

/** They take the definitions away before: only where the cluster is ours. */
(hasSandbox() ? describe : describe.skip)("in a cluster without definitions", () => {
  const CRD = "kestraflows.kestraflow.dev";
  const release = (verb: string, name: string, args: string[] = [], values: Values = REQUIRED) =>
    helm([verb, name, ...args, "-n", cluster.name], values);
  const get = async <T>(...args: string[]) => JSON.parse(await kubectl(["get", ...args, "-o", "json"])) as T;
  interface Definition {
    metadata: { uid: string; labels: Record<string, string> };
    spec: { versions: { additionalPrinterColumns: { name: string }[] }[] };
  }
  const columns = async () =>
    (await get<Definition>("crd", CRD)).spec.versions[0]?.additionalPrinterColumns.map(({ name }) => name);
  /** The chart as it might have been before: its definition shows less. */
  const earlier = () =>
    changedChart("kestraflow-operator", {
      "Chart.yaml": (text) => text.replace(/^version: .*$/m, "version: 0.0.9"),
      [`templates/crds/${CRD}.yaml`]: (text) => text.replace(/ +- name: Reason\n +type: string\n +jsonPath: .*\n/, ""),
    });
  const source = flowSource("chart-install", "kept");
  let flow: KestraFlow;

  beforeAll(async () => {
    // What other tests left behind has no operator any more that would let it go.
    for (const type of [kestraFlows, kestraKvs, backfills])
      for (const { metadata } of (await cluster.client.list<AnyObject>(type)).items)
        await cluster.client.mergePatch(type, metadata, { metadata: { finalizers: null } });
    await kubectl(["delete", "-f", join(root, "crds"), "--timeout=60s"]);
  }, 90_000);

  afterAll(async () => {
    await kubectl(["delete", "-f", join(root, "crds"), "--timeout=60s", "--ignore-not-found"]);
    await installCrds();
    // Kinds that were there before are refused for a moment.
    await eventually(() => kubectl(["get", "kestraflows,kestrakvs,backfills", "-n", cluster.name]));
  }, 120_000);

  test("helm install makes the definitions, and everything else", async () => {
    await release("install", "op", [await earlier()]);
    await kubectl(["wait", "--for=condition=Established", "--timeout=30s", `crd/${CRD}`]);
    expect(await columns()).not.toContain("Reason");
    flow = await eventually(() => cluster.createFlow("kept", { source }));
    const deployment = await get<{ spec: { replicas: number } }>("deployment/op-kestraflow-operator", "-n", cluster.name);
    expect(deployment.spec.replicas).toBe(2);
  });

  test("helm upgrade brings the new definition, and helm rollback the old one; objects stay", async () => {
    await release("upgrade", "op", [OPERATOR]);
    expect(await columns()).toContain("Reason");
    expect((await cluster.getFlow("kept")).metadata.uid).toBe(flow.metadata.uid);
    await helm(["rollback", "op", "1", "-n", cluster.name]);
    expect(await columns()).not.toContain("Reason");
    expect((await cluster.getFlow("kept")).metadata.uid).toBe(flow.metadata.uid);
    await release("upgrade", "op", [OPERATOR]);
  });

  test("an upgrade that leaves the definitions to others does not take them away", async () => {
    await release("upgrade", "op", [OPERATOR], WITHOUT_CRDS);
    expect((await cluster.getFlow("kept")).metadata.uid).toBe(flow.metadata.uid);
    await release("upgrade", "op", [OPERATOR]);
  });

  test("helm uninstall leaves definitions and objects, and nothing else", async () => {
    const before = await get<Definition>("crd", CRD);
    await helm(["uninstall", "op", "-n", cluster.name]);
    const after = await get<Definition>("crd", CRD);
    expect(after.metadata.uid).toBe(before.metadata.uid);
    expect((await cluster.getFlow("kept")).spec.source).toBe(source);
    const selector = "app.kubernetes.io/instance=op";
    const kinds = "deploy,sa,secret,svc,pdb,role,rolebinding,clusterrole,clusterrolebinding";
    await eventually(async () => {
      expect(await kubectl(["get", kinds, "-n", cluster.name, "-l", selector, "-o", "name"])).toBe("");
    });
  });

  test("the same release can be installed again, and finds the objects", async () => {
    await release("install", "op", [OPERATOR]);
    expect((await cluster.getFlow("kept")).metadata.uid).toBe(flow.metadata.uid);
    await helm(["uninstall", "op", "-n", cluster.name]);
  });

  test("definitions of somebody else are taken over only when that is said", async () => {
    await expect(release("install", "another", [OPERATOR])).rejects.toThrow("invalid ownership metadata");
    await release("install", "another", [OPERATOR, "--take-ownership"]);
    expect((await get<Definition>("crd", CRD)).metadata.labels).toMatchObject({
      "app.kubernetes.io/instance": "another",
    });
    await helm(["uninstall", "another", "-n", cluster.name]);
    expect((await cluster.getFlow("kept")).metadata.uid).toBe(flow.metadata.uid);
  });
});
