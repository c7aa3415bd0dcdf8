import { execFile } from "node:child_process";
import { chmodSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "@jest/globals";
import { root } from "../../support/cluster.ts";
import { flowSource } from "../../support/flowSource.ts";
import { kestraflow } from "../../support/commandLine.ts";
import { ExportScene } from "./exportScene.ts";

const run = promisify(execFile);
const scene = new ExportScene("cliexport");

/** Names of the objects in a stream. */
const namesIn = (stream: string): string[] => [...stream.matchAll(/^ {2}name: (.*)$/gm)].map(([, name = ""]) => name);

describe("export", () => {
  const select = (...flags: string[]) => kestraflow(["export", "--kestra-namespace", `${scene.namespace}*`, ...flags]);

  test("selects by namespace, id, label and key", async () => {
    const labelled = flowSource(scene.namespace, "with-label").replace("tasks:", "labels:\n  team: data\ntasks:");
    await scene.seedFlows([labelled, flowSource(scene.namespace, "plain"), flowSource(scene.other, "plain")]);
    await scene.seedEntries(scene.namespace, [
      { key: "SETTING", ion: '"open"' },
      { key: "API_TOKEN", ion: '"canary-token"' },
    ]);
    const named = async (...flags: string[]) => namesIn((await select(...flags)).stdout);
    const { namespace } = scene;
    expect(await named("--no-kv", "--label", "team=data")).toEqual([`${namespace}.with-label`]);
    expect(await named("--no-kv", "--id", "pl*", "--kestra-namespace", scene.namespace)).toHaveLength(2);
    expect(namesIn((await kestraflow(["export", "--no-kv", "--kestra-namespace", namespace])).stdout)).toEqual([
      `${namespace}.plain`,
      `${namespace}.with-label`,
    ]);
    expect(await named("--no-flows", "--key", "SET*")).toEqual([`${namespace}.setting`]);
  });

  test("leaves the values of chosen entries to Secrets", async () => {
    const { stdout, stderr } = await select("--no-flows", "--kv-secrets", "*_TOKEN");
    expect(stdout).toContain("value: open");
    expect(stdout).toContain(`secretKeyRef:\n      name: ${scene.namespace}.api-token\n      key: value`);
    expect(stdout).toContain("kind: Secret");
    expect(stdout + stderr).not.toContain("canary");
  });

  test("writes no value to a terminal", async () => {
    const command = `${process.execPath} ${join(root, "dist", "main.js")} export --kestra-namespace ${scene.namespace}`;
    const { stdout } = await run("script", ["-qc", command, "/dev/null"]);
    expect(stdout).toContain("The values of entries are not written to a terminal");
    expect(stdout).not.toContain("canary");
    expect(stdout).not.toContain("open");
  });

  test("of what is not there is a mistake", async () => {
    const { code, stdout, stderr } = await kestraflow(["export", "--kestra-namespace", "nothing.here"]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain("nothing was found that is selected");
  });
});

test("kubectl runs it as its plugin", async () => {
  // As npm installs it.
  const main = join(root, "dist", "main.js");
  chmodSync(main, 0o755);
  symlinkSync(main, join(scene.folder, "kubectl-kestra"));
  const env = { ...process.env, PATH: `${scene.folder}:${dirname(process.execPath)}:${process.env.PATH ?? ""}` };
  const { stdout } = await run("kubectl", ["kestra", "export", "--help"], { env });
  expect(stdout).toContain("Usage: kubectl kestra export [options]");
});
