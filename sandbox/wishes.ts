import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { errorCode, SandboxError } from "./errors.ts";
import { DEFAULT_LINE, patchVersion } from "./kubernetes/versions.ts";
import type { KestraChoice, SandboxState, WrittenFile } from "./state.ts";

/** What a caller of `up` may ask for; what is left out is as the sandbox already is, or as the default. */
export interface Wishes {
  /** A Kubernetes line such as "1.34", the default; false for none. */
  kube?: string | false | undefined;
  /** Kestra's engine of the 1.1 line unless given; false for none. */
  kestra?: KestraChoice | false | undefined;
  /** A file to write the kubeconfig to as well. It may not exist yet, unless it is empty or this sandbox's. */
  kubeconfig?: string | undefined;
  /** A file to write the variables to, KUBECONFIG and KESTRA_*; else as `kubeconfig`. */
  env?: string | undefined;
}

export const DEFAULT_KESTRA_LINE = "1.1";

/** The Kestra that KESTRA_URL, KESTRA_USERNAME and KESTRA_PASSWORD name; undefined without the first. */
export function kestraFromEnvironment(env: NodeJS.ProcessEnv): KestraChoice | undefined {
  const url = env.KESTRA_URL;
  if (!url) return undefined;
  return { kind: "existing", url, username: env.KESTRA_USERNAME ?? "", password: env.KESTRA_PASSWORD ?? "" };
}

/** The state of a new sandbox. */
export function newState(name: string, wishes: Wishes): SandboxState {
  const kube = wishes.kube ?? DEFAULT_LINE;
  const kestra = wishes.kestra ?? { kind: "engine", line: DEFAULT_KESTRA_LINE };
  if (kube !== false) patchVersion(kube);
  return {
    name,
    id: randomUUID(),
    ...(kube !== false && { kubernetes: kube }),
    ...(kestra !== false && { kestra }),
    ports: {},
    files: wishedFiles([], wishes),
  };
}

/**
 * The state of an existing sandbox after a further wish. Another plugins folder, or a half that was missing, is taken on;
 * throws for a wish that would make another sandbox of it.
 */
export function wishedState(state: SandboxState, wishes: Wishes): SandboxState {
  const wished = { ...state, files: wishedFiles(state.files, wishes) };
  if (wishes.kube) {
    patchVersion(wishes.kube);
    if ((state.kubernetes ?? wishes.kube) !== wishes.kube) throw otherSandbox(state, `Kubernetes ${state.kubernetes}`);
    wished.kubernetes = wishes.kube;
  }
  if (wishes.kestra) {
    const [is, wish] = [state.kestra ?? wishes.kestra, wishes.kestra];
    const same = JSON.stringify({ ...is, plugins: undefined }) === JSON.stringify({ ...wish, plugins: undefined });
    if (!same) throw otherSandbox(state, "another Kestra");
    wished.kestra = wish;
  }
  if (wishes.kube === false && state.kubernetes) throw otherSandbox(state, "a Kubernetes");
  if (wishes.kestra === false && state.kestra) throw otherSandbox(state, "a Kestra");
  return wished;
}

function otherSandbox({ name }: SandboxState, has: string): SandboxError {
  return new SandboxError(
    `Sandbox ${name} is there already and has ${has}. Take it down first (npm run sandbox -- down --name ${name}), ` +
      "or give the new one another --name.",
  );
}

function wishedFiles(files: WrittenFile[], wishes: Wishes): WrittenFile[] {
  const all = [...files];
  for (const kind of ["kubeconfig", "env"] as const) {
    const wish = wishes[kind];
    if (wish === undefined) continue;
    const path = resolve(wish);
    if (all.some((file) => file.path === path)) continue;
    if (!isMissingOrEmpty(path))
      throw new SandboxError(
        `${path} is there already and is not this sandbox's: remove it or name another file for --${kind}`,
      );
    all.push({ kind, path });
  }
  return all;
}

function isMissingOrEmpty(path: string): boolean {
  try {
    return readFileSync(path, "utf8").trim() === "";
  } catch (error) {
    if (errorCode(error) === "ENOENT") return true;
    throw error;
  }
}
