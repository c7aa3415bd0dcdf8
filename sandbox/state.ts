import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { errorCode, SandboxError } from "./errors.ts";
import { stateRoot } from "./folders.ts";
import type { EngineBuild } from "./kestra/engine.ts";
import type { KubernetesBinaries } from "./kubernetes/build.ts";

export const COMPONENTS = ["etcd", "kube-apiserver", "kube-controller-manager", "kestra"] as const;
export type ComponentName = (typeof COMPONENTS)[number];

/** Which Kestra a sandbox has. */
export type KestraChoice =
  /** Kestra's engine of a line such as "1.1", behind our REST layer; with the plugin jars of a folder, if given. */
  | { kind: "engine"; line: string; plugins?: string }
  /** The official image, in Docker. */
  | { kind: "image"; image: string }
  /** A server of somebody else, which the sandbox only points to. */
  | { kind: "existing"; url: string; username: string; password: string };

/** A file outside the sandbox's folder, written at the user's wish and removed with the sandbox. */
export interface WrittenFile {
  kind: "kubeconfig" | "env";
  path: string;
}

/** What a sandbox was asked to be, and all that is needed to start its servers again or to take it down. */
export interface SandboxState {
  name: string;
  /** Unique among all sandboxes ever: what a container of this one is known by. */
  id: string;
  /** The Kubernetes line, such as "1.34"; none when the sandbox has Kestra only. */
  kubernetes?: string;
  binaries?: KubernetesBinaries;
  /** None when the sandbox has Kubernetes only. */
  kestra?: KestraChoice;
  engine?: EngineBuild;
  /** The name of the Docker container, from before it is created. */
  container?: string;
  /** Loopback ports of the components that listen on one. */
  ports: Partial<Record<ComponentName, number>>;
  files: WrittenFile[];
}

/** The folder of one sandbox and the places in it. */
export function sandboxFolder(name: string) {
  const folder = join(stateRoot(), name);
  const place = (...path: string[]) => join(folder, ...path);
  return {
    folder,
    lock: `${folder}.lock`,
    state: place("state.json"),
    records: place("processes"),
    log: (of: string) => place("logs", `${of}.log`),
    data: (of: ComponentName) => place("data", of),
    credentials: place("credentials"),
    kubeconfig: place("kubeconfig"),
  };
}

/** The kubeconfig to point a user to: the one in the place of their choice, if they chose one. */
export function kubeconfigPath(state: SandboxState): string {
  return state.files.find(({ kind }) => kind === "kubeconfig")?.path ?? sandboxFolder(state.name).kubeconfig;
}

/** Throws unless the name can be a folder's and a container's. */
export function checkName(name: string): void {
  if (!/^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/.test(name))
    throw new SandboxError(`"${name}" cannot be a sandbox's name: use up to 40 of a-z, 0-9 and, inside, "-"`);
}

/** The recorded state, or undefined when there is no such sandbox. */
export function readState(name: string): SandboxState | undefined {
  try {
    return JSON.parse(readFileSync(sandboxFolder(name).state, "utf8")) as SandboxState;
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** Replaces the state in one step: a reader, or a next command after a crash, sees the old or the new one. */
export function writeState(state: SandboxState): void {
  const { folder, state: file } = sandboxFolder(state.name);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(`${file}.new`, JSON.stringify(state, null, 2), { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/** The names of all sandboxes, also of those that a killed command left half made. */
export function sandboxNames(): string[] {
  try {
    return readdirSync(stateRoot(), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name)
      .sort();
  } catch (error) {
    if (errorCode(error) === "ENOENT") return [];
    throw error;
  }
}

/** The port recorded for a component. Throws when there is none: the component was never started. */
export function portOf(state: SandboxState, component: ComponentName): number {
  const port = state.ports[component];
  if (port === undefined) throw new SandboxError(`sandbox ${state.name} has no ${component}`);
  return port;
}
