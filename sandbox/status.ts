import type { Component } from "./component.ts";
import { kestraAccess, kestraComponent, kestraTitle, kestraVersion } from "./kestraServer.ts";
import { apiServerUrl, controlPlane } from "./kubernetes/controlPlane.ts";
import { memoryOf } from "./processIdentity.ts";
import { runningProcesses, type RecordedProcess } from "./recordedProcess.ts";
import { kubeconfigPath, readState, sandboxFolder, sandboxNames, type SandboxState } from "./state.ts";

export interface ProcessStatus {
  name: string;
  /** "healthy" and "unhealthy" are said of servers; "working" of a build. */
  condition: "healthy" | "unhealthy" | "working" | "stopped";
  pid?: number;
  memoryBytes?: number | undefined;
  uptimeSeconds?: number;
}

export interface SandboxStatus {
  name: string;
  kubernetes?: { url: string | undefined; kubeconfig: string };
  kestra?: { url: string | undefined; title: string };
  processes: ProcessStatus[];
}

/** What there is and how it does, of one sandbox or of all; changes nothing and waits for nobody. */
export async function status(name?: string): Promise<SandboxStatus[]> {
  const names = name === undefined ? sandboxNames() : sandboxNames().filter((other) => other === name);
  return Promise.all(names.map(statusOf));
}

async function statusOf(name: string): Promise<SandboxStatus> {
  const place = sandboxFolder(name);
  const state = readState(name);
  // Also those that a `down` which was killed had not ended yet.
  const running = [...runningProcesses(place.records), ...runningProcesses(`${place.records}.closed`)];
  if (!state)
    return { name, processes: running.map((found) => ({ name: found.name, condition: "working", ...facts(found) })) };
  const kestra = kestraComponent(state);
  const components = [...controlPlane(state), ...(kestra ? [kestra] : [])];
  const others = running.filter((found) => !components.some((component) => component.name === found.name));
  return {
    name,
    ...(state.kubernetes && {
      kubernetes: {
        url: state.ports["kube-apiserver"] === undefined ? undefined : apiServerUrl(state),
        kubeconfig: kubeconfigPath(state),
      },
    }),
    ...(state.kestra && { kestra: await kestraStatus(state) }),
    processes: [
      ...(await Promise.all(components.map((component) => componentStatus(component, running)))),
      ...others.map((found): ProcessStatus => ({ name: found.name, condition: "working", ...facts(found) })),
    ],
  };
}

async function kestraStatus(state: SandboxState): Promise<{ url: string | undefined; title: string }> {
  if (state.kestra?.kind !== "existing" && state.ports.kestra === undefined)
    return { url: undefined, title: "Kestra's part is not started yet" };
  const url = kestraAccess(state)?.url;
  const version = url && (await kestraVersion(url));
  return { url, title: kestraTitle(state, version ?? "(no answer)") };
}

async function componentStatus(component: Component, running: RecordedProcess[]): Promise<ProcessStatus> {
  const found = running.find(({ name }) => name === component.name);
  if (!found) return { name: component.name, condition: "stopped" };
  const healthy = await component.isReady();
  return { name: component.name, condition: healthy ? "healthy" : "unhealthy", ...facts(found) };
}

function facts({ pid, since }: RecordedProcess) {
  return { pid, memoryBytes: memoryOf(pid), uptimeSeconds: Math.round((Date.now() - since) / 1000) };
}
