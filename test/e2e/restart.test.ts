import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { nodeOf } from "../../sandbox/kind/cluster.ts";
import { docker } from "../../sandbox/kind/docker.ts";
import { runningDocker } from "../../sandbox/kind/dockerEngine.ts";
import { kubectl, TestNamespace, uniqueName } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { flowSource } from "../support/flowSource.ts";
import { TestKestra } from "../support/kestra.ts";
import { installed, OPERATOR, psql, STACK, state } from "./installation.ts";

jest.setTimeout(900_000);

const kestra = new TestKestra();
const place = uniqueName("e2e-restart");
const PATIENCE = { within: 300_000, every: 1_000 };
let namespace: TestNamespace;

beforeAll(async () => {
  await installed();
  namespace = await TestNamespace.create("e2e-restart");
}, 600_000);

afterAll(async () => {
  await kubectl(["delete", "kestraflows,kestrakvs", "--namespace", namespace.name, "--all", "--timeout=60s"]);
  await namespace.destroy();
});

test("after a restart of the node everything is there and the operator goes on", async () => {
  await namespace.createFlow("flow", { source: flowSource(place, "flow") });
  await namespace.kvs.create("entry", { namespace: place, key: "entry", value: "kept" });
  await namespace.waitReady("flow");
  await namespace.kvs.waitReady("entry");
  const table = place.replaceAll("-", "_");
  await psql(`create table ${table} as select 1 as x`);

  const engine = await runningDocker();
  if (!engine) throw new Error("the Docker engine of the cluster does not answer");
  await docker(engine, ["restart", nodeOf(state.name)]);

  await eventually(() => kubectl(["get", "--raw", "/readyz"]), PATIENCE);
  await eventually(async () => expect(await kestra.flow(place, "flow")).toMatchObject({ revision: 1 }), PATIENCE);
  expect((await kestra.value(place, "entry"))?.value).toBe("kept");
  await eventually(async () => expect(await psql(`select x from ${table}`)).toBe("1"), PATIENCE);
  await psql(`drop table ${table}`);
  for (const { namespace } of [STACK, OPERATOR])
    await kubectl(["wait", "--namespace", namespace, "--for=condition=Ready", "pods", "--all", "--timeout=4m"]);

  const source = flowSource(place, "flow", "after the restart");
  await eventually(() => namespace.patchSpec("flow", { source }), PATIENCE);
  await eventually(async () => expect((await kestra.flow(place, "flow"))?.source).toBe(source), PATIENCE);
  await namespace.waitReady("flow", PATIENCE);
});
