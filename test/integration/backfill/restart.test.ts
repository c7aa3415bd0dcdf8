import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { cacheFolder } from "../../../sandbox/folders.ts";
import { buildEngine, defaultLogin, engineCommand, engineReady } from "../../../sandbox/kestra/engine.ts";
import type { EngineBuild } from "../../../sandbox/kestra/engine.ts";
import { isPortFree } from "../../../sandbox/ports.ts";
import { TestNamespace } from "../../support/cluster.ts";
import { eventually } from "../../support/eventually.ts";
import { TestKestra } from "../../support/kestra.ts";
import { OperatorProcess } from "../../support/operator.ts";
import { hours, scheduledFlow, slotOf, HOURLY } from "./scene.ts";

jest.setTimeout(360_000);

/** An engine of its own, as the one that all tests share must not be stopped. */
let build: EngineBuild;
let folder: string;
let port: number;
let engine: ChildProcess | undefined;
let cluster: TestNamespace;
let operator: OperatorProcess;
let kestra: TestKestra;

beforeAll(async () => {
  build = await buildEngine({ line: "1.1", cacheDir: cacheFolder(), report: () => undefined });
  folder = await mkdtemp(join(tmpdir(), "kestraflow-restart-"));
  port = 29_000 + (process.pid % 900);
  while (!(await isPortFree(port))) port += 1;
  await startEngine();
  const { username, password } = defaultLogin;
  kestra = new TestKestra(`http://127.0.0.1:${port}`, `${username}:${password}`);
  cluster = await TestNamespace.create("bf-restart");
  operator = await OperatorProcess.start(cluster.name, { settings: { KESTRA_URL: kestra.url } });
}, 240_000);

afterAll(async () => {
  await operator.stop();
  await cluster.destroy();
  await stopEngine();
  await rm(folder, { recursive: true });
});

test("when Kestra is restarted in the midst of it, it goes on, and every slot is run once", async () => {
  const id = "restart";
  await kestra.create(scheduledFlow(cluster.name, id, HOURLY));
  await cluster.backfills.create(id, {
    target: { namespace: cluster.name, id },
    start: "2024-01-01T00:00:00Z",
    end: "2024-01-01T07:00:00Z",
  });
  await eventually(
    async () => {
      expect((await kestra.executions(cluster.name, id)).length).toBeGreaterThanOrEqual(2);
    },
    { within: 60_000 },
  );
  await stopEngine();
  await eventually(
    () => {
      expect(operator.output).toContain("Kestra cannot be used");
    },
    { within: 60_000 },
  );
  await startEngine();
  const { status } = await cluster.backfills.waitUntil(id, ({ status }) => status?.finishedAt !== undefined, {
    within: 60_000,
  });
  expect(status).toMatchObject({ state: "Complete", attempt: 1, slots: { total: 8, done: 8 } });
  expect((await kestra.executions(cluster.name, id)).map(slotOf)).toEqual(hours(0, 7));
});

async function startEngine(): Promise<void> {
  const { command, args, env } = engineCommand(build, { port, dataDir: folder });
  engine = spawn(command, args, { env: { ...process.env, ...env }, stdio: "ignore" });
  await eventually(
    async () => {
      if (!(await engineReady(`http://127.0.0.1:${port}`))) throw new Error("the engine is not ready yet");
    },
    { within: 120_000, every: 200 },
  );
}

async function stopEngine(): Promise<void> {
  if (engine?.exitCode !== null) return;
  const ended = once(engine, "exit");
  engine.kill("SIGTERM");
  await ended;
}
