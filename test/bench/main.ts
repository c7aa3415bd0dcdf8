// npm run bench -- flows|kv [--n 1000] [--runs 3] [--memory 0,1000,10000] [--latency 0,10,50] [--json FILE]
// npm run bench -- backfill [--slots 180] [--runs 3] [--json FILE]
// npm run bench -- cluster [--n 1000] [--runs 3] [--json FILE]
import { writeFileSync } from "node:fs";
import { Command } from "commander";
import { down, up } from "../../sandbox/sandbox.ts";
import { measureBackfill } from "./backfill.ts";
import { measureCluster } from "./cluster.ts";
import { bareLoop, measureLatency, measureMemory, measureRun } from "./measure.ts";
import { measureRotation } from "./rotation.ts";
import { spreadOf } from "./stats.ts";
import type { Spread } from "./stats.ts";
import { entries, flows } from "./subject.ts";
import type { Subject } from "./subject.ts";

interface Options {
  n: string;
  slots: string;
  runs: string;
  memory: string;
  latency: string;
  json?: string;
}

const say = (line: string): void => {
  console.error(`bench: ${line}`);
};

// An operator that was started ends with us: see OperatorProcess.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => process.exit(1));

const bench = new Command("bench");
for (const [command, subject] of Object.entries({ flows, kv: entries }))
  bench
    .command(command)
    .description(`cold convergence, edits, calls, restart and memory of ${subject.type.kind}s`)
    .option("--n <resources>", "resources in a run", "1000")
    .option("--runs <runs>", "runs of which median and spread are told", "3")
    .option("--memory <sizes>", "resources in sync with which memory is measured", "0,1000,10000")
    .option("--latency <milliseconds>", "answering times of Kestra with which convergence is measured", "0,10,50")
    .option("--json <file>", "write the medians there")
    .action((options: Options) => benchmark(subject, options));
bench
  .command("backfill")
  .description("a Backfill beside the same slots started by a bare API call")
  .option("--slots <slots>", "hourly slots in a run; Kestra starts one a second", "180")
  .option("--runs <runs>", "runs of which median and spread are told", "3")
  .option("--json <file>", "write the medians there")
  .action(({ slots, ...options }: Options) =>
    repeat(options, async () => {
      say(`${slots} slots, which takes about ${slots} s`);
      return { ...(await withSandbox(() => measureBackfill(Number(slots)))) };
    }),
  );
bench
  .command("cluster")
  .description("the operator's pods in a kind cluster: installation, and rest with so many flows")
  .option("--n <flows>", "flows in sync", "1000")
  .option("--runs <runs>", "runs of which median and spread are told", "3")
  .option("--json <file>", "write the medians there")
  .action(({ n, ...options }: Options) => repeat(options, async () => ({ ...(await measureCluster(Number(n), say)) })));
await bench.parseAsync();

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

async function benchmark(subject: Subject, { n, runs, memory: sizes, latency: delays, json }: Options): Promise<void> {
  const size = Number(n);
  const figures: Record<string, number>[] = [];
  const memory = Object.fromEntries(sizes.split(",").map((resources) => [resources, [] as number[]]));
  for (let number = 1; number <= Number(runs); number++) {
    say(`run ${number} of ${runs}`);
    say(`bare loop over ${size} ${subject.nouns}`);
    const bareSeconds = await withSandbox(() => bareLoop(subject, size));
    const run = await withSandbox(() => measureRun(subject, size, bareSeconds, say));
    if (subject === entries) say(`rotation of the Secrets that ${size} entries follow`);
    const rotation = subject === entries ? await withSandbox(() => measureRotation(size)) : {};
    figures.push({ ...run, ...rotation });
    for (const [resources, megabytes] of Object.entries(memory)) {
      say(`memory with ${resources} ${subject.nouns} in sync`);
      megabytes.push(await withSandbox(() => measureMemory(subject, Number(resources))));
    }
  }
  const latency: Record<string, Spread> = {};
  for (const milliseconds of delays.split(",").filter((delay) => delay !== "")) {
    say(`convergence with a Kestra that takes ${milliseconds} ms for every answer`);
    const seconds: number[] = [];
    for (let run = 1; run <= Number(runs); run++)
      seconds.push(await withSandbox(() => measureLatency(subject, size, Number(milliseconds))));
    latency[milliseconds] = spreadOf(seconds);
  }
  const spreads = spreadsOf(figures);
  const rss = Object.fromEntries(Object.entries(memory).map(([resources, values]) => [resources, spreadOf(values)]));
  printTable({ ...spreads, ...prefixed("rssMb ", rss), ...prefixed("seconds at latency ", latency) });
  writeMedians(json, { ...mediansOf(spreads), rssMb: mediansOf(rss), secondsAtLatencyMs: mediansOf(latency) });
}

/** Runs a measurement so often, and tells median and spread of what it found. */
async function repeat(
  { runs, json }: Pick<Options, "runs" | "json">,
  measure: () => Promise<Record<string, number>>,
): Promise<void> {
  const figures: Record<string, number>[] = [];
  for (let number = 1; number <= Number(runs); number++) {
    say(`run ${number} of ${runs}`);
    figures.push(await measure());
  }
  const spreads = spreadsOf(figures);
  printTable(spreads);
  writeMedians(json, mediansOf(spreads));
}

/** Of every figure over all runs. */
function spreadsOf(figures: readonly Readonly<Record<string, number>>[]): Record<string, Spread> {
  const keys = Object.keys(figures[0] ?? {});
  return Object.fromEntries(keys.map((key) => [key, spreadOf(figures.map((figure) => figure[key] ?? NaN))]));
}

function writeMedians(json: string | undefined, medians: object): void {
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(medians, undefined, 2)}\n`);
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
