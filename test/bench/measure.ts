import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { join } from "node:path";
import { eventually } from "../support/eventually.ts";
import { imageEnvironment } from "../support/image.ts";
import { OperatorProcess } from "../support/operator.ts";
import { Fleet } from "./fleet.ts";
import { percentile } from "./stats.ts";
import type { Subject } from "./subject.ts";

/** The figures of one run. Times in milliseconds unless the name says otherwise. */
export interface RunFigures {
  coldRatio: number;
  coldSeconds: number;
  bareSeconds: number;
  editP50Ms: number;
  editP99Ms: number;
  editP99RatioUnderResync: number;
  kestraCallsPerCreate: number;
  kestraCallsPerUpdate: number;
  kubernetesWritesPerCreate: number;
  kubernetesWritesPerUpdate: number;
  steadyKubernetesWrites: number;
  steadyKestraCallsPerNamespace: number;
  restartWrites: number;
}

type Report = (line: string) => void;

const CONCURRENCY = "8";
export const EDITS = 100;
const STEADY_INTERVALS = 5;
const STEADY_INTERVAL_MS = 2_000;
/** The environment of the image, and settings that keep an operator from doing anything but what is measured. */
export const QUIET = { ...imageEnvironment, LOG_LEVEL: "info", CONCURRENCY, DRIFT_INTERVAL: "10m" };

/**
 * One run against the real API server and the engine of the environment, which must be as fresh as they were for the bare loop: the
 * more flows or entries the engine has ever had, the longer each takes.
 */
export async function measureRun(
  subject: Subject,
  size: number,
  bareSeconds: number,
  report: Report,
): Promise<RunFigures> {
  const fleet = await Fleet.create(subject, size);
  try {
    report(`operator over ${size} ${subject.nouns} (the bare loop took ${bareSeconds.toFixed(1)} s)`);
    const started = performance.now();
    const cold = await OperatorProcess.start(fleet.namespace, { settings: QUIET });
    await fleet.allReady(size);
    const coldSeconds = (performance.now() - started) / 1000;
    const creates = await callsOf(cold);
    report(`${EDITS} edits (cold convergence took ${coldSeconds.toFixed(1)} s)`);
    const edits = await measureEdits(fleet, size, 1);
    const updates = await callsOf(cold);
    await cold.stop();

    report("restart with everything in sync, then some intervals");
    const restarted = await measureSteady(subject, fleet, size);
    report(`${EDITS} edits while everything is read again and again`);
    const busy = await OperatorProcess.start(fleet.namespace, {
      settings: { ...QUIET, DRIFT_INTERVAL: "1s", REREAD_INTERVAL: "1ms" },
    });
    const underResync = await measureEdits(fleet, size, 2);
    await busy.stop();
    return {
      coldRatio: coldSeconds / bareSeconds,
      coldSeconds,
      bareSeconds,
      editP50Ms: percentile(edits, 50),
      editP99Ms: percentile(edits, 99),
      editP99RatioUnderResync: percentile(underResync, 99) / percentile(edits, 99),
      kestraCallsPerCreate: creates.kestra / size,
      kestraCallsPerUpdate: (updates.kestra - creates.kestra) / EDITS,
      kubernetesWritesPerCreate: creates.kubernetesWrites / size,
      kubernetesWritesPerUpdate: (updates.kubernetesWrites - creates.kubernetesWrites) / EDITS,
      ...restarted,
    };
  } finally {
    await fleet.destroy();
  }
}

/** Resident memory in MB of an operator at rest with so many resources in sync, Kestra being the stand-in. */
export async function measureMemory(subject: Subject, size: number): Promise<number> {
  return withStandIn(0, async (settings) => {
    const fleet = await Fleet.create(subject, size);
    try {
      if (size > 0) {
        const maker = await OperatorProcess.start(fleet.namespace, { settings: { ...QUIET, ...settings } });
        await fleet.allReady(size);
        await maker.stop();
      }
      const operator = await OperatorProcess.start(fleet.namespace, { settings: { ...QUIET, ...settings } });
      await eventually(
        async () => {
          const reads = await operator.metric("kestraflow_kestra_calls_total", { operation: subject.read });
          const waiting = await operator.metric("kestraflow_queue_depth");
          if (reads < size || waiting > 0) throw new Error(`${reads} of ${size} read, ${waiting} keys wait`);
        },
        { within: 600_000, every: 500 },
      );
      const megabytes = await restingMegabytes(operator.pid);
      await operator.stop();
      return megabytes;
    } finally {
      await fleet.destroy();
    }
  });
}

/** Seconds until all are Ready, with a Kestra that takes so long for every answer. */
export async function measureLatency(subject: Subject, size: number, latencyMs: number): Promise<number> {
  return withStandIn(latencyMs, async (settings) => {
    const fleet = await Fleet.create(subject, size);
    const started = performance.now();
    const operator = await OperatorProcess.start(fleet.namespace, { settings: { ...QUIET, ...settings } });
    await fleet.allReady(size);
    const seconds = (performance.now() - started) / 1000;
    await operator.stop();
    await fleet.destroy();
    return seconds;
  });
}

async function measureSteady(
  subject: Subject,
  fleet: Fleet,
  size: number,
): Promise<Pick<RunFigures, "restartWrites" | "steadyKubernetesWrites" | "steadyKestraCallsPerNamespace">> {
  const settings = { ...QUIET, DRIFT_INTERVAL: `${STEADY_INTERVAL_MS}ms` };
  const operator = await OperatorProcess.start(fleet.namespace, { settings });
  const lists = (): Promise<number> => operator.metric("kestraflow_kestra_calls_total", { operation: subject.list });
  await eventually(
    async () => {
      if ((await operator.metric("kestraflow_kestra_calls_total", { operation: subject.read })) < size)
        throw new Error("still reading");
    },
    { within: 600_000 },
  );
  const restart = await callsOf(operator);
  const from = await lists();
  await eventually(
    async () => {
      if ((await lists()) < from + STEADY_INTERVALS) throw new Error("not enough intervals yet");
    },
    { within: 10 * STEADY_INTERVALS * STEADY_INTERVAL_MS },
  );
  const steady = await callsOf(operator);
  const intervals = (await lists()) - from;
  await operator.stop();
  return {
    restartWrites: restart.kubernetesWrites + restart.kestraWrites,
    steadyKubernetesWrites: steady.kubernetesWrites - restart.kubernetesWrites,
    steadyKestraCallsPerNamespace: (steady.kestra - restart.kestra) / intervals,
  };
}

/** @param round no two rounds make the same edit */
async function measureEdits(fleet: Fleet, size: number, round: number): Promise<number[]> {
  const times: number[] = [];
  for (let index = 0; index < EDITS; index++) times.push(await fleet.edit(index % size, round * EDITS + index));
  return times;
}

/** Calls so far, without the health check of the server: that is one call an interval for the whole operator. */
export async function callsOf(
  operator: OperatorProcess,
): Promise<Record<"kestra" | "kestraWrites" | "kubernetesWrites", number>> {
  return {
    kestra: await operator.metric("kestraflow_kestra_calls_total", { operation: /^(?!configs|checkLogin)/ }),
    kestraWrites: await operator.kestraWrites(),
    kubernetesWrites: await operator.kubernetesWrites(),
  };
}

/** Seconds that a loop takes which makes only the calls that cannot be spared. */
export async function bareLoop(subject: Subject, size: number): Promise<number> {
  const fleet = await Fleet.create(subject, size);
  const started = performance.now();
  const script = join(import.meta.dirname, "bareLoop.ts");
  const child = spawn(process.execPath, [script, subject.type.kind, fleet.namespace, CONCURRENCY], {
    stdio: "inherit",
  });
  const [code] = (await once(child, "exit")) as [number];
  const seconds = (performance.now() - started) / 1000;
  await fleet.destroy();
  if (code !== 0) throw new Error(`the bare loop ended with ${code}`);
  return seconds;
}

async function withStandIn<T>(latencyMs: number, work: (settings: Record<string, string>) => Promise<T>): Promise<T> {
  const script = join(import.meta.dirname, "standIn.ts");
  const child = spawn(process.execPath, [script, String(latencyMs)], { stdio: ["pipe", "pipe", "inherit"] });
  try {
    const [line] = (await once(createInterface(child.stdout), "line")) as [string];
    const { port } = JSON.parse(line) as { port: number };
    return await work({ KESTRA_URL: `http://127.0.0.1:${port}` });
  } finally {
    child.kill();
  }
}

/** Resident memory once it has not changed by more than a twentieth for half a minute: a burst is over, and its garbage gone. */
async function restingMegabytes(pid: number): Promise<number> {
  let reference = residentMegabytes(pid);
  let since = performance.now();
  return eventually(
    () => {
      const megabytes = residentMegabytes(pid);
      if (Math.abs(megabytes - reference) > reference / 20) {
        reference = megabytes;
        since = performance.now();
      }
      if (performance.now() - since < 30_000) throw new Error(`memory still moves: ${megabytes} MB`);
      return megabytes;
    },
    { within: 180_000, every: 1_000 },
  );
}

function residentMegabytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kilobytes) / 1024;
}
