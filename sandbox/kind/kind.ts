import { withLock } from "../lock.ts";
import { Kubectl } from "../quickstart/kubectl.ts";
import type { StepOptions } from "../step.ts";
import {
  addToKubeconfig,
  announceCluster,
  checkName,
  clusterNames,
  ensureCluster,
  forgetCluster,
  loadImages,
  removeCluster,
  type ClusterState,
} from "./cluster.ts";
import type { Docker } from "./docker.ts";
import { ensureDocker, runningDocker, stopDocker } from "./dockerEngine.ts";
import { clusterFolder } from "./folders.ts";
import { clusterImages, type ClusterImages } from "./images.ts";
import { nodeImage } from "./nodeImage.ts";
import { installOperator, installStack } from "./releases.ts";

/** How far `up` goes. Each includes those before it. */
export const EXTENTS = ["cluster", "images", "charts", "flows"] as const;
export type Extent = (typeof EXTENTS)[number];

export interface KindOptions extends StepOptions {
  name: string;
}

export interface UpOptions extends KindOptions {
  /** Where to stop; "flows" unless given, which is all. */
  until?: Extent | undefined;
  /** A kubeconfig to which the cluster is added, and in which it becomes the current context. */
  kubeconfig?: string | undefined;
  /** Has a new cluster's API server record every request of ServiceAccounts: see `readAudit`. */
  audit?: boolean;
  /** Values of the operator's chart besides those that the cluster takes, as `key=value`. */
  operatorValues?: string[];
}

/** A cluster that is up. */
export interface KindCluster {
  name: string;
  kubeconfig: string;
  state: ClusterState;
  engine: Docker;
  /** Undefined where only a cluster was asked for. */
  images?: ClusterImages;
  /** How long each step took, in milliseconds. */
  steps: { title: string; milliseconds: number }[];
}

/**
 * Brings up a kind cluster with Kestra, Postgres, the operator and the tutorial's manifests: builds what is missing, does again what was
 * interrupted, and changes nothing where all is there. Rejects with a message that says what to do; what is there by then stays, and the
 * next call goes on from it.
 */
export async function up({
  name,
  until = "flows",
  kubeconfig,
  operatorValues = [],
  audit = false,
  ...options
}: UpOptions): Promise<KindCluster> {
  checkName(name);
  return locked(name, options, async () => {
    const goes = (extent: Extent) => EXTENTS.indexOf(extent) <= EXTENTS.indexOf(until);
    const steps: KindCluster["steps"] = [];
    const step = stepper(steps, options);
    // From here on the engine is in use.
    announceCluster(name);
    const engine = await step("Docker engine", () => ensureDocker(options));
    const state = await step("cluster", () =>
      ensureCluster(engine, name, { nodeImage: () => nodeImage(engine, options), audit }, options),
    );
    if (kubeconfig !== undefined) await addToKubeconfig(engine, state, kubeconfig, options);
    const cluster: KindCluster = { name, kubeconfig: clusterFolder(name).kubeconfig, state, engine, steps };
    if (!goes("images")) return cluster;
    const images = await step("images", () => clusterImages(engine, options));
    const { operator, kestra, postgres } = images;
    await step("images in the node", () => loadImages(engine, name, [operator, kestra, postgres], options));
    cluster.images = images;
    if (!goes("charts")) return cluster;
    await step("Kestra and Postgres", () => installStack(state, images, options));
    const more = operatorValues.flatMap((value) => ["--set", value]);
    await step("operator", () => installOperator(state, images, options, more));
    if (!goes("flows")) return cluster;
    await step("tutorial", () => applyTutorial(cluster, options));
    return cluster;
  });
}

/** Builds the images again, puts those that changed into the node, and upgrades what runs of them. */
export async function load(options: KindOptions): Promise<KindCluster> {
  return up({ ...options, until: "charts" });
}

/** Removes a cluster, and the Docker engine that was started for it when no other cluster is left. Images and builds stay. */
export async function down({ name, ...options }: KindOptions): Promise<void> {
  checkName(name);
  await locked(name, options, async () => {
    const engine = await runningDocker();
    // A node that its engine still has when that runs again is removed by the next `up`, as nobody knows it any more.
    if (engine) await removeCluster(engine, name, options);
    forgetCluster(name);
    await stopDocker(() => clusterNames().length > 0);
  });
}

async function applyTutorial({ kubeconfig }: KindCluster, { signal }: StepOptions): Promise<void> {
  const kubectl = new Kubectl(kubeconfig, signal ?? new AbortController().signal);
  await kubectl.run(["apply", "--kustomize", "flows"]);
  await kubectl.run(["wait", "--for=condition=Ready", "kestraflows,kestrakvs,backfills", "--all", "--timeout=3m"]);
}

function stepper(steps: KindCluster["steps"], { report }: StepOptions) {
  return async <T>(title: string, work: () => Promise<T>): Promise<T> => {
    const begin = performance.now();
    report(`${title} …`);
    const result = await work();
    const milliseconds = performance.now() - begin;
    steps.push({ title, milliseconds });
    report(`${title}: ${(milliseconds / 1000).toFixed(1)} s`);
    return result;
  };
}

/** One command at a time works on a cluster. */
function locked<T>(name: string, { report, signal }: StepOptions, work: () => Promise<T>): Promise<T> {
  const onWait = ({ pid }: { pid: number }) =>
    report(`another command (process ${pid}) is at work on cluster ${name}; waiting`);
  return withLock(clusterFolder(name).lock, work, { onWait, signal });
}
