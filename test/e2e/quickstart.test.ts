import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, jest, test } from "@jest/globals";
import { clusterFolder } from "../../sandbox/kind/folders.ts";
import type { Outcome } from "../../sandbox/quickstart/outcome.ts";
import { root } from "../support/cluster.ts";

jest.setTimeout(900_000);

const folder = mkdtempSync(join(tmpdir(), "quickstart-kind-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("the quick start takes the tutorial to Ready in a kind cluster, shows all of it, and leaves no cluster behind", async () => {
  const json = join(folder, "outcome.json");
  const script = join(root, "sandbox", "quickstart.ts");
  const child = spawn(process.execPath, [script, "--exit", "--cluster", "kind", "--json", json], { cwd: root });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const [code] = (await once(child, "exit")) as [number | null];

  expect({ code, output }).toMatchObject({ code: 0 });
  const outcome = JSON.parse(readFileSync(json, "utf8")) as Outcome;
  expect(outcome).toMatchObject({ cluster: "kind", execution: { flow: "01_hello_world", state: "SUCCESS" } });
  expect(outcome.flows).toHaveLength(12);
  for (const flow of outcome.flows) expect(flow).toMatchObject({ ready: true, reason: "Synced", revision: 1 });
  for (const entry of outcome.entries) expect(entry).toMatchObject({ ready: true });
  const example = outcome.backfills.find(({ name }) => name === "hourly-log-night");
  expect(example).toMatchObject({ state: "Complete", progress: "8/8" });
  expect(existsSync(clusterFolder("quickstart").folder)).toBe(false);
});
