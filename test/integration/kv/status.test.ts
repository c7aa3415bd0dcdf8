import { expect, test } from "@jest/globals";
import { kubectl, uniqueName } from "../../support/cluster.ts";
import { eventually } from "../../support/eventually.ts";
import { tableOf } from "../../support/table.ts";
import { fromSecret, KvScene } from "./scene.ts";

const scene = new KvScene("status", { STALLED_RETRY_INTERVAL: "1h" });
const { kestra, namespace } = scene;

const get = (...args: string[]): Promise<string> => kubectl(["-n", scene.cluster.name, "get", "kkv", ...args]);

test("kubectl get kkv says in one line what is where, until when, whether it is good, and if not why", async () => {
  await scene.inSync("good", { key: "GOOD_KEY", value: { n: 1 } });
  const { status } = await scene.inSync("timed", { value: 1.5, ttl: "PT1H" });
  await scene.create("bad", { value: "yes", type: "BOOLEAN" });
  await scene.create("waits", fromSecret("not-there"));
  await scene.kvs.waitFor("bad", "Stalled", "True");
  await scene.kvs.waitFor("waits", "Reconciling", "True");

  const AGE = expect.stringMatching(/^\d+[sm]/) as unknown as string;
  const row = { NAMESPACE: namespace, TYPE: "", READY: "False", EXPIRES: "", AGE };
  const expires = status?.entry?.expiresAt ?? "";
  expect(Date.parse(expires)).toBeGreaterThan(Date.now());
  expect(await tableOf(scene.cluster.name, "kkv")).toEqual({
    good: { ...row, KEY: "GOOD_KEY", TYPE: "JSON", READY: "True", REASON: "Synced" },
    timed: { ...row, KEY: "timed", TYPE: "NUMBER", READY: "True", REASON: "Synced", EXPIRES: expires },
    bad: { ...row, KEY: "bad", REASON: "InvalidValue" },
    waits: { ...row, KEY: "waits", REASON: "ReferenceMissing" },
  });
  const category = await kubectl(["-n", scene.cluster.name, "get", "kestra", "-o", "name"]);
  expect(category.split("\n")).toContain("kestrakv.kestraflow.dev/good");
  expect(await get("bad", "-o", "wide")).toContain("The value is not a BOOLEAN");
  await kubectl(["-n", scene.cluster.name, "wait", "--for=condition=Ready", "--timeout=10s", "kkv/good"]);
});

test("no output of kubectl has the value of a Secret, and none that prints a status has a literal", async () => {
  const [secret, literal] = [uniqueName("secret"), uniqueName("literal")];
  await scene.following("hidden", secret);
  await scene.inSync("shown", { value: literal, description: "a literal is in its own manifest, and nowhere else" });
  await kestra.putEntry(namespace, "hidden", `"${secret} edited"`);
  await kestra.putEntry(namespace, "shown", `"${literal} edited"`);
  await eventually(async () => {
    for (const name of ["hidden", "shown"])
      expect((await scene.kvs.get(name)).status?.drift).toMatchObject({ kind: "Edited", corrections: 1 });
  });

  for (const format of ["yaml", "json", "wide", "name", "jsonpath={.items}", "custom-columns=ALL:"])
    expect(await get("-o", format)).not.toContain(secret);
  expect(await kubectl(["-n", scene.cluster.name, "describe", "kkv"])).not.toContain(secret);
  for (const format of ["wide", "name", "jsonpath={.items[*].status}"])
    expect(await get("-o", format)).not.toContain(literal);
  expect(await kubectl(["-n", scene.cluster.name, "get", "events", "-o", "yaml"])).not.toMatch(
    new RegExp(`${secret}|${literal}`),
  );
});

test("Events tell of changes only: none comes with a resync, a request or an operator that starts", async () => {
  await scene.following("told", "one");
  const told = async (name: string) =>
    (await scene.cluster.events(name)).map(({ type, reason, message }) => `${type} ${reason}: ${message}`);
  const wrote = `Normal Applied: Wrote the entry ${namespace}/told.`;
  await eventually(async () => {
    expect(await told("told")).toEqual([wrote]);
    expect(await told("bad")).toEqual([expect.stringMatching(/^Warning InvalidValue: The value is not a BOOLEAN/)]);
    expect(await told("waits")).toEqual(["Warning ReferenceMissing: Waiting for the Secret not-there."]);
  });
  const about = ["told", "bad", "waits", "good"];
  const before = await Promise.all(about.map(told));
  for (const name of about) await scene.kvs.annotate(name, { "kestraflow.dev/reconcile-requested-at": "now" });
  for (const name of about) {
    await eventually(async () => {
      expect((await scene.kvs.get(name)).status?.handledReconcileAt).toBe("now");
    });
  }
  await scene.driftLooks(2);
  await scene.restartOperator();
  await scene.driftLooks(2);
  expect(await Promise.all(about.map(told))).toEqual(before);

  await scene.cluster.putSecret("told", { value: "two" });
  await eventually(async () => {
    const counts = (await scene.cluster.events("told")) as unknown as { message: string; count?: number }[];
    expect(counts.reduce((sum, { count = 1 }) => sum + count, 0)).toBe(2);
  });
});
