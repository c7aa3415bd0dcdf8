import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { dump, load } from "js-yaml";
import { run, type CommandOptions } from "../command.ts";
import { errorCode, SandboxError } from "../errors.ts";
import { poll } from "../polling.ts";
import { choosePort, isPortFree } from "../ports.ts";
import type { StepOptions } from "../step.ts";
import { addAudit } from "./audit.ts";
import { docker, type Docker } from "./docker.ts";
import { clusterFolder } from "./folders.ts";
import { kindProgram } from "./goPrograms.ts";

/** The name that kind-config.yaml has, and with it its ports. A cluster of another name gets free ones. */
export const DEFAULT_NAME = "kestraflow";

const ANSWERS_WITHIN_MS = 120_000;

const CONFIG = fileURLToPath(new URL("../../kind-config.yaml", import.meta.url));

/** What is remembered of a cluster, to describe it and to take it down. */
export interface ClusterState {
  name: string;
  nodeImage: string;
  /** Ports of this machine, by the node's port that each leads to. */
  ports: Record<string, number>;
  /** A kubeconfig of the user's choice that the cluster's access was added to. */
  kubeconfig?: string;
}

export interface KindConfig {
  name: string;
  nodes: {
    extraPortMappings?: { hostPort: number; containerPort: number; listenAddress: string }[];
    extraMounts?: object[];
    kubeadmConfigPatches?: string[];
  }[];
}

/** What a cluster is made of. */
export interface ClusterWish {
  nodeImage: () => Promise<string>;
  /** Whether its API server records the requests of ServiceAccounts. */
  audit: boolean;
}

export const nodeOf = (name: string) => `${name}-control-plane`;

/** Throws unless the name can be a cluster's. */
export function checkName(name: string): void {
  if (!/^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/.test(name))
    throw new SandboxError(`"${name}" cannot be a cluster's name: use up to 40 of a-z, 0-9 and, inside, "-"`);
}

/** The recorded state, or undefined when there is no such cluster. */
export function readState(name: string): ClusterState | undefined {
  try {
    return JSON.parse(readFileSync(clusterFolder(name).state, "utf8")) as ClusterState;
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

export function writeState(state: ClusterState): void {
  announceCluster(state.name);
  const { state: file } = clusterFolder(state.name);
  writeFileSync(file, JSON.stringify(state, null, 2));
}

/** Runs kind and returns its standard output. */
export async function kind(engine: Docker, args: string[], { report, signal }: StepOptions): Promise<string> {
  const options: CommandOptions = { env: engine.env, signal };
  return run(await kindProgram(report), args, options);
}

/**
 * Makes sure that the cluster runs, as wished unless it is there already, and writes its kubeconfig. One that was made before is
 * started again where the machine or the Docker engine was restarted. What a killed call left half made is made anew.
 */
export async function ensureCluster(
  engine: Docker,
  name: string,
  wish: ClusterWish,
  options: StepOptions,
): Promise<ClusterState> {
  const before = readState(name);
  const there = (await kind(engine, ["get", "clusters"], options)).split("\n").includes(name);
  if (before && there) {
    await docker(engine, ["start", nodeOf(name)], { signal: options.signal });
    await exportKubeconfig(engine, before, options);
    await assertAnswers(name, options);
    return before;
  }
  if (there) await kind(engine, ["delete", "cluster", "--name", name, ...kubeconfigArgs(name)], options);
  return create(engine, name, wish, options);
}

/** Waits for the API server of a node that may have been started just now. */
async function assertAnswers(name: string, { signal }: StepOptions): Promise<void> {
  const env = { KUBECONFIG: clusterFolder(name).kubeconfig };
  const look = () =>
    run("kubectl", ["get", "--raw", "/readyz"], { env, signal }).then(
      () => true,
      () => false,
    );
  if (!(await poll(look, { timeout: ANSWERS_WITHIN_MS, every: 500, signal })))
    throw new SandboxError(
      `The API server of cluster ${name} does not answer. Look into it with "docker logs ${nodeOf(name)}", or make a new one: ` +
        "npm run kind -- down, then up",
    );
}

async function create(
  engine: Docker,
  name: string,
  { nodeImage, audit }: ClusterWish,
  options: StepOptions,
): Promise<ClusterState> {
  announceCluster(name);
  const { config: file } = clusterFolder(name);
  const { config, ports } = await configFor(name);
  if (audit) addAudit(name, config);
  const image = await nodeImage();
  writeFileSync(file, dump(config));
  const args = ["create", "cluster", "--name", name, "--image", image, "--config", file, "--wait", "120s"];
  await kind(engine, [...args, ...kubeconfigArgs(name)], options);
  const state: ClusterState = { name, nodeImage: image, ports };
  writeState(state);
  return state;
}

/** kind-config.yaml for a cluster of this name. Throws when one of its ports is taken. */
async function configFor(name: string): Promise<{ config: KindConfig; ports: Record<string, number> }> {
  const config = load(readFileSync(CONFIG, "utf8")) as KindConfig;
  const ports: Record<string, number> = {};
  for (const mapping of config.nodes.flatMap(({ extraPortMappings = [] }) => extraPortMappings)) {
    if (name !== config.name) mapping.hostPort = await choosePort(new Set(Object.values(ports)));
    else if (!(await isPortFree(mapping.hostPort)))
      throw new SandboxError(
        `Port ${mapping.hostPort} of this machine is taken, and ${basename(CONFIG)} wants it; ` +
          "end who has it, or choose another --name, which gets free ports",
      );
    ports[String(mapping.containerPort)] = mapping.hostPort;
  }
  config.name = name;
  return { config, ports };
}

/** Writes the access to the cluster, as it is now: its port changes when its node is made anew. */
async function exportKubeconfig(engine: Docker, { name, kubeconfig }: ClusterState, options: StepOptions) {
  const args = ["export", "kubeconfig", "--name", name];
  await kind(engine, [...args, ...kubeconfigArgs(name)], options);
  if (kubeconfig !== undefined) await kind(engine, [...args, "--kubeconfig", kubeconfig], options);
}

/** Adds the access to the cluster to a kubeconfig of the user's, and makes it the current one there. It is taken out by `removeCluster`. */
export async function addToKubeconfig(engine: Docker, state: ClusterState, file: string, options: StepOptions) {
  state.kubeconfig = file;
  writeState(state);
  await exportKubeconfig(engine, state, options);
}

const kubeconfigArgs = (name: string) => ["--kubeconfig", clusterFolder(name).kubeconfig];

/** Removes a cluster from the engine, and its access from kubeconfigs. Does nothing when there is none. */
export async function removeCluster(engine: Docker, name: string, options: StepOptions): Promise<void> {
  const kubeconfig = readState(name)?.kubeconfig;
  await kind(engine, ["delete", "cluster", "--name", name, ...kubeconfigArgs(name)], options);
  if (kubeconfig !== undefined)
    await kind(engine, ["delete", "cluster", "--name", name, "--kubeconfig", kubeconfig], options);
}

/** Removes what is remembered of a cluster. */
export function forgetCluster(name: string): void {
  rmSync(clusterFolder(name).folder, { recursive: true, force: true });
}

/** Puts images into the cluster's node, but those that it has: a tag is a digest of what is in the image, or a version. */
export async function loadImages(engine: Docker, name: string, images: string[], options: StepOptions): Promise<void> {
  const list = ["exec", nodeOf(name), "ctr", "--namespace", "k8s.io", "images", "list", "--quiet"];
  const there = (await docker(engine, list)).split("\n");
  const missing = images.filter((image) => !there.includes(fullName(image)));
  if (missing.length === 0) return;
  // Together: what they have in common is packed and unpacked once.
  options.report(`loading ${missing.join(", ")}`);
  await kind(engine, ["load", "docker-image", "--name", name, ...missing], options);
}

/** The name under which containerd keeps what Docker calls by a short one. */
export function fullName(image: string): string {
  const [first = "", ...rest] = image.split("/");
  if (rest.length === 0) return `docker.io/library/${image}`;
  return /[.:]|^localhost$/.test(first) ? image : `docker.io/${image}`;
}

/** Has the cluster among the names from now on, even while it is being made. */
export function announceCluster(name: string): void {
  mkdirSync(clusterFolder(name).folder, { recursive: true, mode: 0o700 });
}

/** The clusters that are there, or being made, or were left half made. */
export function clusterNames(): string[] {
  const folder = dirname(clusterFolder("any").folder);
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
}
