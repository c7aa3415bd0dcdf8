// node test/bench/secrets.ts [--n 500] [--others 5000] [--rotations 50] [--seconds 60] [--ways named,cluster,poll]
// What it costs to follow Secrets by name, and in other ways: docs/adr/0009-secrets-are-watched-by-name.md has the figures.
import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { readFileSync, readdirSync, readlinkSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { Command } from "commander";
import { runningComponent } from "../../sandbox/component.ts";
import { down, up } from "../../sandbox/sandbox.ts";
import { inParallel } from "../../src/lib/async.ts";
import { silentLogger } from "../../src/lib/log.ts";
import { KubernetesClient } from "../../src/kubernetes/client.ts";
import { coreTypes, parseKey } from "../../src/kubernetes/objects.ts";
import type { Report, Task, Way } from "./secretFollower.ts";
import { percentile } from "./stats.ts";

const NAMESPACES = 10;
const sandboxName = `bench-${process.pid}`;
const options = new Command("secrets")
  .option("--n <secrets>", "Secrets that are followed", Number, 500)
  .option("--others <secrets>", "Secrets that are there as well", Number, 5000)
  .option("--rotations <rotations>", "Secrets that are changed, one after the other", Number, 50)
  .option("--seconds <seconds>", "for how long the steady state is measured", Number, 60)
  .option("--ways <ways>", "of following them", "named,cluster,poll")
  .parse()
  .opts<{ n: number; others: number; rotations: number; seconds: number; ways: string }>();

const sandbox = await up({ name: sandboxName, kestra: false, tied: true, report: say });
Object.assign(process.env, sandbox.env);
const client = KubernetesClient.connect({ kubeconfig: process.env.KUBECONFIG, logger: silentLogger });
const apiServer = runningComponent(sandboxName, "kube-apiserver")?.pid ?? 0;
try {
  say("creating Secrets");
  const keys = await createSecrets("followed", options.n);
  await createSecrets("other", options.others);
  const idle = await usageOf(apiServer, options.seconds);
  say(`API server at rest: ${round(idle.megabytes)} MB, ${round(idle.cpuPercent)} % of a core`);
  for (const [index, way] of (options.ways.split(",") as Way[]).entries()) {
    say(`following them: ${way}`);
    const figures = await measure(way, keys);
    if (index === 0)
      console.log(row("Way", Object.keys(figures)) + "\n" + row("---", Object.keys(figures).fill("---")));
    console.log(row(way, Object.values(figures).map(round)));
  }
} finally {
  await client.close();
  await down(sandboxName);
}

async function measure(way: Way, keys: string[]): Promise<Record<string, number>> {
  const task: Task = { way, keys };
  const child = fork(new URL("secretFollower.ts", import.meta.url), [], { execArgv: ["--expose-gc"] });
  try {
    await answer(child, { set: task }, "ready");
    await answer(child, { do: "collectGarbage" }, "collected");
    const [before, serverBefore] = [await usageOf(child.pid, 0), await usageOf(apiServer, 0)];
    const known = await answer(child, { do: "follow" }, "known");
    const delays: number[] = [];
    for (let i = 0; i < options.rotations; i++)
      delays.push(await rotate(child, keys[(i * 7919) % keys.length] ?? "", i));
    await pause(5_000);
    const [steady, server] = await Promise.all([
      usageOf(child.pid, options.seconds),
      usageOf(apiServer, options.seconds),
    ]);
    await answer(child, { do: "collectGarbage" }, "collected");
    const after = await usageOf(child.pid, 0);
    await answer(child, { do: "stop" }, "stopped");
    // Idle connections are kept for 4 s.
    await pause(6_000);
    return {
      "MB before": before.megabytes,
      "MB after": after.megabytes,
      "sockets before": before.sockets,
      "sockets after": after.sockets,
      "all known, ms": known.milliseconds ?? Number.NaN,
      "delay p50, ms": percentile(delays, 50),
      "delay p99, ms": percentile(delays, 99),
      "CPU, %": steady.cpuPercent,
      "API server, MB more": server.megabytes - serverBefore.megabytes,
      "API server's CPU, %": server.cpuPercent,
      "sockets in the end": (await usageOf(child.pid, 0)).sockets,
    };
  } finally {
    child.kill("SIGKILL");
  }
}

/** Changes a Secret. Resolves to the milliseconds from the write being sent to the follower being told. */
async function rotate(child: ChildProcess, key: string, round: number): Promise<number> {
  const sent = Date.now();
  const change = report(child, (message) => message.is === "changed" && message.key === key && message.at >= sent);
  await client.mergePatch(coreTypes.secret, parseKey(key), {
    stringData: { password: `${process.hrtime.bigint()}-${round}` },
  });
  const { at } = await change;
  // Polls are not to fall into step with the changes.
  await pause(100 + Math.random() * 400);
  return at - sent;
}

function answer(child: ChildProcess, message: object, is: Report["is"]): Promise<Report> {
  const answered = report(child, (candidate) => candidate.is === is);
  child.send(message);
  return answered;
}

function report(child: ChildProcess, wanted: (report: Report) => boolean): Promise<Report> {
  return new Promise((resolve, reject) => {
    const listen = (message: Report) => {
      if (!wanted(message)) return;
      child.off("message", listen).off("exit", fail);
      resolve(message);
    };
    const fail = (code: number | null) => {
      reject(new Error(`the follower ended with ${code}`));
    };
    child.on("message", listen).on("exit", fail);
  });
}

/** Spread over some namespaces. Returns their keys. */
async function createSecrets(prefix: string, count: number): Promise<string[]> {
  const names = Array.from({ length: count }, (_, i) => ({ namespace: `n${i % NAMESPACES}`, name: `${prefix}-${i}` }));
  for (const name of new Set(names.map(({ namespace }) => namespace)))
    await client.create(coreTypes.namespace, { metadata: { name } }).catch(() => undefined);
  await inParallel(names, 32, async (metadata) => {
    await client.create(coreTypes.secret, { metadata, stringData: { password: metadata.name } });
  });
  return names.map(({ namespace, name }) => `${namespace}/${name}`);
}

/** What a process takes: CPU on average over so many seconds, the rest after them. */
async function usageOf(pid = 0, seconds: number) {
  const before = cpuSeconds(pid);
  await pause(seconds * 1000);
  const cpuPercent = seconds === 0 ? 0 : ((cpuSeconds(pid) - before) / seconds) * 100;
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  const sockets = readdirSync(`/proc/${pid}/fd`).filter((fd) => linkOf(`/proc/${pid}/fd/${fd}`).startsWith("socket:"));
  return { megabytes: Number(kilobytes) / 1024, sockets: sockets.length, cpuPercent };
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "closed meanwhile";
  }
}

function cpuSeconds(pid: number): number {
  // What follows the command's name, which may have spaces: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function row(name: string, cells: readonly (string | number)[]): string {
  return `| ${[name, ...cells].join(" | ")} |`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function say(line: string): void {
  console.error(`bench: ${line}`);
}
