import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { kubectl, root } from "../../support/cluster.ts";
import { eventually } from "../../support/eventually.ts";
import { Scene } from "./scene.ts";

const scene = new Scene("tutorial");
const { kestra } = scene;
const folder = join(root, "flows");
let names: string[];

// In a block of its own, as hooks at the end run from the inside out: the resources go while the operator still runs.
describe("the tutorial's flows", () => {
  beforeAll(async () => {
    await kubectl(["-n", scene.cluster.name, "apply", "-k", folder]);
    names = (await scene.resources()).map(({ metadata }) => metadata.name);
  });

  afterAll(async () => {
    await kubectl(["-n", scene.cluster.name, "delete", "-k", folder, "--timeout=30s"]);
  });

  test("kubectl apply -k flows makes all eleven and the one of the example Ready, without a warning of Kestra", async () => {
    const manifests = (await readdir(folder)).filter((file) => /^\d\d-.*\.yaml$/.test(file));
    expect(manifests).toHaveLength(11);
    expect(names).toHaveLength(manifests.length + 1);
    for (const name of names) {
      const { status } = await scene.cluster.waitReady(name);
      expect(status?.flow?.namespace).toBe("zoomcamp");
      expect(status).not.toHaveProperty("warnings");
      expect(status).not.toHaveProperty("deprecations");
    }
    const ids = (await kestra.flows("zoomcamp")).map(({ id }) => id);
    for (const { status } of await scene.resources()) expect(ids).toContain(status?.flow?.id);
  });

  test("applied again, the flows keep their revisions", async () => {
    // The example's own calls are no writes of flows.
    await scene.cluster.backfills.waitUntil("hourly-log-night", ({ status }) => status?.state === "Complete", {
      within: 60_000,
    });
    const revisions = async () => (await scene.resources()).map(({ status }) => status?.flow?.revision);
    const before = await revisions();
    const writes = await scene.operator.kestraWrites();
    await kubectl(["-n", scene.cluster.name, "apply", "-k", folder]);
    await scene.driftLooks(2);
    expect(await revisions()).toEqual(before);
    expect(await scene.operator.kestraWrites()).toBe(writes);
  });

  test("01_hello_world, executed with a name, ends in SUCCESS and greets it", async () => {
    const id = await kestra.execute("zoomcamp", "01_hello_world", { name: "Ada" });
    const execution = await eventually(async () => {
      const found = await kestra.execution(id);
      expect(["SUCCESS", "FAILED", "WARNING", "KILLED"]).toContain(found.state.current);
      return found as typeof found & { taskRunList: { taskId: string; outputs?: { value?: string } }[] };
    });
    expect(execution.state.current).toBe("SUCCESS");
    expect(execution.inputs).toEqual({ name: "Ada" });
    const greeting = execution.taskRunList.find(({ taskId }) => taskId === "greet");
    expect(greeting?.outputs?.value).toBe("Hello, Ada!");
  });
});
