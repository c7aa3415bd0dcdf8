// npm run bench -- flows [--n 1000] [--runs 3] [--json FILE]
import { writeFileSync } from "node:fs";
import { Command } from "commander";
import { down, up } from "../../sandbox/sandbox.ts";
import { bareLoop, measureFlows, measureLatency, measureMemory } from "./flows.ts";
import type { FlowFigures } from "./flows.ts";
import { spreadOf } from "./stats.ts";
import type { Spread } from "./stats.ts";

interface Options {
  n: string;
  runs: string;
  json?: string;
}

const say = (line: string): void => {
  console.error(`bench: ${line}`);
};

await new Command("bench")
  .command("flows")
  .description("cold convergence, edits, calls, restart and memory of KestraFlows")
  .option("--n <flows>", "flows in a run", "1000")
  .option("--runs <runs>", "runs of which median and spread are told", "3")
  .option("--json <file>", "write the medians there")
  .action(benchFlows)
  .parent?.parseAsync();

async function withSandbox<T>(work: () => Promise<T>): Promise<T> {
  const name = `bench-${process.pid}`;
  const sandbox = await up({ name, tied: true, report: say });
  Object.assign(process.env, sandbox.env);
  try {
    return await work();
  } finally {
    await down(name);
  }
}

async function benchFlows({ n, runs, json }: Options): Promise<void> {
  const size = Number(n);
  const figures: FlowFigures[] = [];
  const memory: Record<string, number[]> = { "0": [], "1000": [], "10000": [] };
  for (let run = 1; run <= Number(runs); run++) {
    say(`run ${run} of ${runs}`);
    say(`bare loop over ${size} flows`);
    const bareSeconds = await withSandbox(() => bareLoop(size));
    figures.push(await withSandbox(() => measureFlows(size, bareSeconds, say)));
    for (const [resources, megabytes] of Object.entries(memory)) {
      say(`memory with ${resources} flows in sync`);
      megabytes.push(await withSandbox(() => measureMemory(Number(resources))));
    }
  }
  const latency: Record<string, Spread> = {};
  for (const milliseconds of [0, 10, 50]) {
    say(`convergence with a Kestra that takes ${milliseconds} ms for every answer`);
    const seconds: number[] = [];
    for (let run = 1; run <= Number(runs); run++) seconds.push(await withSandbox(() => measureLatency(size, milliseconds)));
    latency[String(milliseconds)] = spreadOf(seconds);
  }
  const keys = Object.keys(figures[0] ?? {}) as (keyof FlowFigures)[];
  const spreads = Object.fromEntries(keys.map((key) => [key, spreadOf(figures.map((figure) => figure[key]))]));
  const rss = Object.fromEntries(Object.entries(memory).map(([resources, values]) => [resources, spreadOf(values)]));
  printTable({ ...spreads, ...prefixed("rssMb ", rss), ...prefixed("seconds at latency ", latency) });
  if (json === undefined) return;
  const medians = { ...mediansOf(spreads), rssMb: mediansOf(rss), secondsAtLatencyMs: mediansOf(latency) };
  writeFileSync(json, `${JSON.stringify(medians, undefined, 2)}\n`);
}

function printTable(rows: Record<string, Spread>): void {
  console.log("| Figure | Median | Least | Most |\n| --- | --- | --- | --- |");
  for (const [name, { min, median, max }] of Object.entries(rows)) {
    console.log(`| ${name} | ${round(median)} | ${round(min)} | ${round(max)} |`);
  }
}

function mediansOf(spreads: Record<string, Spread>): Record<string, number> {
  return Object.fromEntries(Object.entries(spreads).map(([key, { median }]) => [key, round(median)]));
}

function prefixed(prefix: string, rows: Record<string, Spread>): Record<string, Spread> {
  return Object.fromEntries(Object.entries(rows).map(([key, value]) => [prefix + key, value]));
}

function round(value: number): number {
  return Number(value.toPrecision(3));
}
