import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { FaultProxy } from "../../support/faultProxy.ts";
import { always } from "../../support/eventually.ts";
import { apiServerOf, ServiceAccount, SERVING } from "../process/access.ts";
import { fromSecret, KvScene, messageOf } from "./scene.ts";

jest.setTimeout(120_000);

const POLL_MS = 500;
const scene = new KvScene("rights", { SECRET_POLL_INTERVAL: `${POLL_MS}ms` });

/** What serving needs apart from Secrets. */
const WITHOUT_SECRETS = SERVING.replace("[configmaps, secrets]", "[configmaps]");

const secrets = (verbs: string, names = ""): string => `
  - apiGroups: [""]
    resources: [secrets]${names === "" ? "" : `\n    resourceNames: [${names}]`}
    verbs: [${verbs}]`;

let account: ServiceAccount;
let kubernetes: FaultProxy;
const grant = (rules: string): Promise<void> => account.grantIn(scene.cluster.name, rules);

beforeAll(async () => {
  account = await ServiceAccount.create(scene.cluster, "operator");
  kubernetes = await FaultProxy.before(apiServerOf(scene.cluster));
});

afterAll(async () => {
  await kubernetes.close();
  await account.remove();
});

/** The operator with these rights. */
async function restartWith(rules: string): Promise<void> {
  await grant(WITHOUT_SECRETS + rules);
  await account.waitAllowed("list", "kestrakvs", scene.cluster.name);
  await scene.restartOperator({ KUBECONFIG: await account.kubeconfig({ url: kubernetes.url }) });
}

test("a Secret that may be got but not watched is looked at in a stated interval", async () => {
  await restartWith(secrets("get"));
  await scene.following("polled", "one");
  for (const next of ["two", "three"]) {
    const rotate = () => scene.cluster.putSecret("polled", { value: next });
    // An interval is longer by up to a quarter; the rest is for the call and the write.
    expect(await scene.timeUntil("polled", next, rotate)).toBeLessThan(POLL_MS * 1.25 + 1_500);
  }
  expect(await scene.version("polled")).toBe(3);
  expect(scene.operator.output).toContain("watching it is forbidden, looking at it instead");

  await scene.cluster.deleteSecret("polled");
  await scene.kvs.waitFor("polled", "Reconciling", "True", "ReferenceMissing");
  await scene.cluster.putSecret("polled", { value: "back" });
  await scene.waitValue("polled", "back");
});

test("a Role that names the one Secret is enough to watch it; another one is waited for, with a condition that says what to grant", async () => {
  await restartWith(secrets("get, list, watch", "named"));
  await scene.following("named", "one");
  kubernetes.log.length = 0;
  const rotate = () => scene.cluster.putSecret("named", { value: "two" });
  expect(await scene.timeUntil("named", "two", rotate)).toBeLessThan(2_000);
  expect(kubernetes.log.filter(({ status, path }) => status === 403 && path.includes("named"))).toEqual([]);

  await scene.cluster.putSecret("unnamed", { value: "a-value-that-may-not-be-read" });
  await scene.create("unnamed", fromSecret("unnamed"));
  const resource = await scene.kvs.waitFor("unnamed", "Reconciling", "True", "ReferenceForbidden");
  expect(messageOf(resource)).toBe(
    `Waiting for the right to get the Secret unnamed: have the operator's role in the namespace ${scene.cluster.name} extended.`,
  );
  await grant(WITHOUT_SECRETS + secrets("get, list, watch"));
  await scene.waitValue("unnamed", "a-value-that-may-not-be-read");
  await scene.kvs.waitReady("unnamed");
});

test("rights that are taken away leave the last good value, and the condition says what to grant", async () => {
  await restartWith(secrets("get, list, watch"));
  await scene.following("taken", "good");
  await grant(WITHOUT_SECRETS);
  await scene.kvs.annotate("taken", { "kestraflow.dev/reconcile-requested-at": "1" });
  await always(async () => {
    expect((await scene.stored("taken")).value).toBe("good");
  }, 1_000);
  await scene.kvs.patchSpec("taken", { description: "edited" });
  const resource = await scene.kvs.waitFor("taken", "Reconciling", "True", "ReferenceForbidden");
  expect(messageOf(resource)).toContain(`Kestra keeps version 1 of ${scene.namespace}/taken.`);
  await grant(WITHOUT_SECRETS + secrets("get"));
  await scene.kvs.waitReady("taken");
  expect(await scene.entry("taken")).toMatchObject({ version: 2, description: "edited" });
});
