import { join } from "node:path";
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { CHARTS } from "../../sandbox/kind/images.ts";
import { kubectl, TestNamespace, uniqueName } from "../support/cluster.ts";
import { always } from "../support/eventually.ts";
import { flowSource } from "../support/flowSource.ts";
import { TestKestra } from "../support/kestra.ts";
import { helm, installed, OPERATOR, operatorValues } from "./installation.ts";

jest.setTimeout(300_000);

const kestra = new TestKestra();
const place = uniqueName("e2e-namespaced");
const release = { name: "team", namespace: uniqueName("e2e-team-operator") };
let served: TestNamespace;
let other: TestNamespace;

beforeAll(async () => {
  await installed();
  // Two operators would both serve the namespace: the one of the whole cluster goes, and leaves the definitions.
  await helm("uninstall", OPERATOR.release, "--namespace", OPERATOR.namespace, "--wait");
  served = await TestNamespace.create("e2e-served");
  other = await TestNamespace.create("e2e-other");
  const scope = ["--set", `watchNamespaces={${served.name}}`, "--set", "crds.install=false"];
  const values = [...operatorValues(), ...scope];
  const args = ["--namespace", release.namespace, "--create-namespace", ...values, "--wait", "--timeout", "5m"];
  await helm("install", release.name, join(CHARTS, "kestraflow-operator"), ...args);
}, 600_000);

afterAll(async () => {
  await kubectl(["delete", "kestraflows", "--namespace", served.name, "--all", "--timeout=60s"]);
  await helm("uninstall", release.name, "--namespace", release.namespace, "--wait");
  await kubectl(["delete", "namespace", release.namespace, "--wait=false"]);
  await served.destroy();
  await other.destroy();
}, 120_000);

test("with a Role alone, an operator serves its namespace and no other", async () => {
  for (const namespace of [served, other]) {
    const source = flowSource(place, namespace === served ? "served" : "other");
    await namespace.createFlow("flow", { source });
  }
  await served.waitReady("flow", { within: 60_000 });
  expect((await kestra.flow(place, "served"))?.revision).toBe(1);
  await always(async () => {
    expect((await other.getFlow("flow")).status).toBeUndefined();
    expect(await kestra.flow(place, "other")).toBeUndefined();
  }, 3_000);
});

test("it has nothing that reaches beyond its namespaces", async () => {
  const label = `app.kubernetes.io/instance=${release.name}`;
  expect(await kubectl(["get", "clusterroles,clusterrolebindings", "--selector", label, "--output", "name"])).toBe("");
  const account = `system:serviceaccount:${release.namespace}:team-kestraflow-operator`;
  const may = (namespace: string) =>
    kubectl(["auth", "can-i", "list", "kestraflows", "--namespace", namespace, "--as", account]).catch(
      (error: unknown) => (error as { stdout: string }).stdout,
    );
  expect((await may(served.name)).trim()).toBe("yes");
  expect((await may(other.name)).trim()).toBe("no");
});
