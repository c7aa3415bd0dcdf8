import { coreTypes } from "../../src/kubernetes/objects.ts";
import { OperatorProcess } from "../support/operator.ts";
import { Fleet } from "./fleet.ts";
import { callsOf, EDITS, QUIET } from "./measure.ts";
import { percentile } from "./stats.ts";
import { ENTRIES_PER_SECRET, followers, secretData, secretName } from "./subject.ts";

/** What rotated Secrets cost. Counts are per entry. */
export interface RotationFigures {
  rotationP50Ms: number;
  rotationP99Ms: number;
  rotationAllSeconds: number;
  kestraCallsPerRotation: number;
  kestraWritesPerRotation: number;
  kubernetesWritesPerRotation: number;
  secretReadsPerRotation: number;
}

/** Rotates the Secrets that so many entries follow: one at a time, then all at once. */
export async function measureRotation(size: number): Promise<RotationFigures> {
  const fleet = await Fleet.create(followers, size);
  try {
    const operator = await OperatorProcess.start(fleet.namespace, { settings: QUIET });
    await fleet.allReady(size);
    const secrets = Math.floor(size / ENTRIES_PER_SECRET);
    const times: number[] = [];
    for (let edit = 0; edit < EDITS; edit++) {
      const started = performance.now();
      const version = await rotate(fleet, edit % secrets, 1 + edit);
      await fleet.haveRead(new Set([version]), ENTRIES_PER_SECRET);
      times.push(performance.now() - started);
    }
    const before = await countsOf(operator);
    const started = performance.now();
    const all = Array.from({ length: secrets }, (_, index) => rotate(fleet, index, 1 + EDITS));
    await fleet.haveRead(new Set(await Promise.all(all)), secrets * ENTRIES_PER_SECRET);
    const seconds = (performance.now() - started) / 1000;
    const after = await countsOf(operator);
    await operator.stop();
    const perEntry = (what: keyof typeof after) => (after[what] - before[what]) / (secrets * ENTRIES_PER_SECRET);
    return {
      rotationP50Ms: percentile(times, 50),
      rotationP99Ms: percentile(times, 99),
      rotationAllSeconds: seconds,
      kestraCallsPerRotation: perEntry("kestra"),
      kestraWritesPerRotation: perEntry("kestraWrites"),
      kubernetesWritesPerRotation: perEntry("kubernetesWrites"),
      secretReadsPerRotation: perEntry("secretReads"),
    };
  } finally {
    await fleet.destroy();
  }
}

/** Returns the Secret's new resourceVersion. */
async function rotate({ client, namespace }: Fleet, index: number, version: number): Promise<string> {
  const name = { namespace, name: secretName(index) };
  const { metadata } = await client.mergePatch(coreTypes.secret, name, secretData(index, version));
  return metadata.resourceVersion;
}

async function countsOf(
  operator: OperatorProcess,
): Promise<Awaited<ReturnType<typeof callsOf>> & { secretReads: number }> {
  const secretReads = await operator.metric("kestraflow_kubernetes_calls_total", { verb: "get", resource: "secrets" });
  return { ...(await callsOf(operator)), secretReads };
}
