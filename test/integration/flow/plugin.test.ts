import { beforeAll, expect, test } from "@jest/globals";
import { findCondition } from "../../../src/kubernetes/conditions.ts";
import { hasSandbox, restartServer, sandbox } from "../../support/sandbox.ts";
import { Scene } from "./scene.ts";

const scene = new Scene("plugin", { STALLED_RETRY_INTERVAL: "1h" });
const type = "io.kestraflow.sample.Greet";

/** Without a sandbox, or with the official image in it, no plugin can be installed. */
const samplePlugins = hasSandbox() ? (await sandbox()).kestra?.samplePlugins : undefined;
const installable = samplePlugins === undefined ? test.skip : test;

// It stays installed, which is no harm to anybody but the next run of this test in the same sandbox.
beforeAll(async () => {
  if (samplePlugins !== undefined && (await isKnown(type))) await restartServer("kestra", { plugins: null });
}, 60_000);

installable(
  "a flow whose plugin is missing says so, and heals by itself once the plugin is installed",
  async () => {
    const source = scene.source("greet").replace("io.kestra.plugin.core.log.Log", type).replace("message:", "name:");
    const next = scene.source("bystander", "edited while the flow waits for its plugin");
    await scene.cluster.createFlow("bystander", { source: scene.source("bystander") });
    await scene.cluster.createFlow("greet", { source });
    await scene.cluster.waitReady("bystander");
    const stalled = await scene.cluster.waitFor("greet", "Stalled", "True", "InvalidFlow");
    expect(findCondition(stalled.status?.conditions, "Ready")?.message).toContain(
      `Kestra refuses the flow: tasks[0].type: `,
    );
    expect(findCondition(stalled.status?.conditions, "Ready")?.message).toContain(`Invalid type: ${type}`);
    await scene.cluster.patchSpec("bystander", { source: next });
    await scene.waitStored("bystander", next);

    await restartServer("kestra", { plugins: samplePlugins ?? null });
    await scene.cluster.waitReady("greet", { within: 30_000 });
    expect((await scene.stored("greet")).source).toBe(source);
    const { status } = await scene.cluster.waitReady("bystander");
    expect(status?.flow?.revision).toBe(2);
    expect((await scene.stored("bystander")).revision).toBe(2);
  },
  120_000,
);

/** Whether Kestra's validation knows a task type. */
async function isKnown(taskType: string): Promise<boolean> {
  const source = `id: probe\nnamespace: probe\ntasks: [{id: probe, type: ${taskType}}]\n`;
  const response = await scene.kestra.call("POST", "/flows/validate", source, "application/x-yaml");
  const [verdict] = (await response.json()) as { constraints?: string }[];
  return verdict?.constraints === undefined;
}
