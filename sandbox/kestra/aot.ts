import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { choosePort } from "../ports.ts";
import { type EngineBuild, defaultLogin, engineCommand, engineReady } from "./server.ts";

/** The first JDK whose ahead-of-time cache works for the engine server. */
export const oldestWithAot = 25;

const START_LIMIT_MS = 180_000;
const END_LIMIT_MS = 180_000;

const trainingFlow = `id: training
namespace: training
inputs: [{id: name, type: STRING, defaults: you}]
tasks: [{id: log, type: io.kestra.plugin.core.log.Log, message: "{{ inputs.name }}"}]
triggers: [{id: daily, type: io.kestra.plugin.core.trigger.Schedule, cron: "0 0 * * *"}]
`;

/**
 * Makes the file with which the JVM starts the engine server in half the time, in a folder of its own inside `work`, and
 * returns that folder. One run records what is loaded and linked, the JVM writes it down, and a second run proves that the
 * file is accepted; where it is not, the folder stays empty and starts are only slower.
 */
export async function makeAotCache(
  build: EngineBuild,
  work: string,
  report: (message: string) => void,
): Promise<string> {
  report("engine server: recording a start, so that later ones are fast (usually 20 to 40 s)");
  const folder = join(work, "start");
  await mkdir(folder);
  const file = join(folder, "engine.aot");
  try {
    await run(build, [`-XX:AOTCacheOutput=${file}`], train);
    await run(build, [`-XX:AOTCache=${file}`, "-XX:AOTMode=on"], () => Promise.resolve());
  } catch (error) {
    report(`engine server: starts stay slow: ${error instanceof Error ? error.message : String(error)}`);
    await rm(file, { force: true });
  }
  return folder;
}

async function run(build: EngineBuild, flags: string[], work: (url: string) => Promise<void>): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), "engine-aot-"));
  const port = await choosePort(new Set());
  const url = `http://127.0.0.1:${port}`;
  const { command, args, env } = engineCommand({ ...build, aotCache: undefined }, { port, dataDir });
  const child = spawn(command, [...flags, ...args], { env: { ...process.env, ...env }, stdio: "ignore" });
  const exited = once(child, "exit");
  try {
    await ready(child, url);
    await work(url);
    child.kill("SIGTERM");
    const ended = await Promise.race([exited.then(() => true), sleep(END_LIMIT_MS, false, { ref: false })]);
    if (!ended) throw new Error("the engine server did not end");
  } finally {
    child.kill("SIGKILL");
    await exited;
    await rm(dataDir, { recursive: true, force: true });
  }
}

async function ready(child: ChildProcess, url: string): Promise<void> {
  const deadline = Date.now() + START_LIMIT_MS;
  while (!(await engineReady(url))) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error("the engine server ended at its start");
    if (Date.now() > deadline) throw new Error("the engine server did not start");
    await sleep(100);
  }
}

/** What a test run does first. */
async function train(url: string): Promise<void> {
  const yaml = { "content-type": "application/x-yaml" };
  await call("POST", "flows/validate", yaml, trainingFlow);
  await call("POST", "flows", yaml, trainingFlow);
  await call("PUT", "flows/training/training", yaml, `${trainingFlow}# edited\n`);
  await call("GET", "flows/training/training?source=true");
  await call("GET", "flows/search?filters[namespace][EQUALS]=training&size=10&sort=id:asc");
  await call("PUT", "namespaces/training/kv/key", { "content-type": "text/plain" }, '"value"');
  await call("GET", "namespaces/training/kv/key");
  await call("GET", "triggers/training/training");
  await call("POST", "executions/training/training?wait=true");
  await call("GET", "executions/search?filters[namespace][EQUALS]=training");

  async function call(
    method: string,
    path: string,
    headers: Record<string, string> = {},
    body?: string,
  ): Promise<void> {
    const login = Buffer.from(`${defaultLogin.username}:${defaultLogin.password}`).toString("base64");
    const answer = await fetch(new URL(`/api/v1/main/${path}`, url), {
      method,
      headers: { authorization: `Basic ${login}`, ...headers },
      ...(body === undefined ? {} : { body }),
    });
    if (!answer.ok) throw new Error(`training: ${method} ${path}: ${answer.status} ${await answer.text()}`);
    await answer.arrayBuffer();
  }
}
