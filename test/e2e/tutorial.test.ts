import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { loadAll } from "js-yaml";
import { kubectl, root, TestNamespace, uniqueName } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { TestKestra } from "../support/kestra.ts";
import { get, helm, images, installed, OPERATOR, psql, STACK } from "./installation.ts";

jest.setTimeout(300_000);

const kestra = new TestKestra();
const FLOWS = join(root, "flows");
let namespace: TestNamespace;

beforeAll(async () => {
  await installed();
  namespace = await TestNamespace.create("e2e-tutorial");
}, 600_000);

afterAll(async () => {
  await kubectl(["delete", "--namespace", namespace.name, "--kustomize", FLOWS, "--ignore-not-found", "--timeout=60s"]);
  await namespace.destroy();
});

test("helm's own tests of both releases pass", async () => {
  for (const { release, namespace } of [STACK, OPERATOR])
    expect(await helm("test", release, "--namespace", namespace, "--timeout", "3m")).toMatch(/Phase: +Succeeded/);
});

test("the operator's pods run in a namespace that takes restricted pods only", async () => {
  const label = (value: string) =>
    kubectl(["label", "namespace", OPERATOR.namespace, "--overwrite", `pod-security.kubernetes.io/enforce${value}`]);
  await label("=restricted");
  try {
    const deployment = "deployment/kestraflow-kestraflow-operator";
    await kubectl(["rollout", "restart", "--namespace", OPERATOR.namespace, deployment]);
    await kubectl(["rollout", "status", "--namespace", OPERATOR.namespace, deployment, "--timeout=3m"]);
  } finally {
    await kubectl(["label", "namespace", OPERATOR.namespace, "pod-security.kubernetes.io/enforce-"]);
  }
});

test("the tutorial is applied and becomes Ready, and Kestra holds every flow as it was written", async () => {
  await kubectl(["apply", "--namespace", namespace.name, "--kustomize", FLOWS]);
  const kinds = "kestraflows,kestrakvs,backfills";
  await kubectl(["wait", "--namespace", namespace.name, "--for=condition=Ready", kinds, "--all", "--timeout=3m"]);
  const written = sources();
  expect(written.length).toBeGreaterThanOrEqual(12);
  const held = await kestra.flows("zoomcamp");
  expect(held).toHaveLength(written.length);
  for (const source of written) {
    const id = /^id: (\S+)$/m.exec(source)?.[1] ?? "";
    expect((await kestra.flow("zoomcamp", id))?.source).toBe(source);
  }
});

test("an entry follows its Secret", async () => {
  const name = uniqueName("entry");
  await namespace.putSecret("login", { password: "first" });
  const valueFrom = { secretKeyRef: { name: "login", key: "password" } };
  await namespace.kvs.create(name, { namespace: "zoomcamp", key: name, valueFrom });
  await namespace.kvs.waitReady(name);
  expect((await kestra.value("zoomcamp", name))?.value).toBe("first");
  await namespace.putSecret("login", { password: "second" });
  await eventually(async () => expect((await kestra.value("zoomcamp", name))?.value).toBe("second"));
  await namespace.kvs.delete(name);
  await namespace.kvs.waitGone(name);
  expect(await kestra.value("zoomcamp", name)).toBeUndefined();
});

test("a backfill runs each of its slots once and is Complete", async () => {
  await namespace.backfills.waitFor("hourly-log-night", "Complete", "True", undefined, { within: 120_000 });
  const { status } = await namespace.backfills.get("hourly-log-night");
  // Those of an earlier run of the same cluster are present: no slot is run twice.
  const { total, present = 0, done = 0, failed } = status?.slots ?? {};
  expect({ total, done: present + done, failed }).toEqual({ total: 8, done: 8, failed: 0 });
  const executions = await kestra.executions("zoomcamp", "hourly_log");
  const dates = executions.map(({ trigger }) => trigger?.variables?.date ?? "").filter((date) => date < "2024-01-02");
  expect(new Set(dates).size).toBe(8);
  expect(dates).toHaveLength(8);
});

test("ny_taxi can be written and read from Kestra's pod, under the tutorial's host name and login", async () => {
  const container = uniqueName("psql");
  const table = container.replace("-", "_");
  const sql = `create table ${table} (x int); insert into ${table} values (1), (2); select 'sum=' || sum(x) from ${table}; drop table ${table}`;
  const psql = ["psql", "--host=pgdatabase", "--username=root", "--dbname=ny_taxi", "--tuples-only", "--command", sql];
  // It shares the network of Kestra's pod, and with it what a host name means there.
  const debug = ["debug", "--namespace", STACK.namespace, "kestra-0", `--container=${container}`, "--profile=general"];
  const image = [`--image=${images.postgres}`, "--image-pull-policy=Never", "--env=PGPASSWORD=root"];
  await kubectl([...debug, ...image, "--", ...psql]);
  interface Pod {
    status: { ephemeralContainerStatuses?: { name: string; state: { terminated?: { exitCode: number } } }[] };
  }
  const ended = await eventually(
    async () => {
      const { status } = await get<Pod>("pod", "kestra-0", "--namespace", STACK.namespace);
      const found = status.ephemeralContainerStatuses?.find(({ name }) => name === container)?.state.terminated;
      if (!found) throw new Error(`psql has not ended: ${JSON.stringify(status.ephemeralContainerStatuses)}`);
      return found;
    },
    { within: 120_000 },
  );
  const logs = await kubectl(["logs", "--namespace", STACK.namespace, "kestra-0", "--container", container]);
  expect({ ...ended, logs }).toMatchObject({ exitCode: 0, logs: expect.stringContaining("sum=3") });
});

// Kestra's engine, where it stands in for the official image, has no Postgres plugin.
(images.isEngine ? test.skip : test)(
  "flow 04 writes a month of trips, and none twice",
  async () => {
    const load = async (): Promise<number> => {
      const id = await kestra.execute("zoomcamp", "04_postgres_taxi", { taxi: "green", year: "2020", month: "04" });
      await eventually(async () => expect((await kestra.execution(id)).state.current).toBe("SUCCESS"), {
        within: 240_000,
        every: 1_000,
      });
      return Number(await psql("select count(*) from green_tripdata"));
    };
    const rows = await load();
    expect(rows).toBeGreaterThan(0);
    expect(await load()).toBe(rows);
  },
  600_000,
);

test("what is deleted goes from Kestra too", async () => {
  await kubectl(["delete", "--namespace", namespace.name, "--kustomize", FLOWS, "--timeout=90s"]);
  expect(await kestra.flows("zoomcamp")).toEqual([]);
});

/** The text of every flow in the tutorial's manifests. */
function sources(): string[] {
  interface Manifest {
    kind?: string;
    spec?: { source?: string };
  }
  return readdirSync(FLOWS)
    .filter((file) => file.endsWith(".yaml"))
    .flatMap((file) => loadAll(readFileSync(join(FLOWS, file), "utf8")) as (Manifest | null)[])
    .flatMap((manifest) => (manifest?.kind === "KestraFlow" ? [manifest.spec?.source ?? ""] : []));
}
