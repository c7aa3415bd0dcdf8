import { beforeAll, describe, expect, test } from "@jest/globals";
import { uniqueName } from "../../support/cluster.ts";
import { cellsOf, kestraflow, normalised } from "../../support/commandLine.ts";
import type { Ended } from "../../support/commandLine.ts";
import { eventually } from "../../support/eventually.ts";
import { scheduledFlow } from "../backfill/scene.ts";
import { CliScene } from "./scene.ts";

const lease = uniqueName("lease");
const scene = new CliScene("cli-get", {
  LEADER_ELECTION: "true",
  LEASE_NAME: lease,
  LEASE_DURATION: "3s",
});

beforeAll(async () => {
  const { cluster, namespace } = scene;
  const hourly = scheduledFlow(namespace, "hourly", "0 * * * *", { trigger: "timezone: UTC" });
  await cluster.createFlow("good", { source: scene.source("good") });
  await cluster.createFlow("bad", { source: scene.source("bad").replace("log.Log", "log.Nope") });
  await cluster.createFlow("edited", { source: scene.source("edited"), driftPolicy: "Report" });
  await cluster.createFlow("hourly", { source: hourly });
  await cluster.kvs.create("count", { namespace, key: "count", value: 1 });
  await cluster.kvs.create("waits", {
    namespace,
    key: "waits",
    valueFrom: { secretKeyRef: { name: "nowhere", key: "k" } },
  });
  const target = { flowRef: { name: "hourly" } };
  const range = { start: "2024-01-01T00:00:00Z", end: "2024-01-01T02:00:00Z" };
  await cluster.backfills.create("counted", { target, ...range, mode: "Preview" });
  await cluster.waitReady("edited");
  await scene.kestra.edit(namespace, "edited", scene.source("edited", "by hand"));
  await cluster.waitFor("edited", "Drifted", "True");
  await cluster.waitReady("good");
  await cluster.waitFor("bad", "Ready", "False", "InvalidFlow");
  await cluster.kvs.waitReady("count");
  await cluster.kvs.waitFor("waits", "Ready", "False", "ReferenceMissing");
  await cluster.backfills.waitFor("counted", "Ready", "True", "Previewed", { within: 40_000 });
}, 90_000);

/** Runs a command on the namespace of the scene. */
async function run(...args: string[]): Promise<Ended> {
  return clean(await kestraflow([...args, "-n", scene.cluster.name]));
}

function clean({ code, stdout, stderr }: Ended): Ended {
  const names = { KUBE: scene.cluster.name, KESTRA: scene.namespace, LEASE: lease };
  const [out, err] = [stdout, stderr].map((text) => normalised(text, names).replace(/\b\d+[smh]\b/g, "TIME"));
  return { code, stdout: out ?? "", stderr: err ?? "" };
}

describe("get", () => {
  test("shows everything, with what Kestra has", async () => {
    const { code, stdout } = await run("get", "all");

    expect(cellsOf(stdout)).toEqual([
      "NAME | FLOW | REVISION | READY | REASON | IN KESTRA | AGE",
      "bad | - | - | False | InvalidFlow | - | TIME",
      "edited | KESTRA/edited | 1 | True | Synced, Drifted | revision 2, drifted | TIME",
      "good | KESTRA/good | 1 | True | Synced | revision 1 | TIME",
      "hourly | KESTRA/hourly | 1 | True | Synced | revision 1 | TIME",
      "",
      "NAME | ENTRY | TYPE | VERSION | READY | REASON | IN KESTRA | AGE",
      "count | KESTRA/count | NUMBER | 1 | True | Synced | version 1 | TIME",
      "waits | KESTRA/waits | - | - | False | ReferenceMissing | - | TIME",
      "",
      "NAME | FLOW | STATE | DONE | FAILED | LEFT | READY | REASON | IN KESTRA | AGE",
      "counted | KESTRA/hourly | Previewed | 0/3 | 0 | - | True | Previewed | nothing handed over | TIME",
    ]);
    expect(code).toBe(0);
  });

  test("needs no Kestra, and shows messages with -o wide", async () => {
    const { code, stdout } = clean(
      await kestraflow(["get", "kv", "-n", scene.cluster.name, "-o", "wide"], { env: { KESTRA_URL: undefined } }),
    );

    expect(cellsOf(stdout)).toEqual([
      "NAME | ENTRY | TYPE | VERSION | READY | REASON | AGE | MESSAGE",
      "count | KESTRA/count | NUMBER | 1 | True | Synced | TIME | Kestra holds the entry as declared.",
      "waits | KESTRA/waits | - | - | False | ReferenceMissing | TIME | Waiting for the Secret nowhere.",
    ]);
    expect(code).toBe(0);
  });

  test("gives names, JSON, and one object by its name", async () => {
    expect(await run("get", "bf", "-o", "name")).toEqual({
      code: 0,
      stdout: "backfill.kestraflow.dev/counted\n",
      stderr: "",
    });
    const list = JSON.parse((await run("get", "flows", "-o", "json")).stdout) as {
      kind: string;
      items: { metadata: { name: string; managedFields?: unknown }; inKestra?: { revision: number } }[];
    };
    expect(list.kind).toBe("List");
    expect(list.items.map(({ metadata, inKestra }) => [metadata.name, inKestra?.revision])).toEqual([
      ["bad", undefined],
      ["edited", 2],
      ["good", 1],
      ["hourly", 1],
    ]);
    expect(list.items.some(({ metadata }) => metadata.managedFields !== undefined)).toBe(false);
    expect((await run("get", "flow", "good", "-o", "yaml")).stdout).toMatch(
      /^apiVersion: kestraflow\.dev\/v1alpha1\nkind: KestraFlow\n/,
    );
  });

  test("selects by label, and finds nothing where nothing is", async () => {
    expect(await run("get", "all", "-l", "team=none")).toEqual({
      code: 0,
      stdout: "",
      stderr: "No resources found in the namespace KUBE.\n",
    });
    expect(await run("get", "flow", "nope")).toEqual({
      code: 2,
      stdout: "",
      stderr: "There is no KestraFlow nope in the namespace KUBE.\n",
    });
  });

  test("shows the namespaces of all", async () => {
    const { stdout } = clean(await kestraflow(["get", "flows", "-A"]));
    expect(cellsOf(stdout)).toContain("KUBE | good | KESTRA/good | 1 | True | Synced | revision 1 | TIME");
  });

  test("says what is wrong with a command line", async () => {
    const { code, stderr } = await run("get", "pods");
    expect(code).toBe(2);
    expect(stderr).toBe(
      "error: command-argument value 'pods' is invalid for argument 'kind'. It is flows, kv, backfills or all.\n",
    );
    expect((await run("get", "flows", "-o", "xml")).stderr).toMatch(/Allowed choices are wide, json, yaml, name/);
  });
});

describe("status", () => {
  test("says in one look what is not well", async () => {
    const { code, stdout } = await run("status", "--lease-name", lease);

    const [operator = "", kestra = "", , ...tables] = cellsOf(stdout);
    expect(operator).toMatch(/^Operator \| \S+ holds the Lease KUBE\/LEASE, renewed (TIME|0s) ago$/);
    expect(kestra).toMatch(/^Kestra \| \d+\.\d+\.\d+ answers, and takes the login$/);
    expect(tables).toEqual([
      "KIND | TOTAL | READY | WAITING | STALLED | PAUSED",
      "KestraFlow | 4 | 3 | 0 | 1 | 0",
      "KestraKV | 2 | 1 | 1 | 0 | 0",
      "Backfill | 1 | 1 | 0 | 0 | 0",
      "",
      "Not Ready",
      "KIND | NAME | REASON | MESSAGE",
      "KestraFlow | KUBE/bad | InvalidFlow | Kestra refuses the flow: tasks[0].type: Invalid type: io.kestra.plugin.core.log.Nope.",
      "KestraKV | KUBE/waits | ReferenceMissing | Waiting for the Secret nowhere.",
      "",
      "Drifted",
      "KIND | NAME | REASON | MESSAGE",
      "KestraFlow | KUBE/edited | Edited | The flow KESTRA/edited was edited in Kestra.",
    ]);
    expect(code).toBe(1);
  });

  test("sees that no operator leads, and that Kestra is away", async () => {
    const env = { KESTRA_URL: "http://127.0.0.1:9" };
    const { code, stdout } = clean(
      await kestraflow(["status", "-n", scene.cluster.name, "--lease-name", "none-such", "-o", "json"], { env }),
    );

    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      operator: { state: "none" },
      kestra: { state: "trouble", message: "configs: ECONNREFUSED" },
      notReady: [{ name: "KUBE/bad" }, { name: "KUBE/waits" }],
    });
  });

  test("sees that the leader is gone", async () => {
    await scene.operator.kill("SIGKILL");
    await eventually(async () => {
      const { stdout } = await run("status", "--lease-name", lease);
      expect(stdout).toMatch(/held the Lease KUBE\/LEASE last, renewed .* ago: it does not run any more/);
    });
  });
});
