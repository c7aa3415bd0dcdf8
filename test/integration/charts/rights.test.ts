import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { kubectl, TestNamespace, uniqueName } from "../../support/cluster.ts";
import { always, eventually } from "../../support/eventually.ts";
import { FaultProxy } from "../../support/faultProxy.ts";
import type { Exchange } from "../../support/faultProxy.ts";
import { flowSource } from "../../support/flowSource.ts";
import { OperatorProcess } from "../../support/operator.ts";
import { rightFor, rightsOf } from "../../support/rights.ts";
import { backfillLives, entryLives, flowLives } from "../lives.ts";
import { apiServerOf, ServiceAccount } from "../process/access.ts";
import { chart, helm, only, render } from "./helm.ts";
import type { Rendered, Values } from "./helm.ts";

jest.setTimeout(240_000);

const kestraNamespace = uniqueName("chart-rights");
let served: TestNamespace;
let other: TestNamespace;
let proxy: FaultProxy;
let operator: OperatorProcess;

beforeAll(async () => {
  served = await TestNamespace.create("chart-rights");
  other = await TestNamespace.create("chart-rights-other");
  proxy = await FaultProxy.before(apiServerOf(served));
}, 60_000);

afterEach(async () => {
  await operator.kill("SIGKILL");
  await helm(["uninstall", "op", "-n", served.name]);
  proxy.log.length = 0;
});

afterAll(async () => {
  await proxy.close();
  await other.destroy();
  await served.destroy();
});

/**
 * Installs the chart, and starts what its pods would run, with their environment and as their account.
 *
 * @returns what was rendered
 */
async function install(values: Values): Promise<Rendered[]> {
  const login = { username: process.env.KESTRA_USERNAME, password: process.env.KESTRA_PASSWORD };
  const all = {
    ...values,
    crds: { install: false },
    fullnameOverride: "op",
    kestra: { url: process.env.KESTRA_URL, ...login },
    operator: { driftInterval: "1s" },
  };
  await helm(["install", "op", chart("kestraflow-operator"), "-n", served.name], all);
  const account = ServiceAccount.existing(served.name, "op");
  await account.waitAllowed("list", "kestraflows", served.name);
  await account.waitAllowed("create", "leases", served.name);
  const deployment = JSON.parse(await kubectl(["get", "deployment/op", "-n", served.name, "-o", "json"])) as {
    spec: { template: { spec: { containers: [{ env: { name: string; value?: string }[] }] } } };
  };
  const { env } = deployment.spec.template.spec.containers[0];
  const settings = Object.fromEntries(env.map(({ name, value }) => [name, value ?? ""]));
  operator = await OperatorProcess.start("", {
    settings: {
      WATCH_NAMESPACES: "",
      ...settings,
      // The Secret's files are in the pod only.
      ...{ KESTRA_USERNAME_FILE: "", KESTRA_PASSWORD_FILE: "" },
      KUBECONFIG: await account.kubeconfig({ url: proxy.url }),
      HTTP_PORT: "0",
    },
  });
  return render("kestraflow-operator", all, ["--namespace", served.name]);
}

async function everythingLives(cluster: TestNamespace): Promise<void> {
  await flowLives(cluster, kestraNamespace);
  await entryLives(cluster, kestraNamespace);
  await backfillLives(cluster, kestraNamespace);
}

/** The right that a request of the Kubernetes API needs. */
function rightNeeded({ method, path }: Exchange): string {
  const { pathname, searchParams } = new URL(path, "http://api");
  const [, , group = "", , , , resource = "", name, subresource] =
    /^\/(api|apis\/([^/]+))\/([^/]+)(\/namespaces\/([^/]+))?\/([^/]+)(?:\/([^/]+))?(?:\/([^/]+))?$/.exec(pathname) ?? [];
  const read = searchParams.get("watch") ? "watch" : name === undefined ? "list" : "get";
  const verb = { GET: read, POST: "create", PUT: "update", PATCH: "patch", DELETE: "delete" }[method] ?? method;
  return rightFor({ verb, group, resource, subresource });
}

/** What was used of the rights, and what was refused. */
function usage(): { used: string[]; refused: string[] } {
  return {
    used: [...new Set(proxy.log.map(rightNeeded))].toSorted(),
    refused: proxy.log.filter(({ status }) => status === 403).map(rightNeeded),
  };
}

describe("the operator as the chart's ServiceAccount", () => {
  test("does everything in all namespaces, and has no right that it does not use", async () => {
    const objects = await install({});
    await everythingLives(served);
    await entryLives(other, kestraNamespace);
    // A right may be there for one kind of the three and be used for others.
    const granted = ["ClusterRole", "Role"].flatMap((kind) =>
      rightsOf(only(objects.filter(({ metadata }) => !/:(view|edit)$/.test(metadata.name)), kind).rules ?? []),
    );
    const { used, refused } = usage();
    expect(refused).toEqual([]);
    expect(used.filter((right) => !granted.includes(right))).toEqual([]);
    expect(granted.filter((right) => !used.includes(right))).toEqual([]);
    expect(await operator.stop()).toBe(0);
  });

  test("does everything in a namespace with a Role, and serves no other", async () => {
    await install({ watchNamespaces: [served.name] });
    await everythingLives(served);
    await other.createFlow("not-served", { source: flowSource(kestraNamespace, "not-served") });
    await always(async () => {
      expect((await other.getFlow("not-served")).status).toBeUndefined();
    }, 1_000);
    expect(usage().refused).toEqual([]);
    const user = `system:serviceaccount:${served.name}:op`;
    for (const resource of ["kestraflows", "kestrakvs", "backfills", "secrets", "configmaps"])
      await expect(kubectl(["auth", "can-i", "list", resource, "-n", other.name, "--as", user])).rejects.toThrow();
    expect(await operator.stop()).toBe(0);
  });

  test("follows the Secrets that the values name, with the right to look at them only", async () => {
    await install({ watchNamespaces: [served.name], rbac: { secretNames: ["named"], watchSecrets: false } });
    const entry = (name: string) => ({
      ...{ namespace: kestraNamespace, key: name },
      valueFrom: { secretKeyRef: { name, key: "value" } },
    });
    for (const name of ["named", "unnamed"]) {
      await served.putSecret(name, { value: "one" });
      await served.kvs.create(name, entry(name));
    }
    await served.kvs.waitReady("named");
    await served.kvs.waitFor("unnamed", "Reconciling", "True", "ReferenceForbidden");
    await eventually(() => {
      expect(usage().used).toContain("get /secrets");
    });
  });
});
