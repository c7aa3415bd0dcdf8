import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { declaredTypes } from "./kestra/engine.ts";
import { kestraAccess, kestraTitle, kestraVersion } from "./kestraServer.ts";
import { SandboxError } from "./errors.ts";
import { adminKubeconfig, apiServerUrl, kubernetesVersion } from "./kubernetes/controlPlane.ts";
import { runningProcesses } from "./recordedProcess.ts";
import { kubeconfigPath, sandboxFolder, type SandboxState } from "./state.ts";

/** A sandbox that is up: all that a user or a test needs to know of it. */
export interface Sandbox {
  name: string;
  /** Absolute path of the administrator's kubeconfig; undefined, like the two below, without Kubernetes. */
  kubeconfig?: string;
  kubernetesUrl?: string;
  kubernetesVersion?: string;
  /** Undefined without Kestra. */
  kestra?: {
    url: string;
    username: string;
    password: string;
    version: string;
    /** Whether the sandbox itself runs it. */
    own: boolean;
    /** What answers at the URL, in words. */
    title: string;
    /** Task types that validate but cannot run, as their plugins cannot be had here. */
    declaredTypes: string[];
    /** A folder with one plugin jar, for tests that install a plugin; with Kestra's engine only. */
    samplePlugins?: string;
  };
  /** Process ids of the servers that the sandbox runs. */
  pids: Record<string, number>;
  /** The variables that point a program to this sandbox. */
  env: Record<string, string>;
}

/** Describes a sandbox whose servers are ready. Throws when its Kestra does not answer. */
export async function describeSandbox(state: SandboxState): Promise<Sandbox> {
  const place = sandboxFolder(state.name);
  const access = kestraAccess(state);
  const version = access && (await kestraVersion(access.url));
  if (access && version === undefined)
    throw new SandboxError(`no Kestra answers at ${access.url}/api/v1/configs; start it or correct KESTRA_URL`);
  const kubernetes = state.kubernetes === undefined ? undefined : await kubernetesVersion(state);
  return {
    name: state.name,
    ...(kubernetes && {
      kubeconfig: kubeconfigPath(state),
      kubernetesUrl: apiServerUrl(state),
      kubernetesVersion: kubernetes,
    }),
    ...(access &&
      version && {
        kestra: {
          ...access,
          version,
          own: state.kestra?.kind !== "existing",
          title: kestraTitle(state, version),
          declaredTypes: state.kestra?.kind === "engine" ? declaredTypes() : [],
          ...(state.engine && { samplePlugins: state.engine.samplePluginsDir }),
        },
      }),
    pids: Object.fromEntries(runningProcesses(place.records).map(({ name, pid }) => [name, pid])),
    env: variables(state),
  };
}

/** Writes the kubeconfig and the files that the user wished, readable by the user alone. */
export function writeFiles(state: SandboxState): void {
  const write = (path: string, text: string) => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text, { mode: 0o600 });
    chmodSync(path, 0o600);
  };
  if (state.kubernetes !== undefined) write(sandboxFolder(state.name).kubeconfig, adminKubeconfig(state));
  for (const { kind, path } of state.files)
    if (kind === "env") write(path, envFile(variables(state)));
    else if (state.kubernetes !== undefined) write(path, adminKubeconfig(state));
}

/** Lines NAME=value that both a shell and `node --env-file` read. */
export function envFile(variables: Record<string, string>): string {
  const quoted = (value: string) => (/^[\w@%+=:,./-]*$/.test(value) ? value : `'${value.replaceAll("'", "'\\''")}'`);
  return Object.entries(variables)
    .map(([name, value]) => `${name}=${quoted(value)}\n`)
    .join("");
}

function variables(state: SandboxState): Record<string, string> {
  const kestra = kestraAccess(state);
  return {
    KESTRAFLOW_SANDBOX: state.name,
    ...(state.kubernetes !== undefined && { KUBECONFIG: kubeconfigPath(state) }),
    ...(kestra && {
      KESTRA_URL: kestra.url,
      KESTRA_USERNAME: kestra.username,
      KESTRA_PASSWORD: kestra.password,
    }),
  };
}
