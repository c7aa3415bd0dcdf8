import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { silentLogger } from "../../../src/lib/log.ts";
import { KubernetesClient } from "../../../src/kubernetes/client.ts";
import type { CallReport } from "../../../src/kubernetes/client.ts";
import { NamedObjects } from "../../../src/kubernetes/namedObjects.ts";
import { coreTypes } from "../../../src/kubernetes/objects.ts";
import { kubectl, TestNamespace } from "../../support/cluster.ts";
import { eventually } from "../../support/eventually.ts";
import { until } from "../../unit/kubernetes/support/until.ts";
import { apiServerOf, ServiceAccount } from "../process/access.ts";

jest.setTimeout(60_000);

const POLL_MS = 200;
let cluster: TestNamespace;
let account: ServiceAccount;
let client: KubernetesClient;
let objects: NamedObjects;
let calls: CallReport[];
/** Followers that were told of a change. */
let told: string[];

beforeAll(async () => {
  cluster = await TestNamespace.create("named");
});

afterEach(async () => {
  await objects.stop();
  await client.close();
  await account.remove();
});

// Custom resources that were installed a moment ago may not be served yet.
afterAll(() => eventually(() => cluster.destroy()));

/** Follows objects as somebody who may do this with the Secrets of these names, and nothing else at all. */
async function followAs(who: string, verbs: string[], names: string[]): Promise<void> {
  account = await ServiceAccount.create(cluster, who);
  await account.grantIn(
    cluster.name,
    `
  - apiGroups: [""]
    resources: [secrets]
    resourceNames: [${names.join(", ")}]
    verbs: [${verbs.join(", ")}]`,
  );
  for (const verb of verbs) await account.waitAllowed(verb, `secrets/${names[0]}`, cluster.name);
  calls = [];
  told = [];
  const kubeconfig = await account.kubeconfig(apiServerOf(cluster));
  client = KubernetesClient.connect({ kubeconfig, logger: silentLogger, onCall: (call) => calls.push(call) });
  objects = new NamedObjects({
    client,
    type: coreTypes.secret,
    pollMs: POLL_MS,
    logger: silentLogger,
    onChange: (follower) => told.push(follower),
  });
  for (const name of names) objects.follow(name, keyOf(name));
}

const named = (name: string) => ({ namespace: cluster.name, name });
const keyOf = (name: string) => `${cluster.name}/${name}`;
const made = () => [...new Set(calls.map(({ verb, code }) => `${verb} ${code}`))].sort();

async function putSecret(name: string, password: string): Promise<string> {
  const object = { kind: "Secret", apiVersion: "v1", metadata: named(name), stringData: { password } };
  // As people do it, which leaves a copy of the values in an annotation.
  await kubectl(["apply", "-f", "-"], JSON.stringify(object));
  const { metadata } = await cluster.client.get(coreTypes.secret, named(name), { metadataOnly: true });
  return metadata.resourceVersion;
}

async function deleteSecret(name: string): Promise<void> {
  await cluster.client.delete(coreTypes.secret, named(name));
}

/** Makes, changes, deletes and makes a Secret again, and waits each time until that is known. */
async function liveThrough(name: string): Promise<void> {
  await until("it is missing", () => objects.version(keyOf(name)) === "missing", 10_000);
  for (const password of ["first", "second"]) {
    const version = await putSecret(name, password);
    await until(`the ${password} is known`, () => objects.version(keyOf(name)) === version, 10_000);
  }
  await deleteSecret(name);
  await until("it is missing again", () => objects.version(keyOf(name)) === "missing", 10_000);
  const version = await putSecret(name, "third");
  await until("the new one is known", () => objects.version(keyOf(name)) === version, 10_000);
  expect(told).toEqual([name, name, name, name, name]);
  await deleteSecret(name);
}

describe("the right to list and watch Secrets by name", () => {
  test("is enough to follow them, and no other is asked for", async () => {
    await followAs("watcher", ["list", "watch"], ["token"]);
    await liveThrough("token");
    expect(made()).toEqual(["list 200", "watch 200"]);
    await expect(client.list(coreTypes.secret, { namespace: cluster.name })).rejects.toMatchObject({ status: 403 });
    await expect(client.get(coreTypes.secret, named("token"))).rejects.toMatchObject({ status: 403 });
  });

  test("follows several at once, each by a watch of its own, shared by all that follow it", async () => {
    await followAs("several", ["list", "watch"], ["one", "two", "three"]);
    objects.follow("another", keyOf("one"));
    await until("all are known", () => told.length === 4);
    told.length = 0;
    await putSecret("one", "value");
    await until("both are told", () => told.length === 2);
    expect(told.sort()).toEqual(["another", "one"]);
    expect(calls.filter(({ verb }) => verb === "watch").length).toBe(3);
    await deleteSecret("one");
  });

  test("does not reach to another: that stays unknown, and the others are known", async () => {
    await followAs("narrow", ["list", "watch"], ["mine"]);
    objects.follow("other", keyOf("other"));
    const version = await putSecret("mine", "value");
    await until("mine is known", () => objects.version(keyOf("mine")) === version);
    await until("the other was tried", () => made().includes("get 403"));
    expect(objects.version(keyOf("other"))).toBeUndefined();
    await deleteSecret("mine");
  });
});

test("the right to get Secrets by name is enough to follow them by looking now and then", async () => {
  await followAs("getter", ["get"], ["token"]);
  await liveThrough("token");
  expect(made()).toEqual(["get 200", "get 404", "list 403"]);
  expect(calls.filter(({ verb }) => verb === "list")).toHaveLength(1);
});
