import { existsSync, readFileSync, writeFileSync } from "node:fs";
import type { Component } from "../component.ts";
import { answersOk, httpGet } from "../httpGet.ts";
import { portOf, sandboxFolder, type SandboxState } from "../state.ts";
import type { KubernetesBinaries } from "./build.ts";
import { adminAccess, credentialFiles, makeCredentials } from "./credentials.ts";
import { kubeconfig } from "./kubeconfig.ts";

const READY_WITHIN_MS = 120_000;
const SERVICE_RANGE = "10.0.0.0/24";

export const apiServerUrl = (state: SandboxState) => `https://127.0.0.1:${portOf(state, "kube-apiserver")}`;

/** The control plane's servers in the order in which they start. Their flags are in docs/sandbox.md. */
export function controlPlane(state: SandboxState): Component[] {
  const { binaries } = state;
  if (!binaries) return [];
  const components = [etcd(state, binaries), apiServer(state, binaries)];
  if (binaries.controllerManager) components.push(controllerManager(state, binaries.controllerManager));
  return components;
}

/** The administrator's kubeconfig. Throws before kube-apiserver's first start. */
export function adminKubeconfig(state: SandboxState, name = `kestraflow-${state.name}`): string {
  return kubeconfig(name, { url: apiServerUrl(state), ...adminAccess(sandboxFolder(state.name).credentials) });
}

/** The version that a running kube-apiserver tells, such as "1.34.4"; undefined when it does not answer. */
export async function kubernetesVersion(state: SandboxState): Promise<string | undefined> {
  const answer = await httpGet(`${apiServerUrl(state)}/version`, adminAccess(sandboxFolder(state.name).credentials));
  if (answer?.status !== 200) return undefined;
  return (JSON.parse(answer.body) as { gitVersion: string }).gitVersion.replace(/^v/, "");
}

function etcd(state: SandboxState, { etcd }: KubernetesBinaries): Component {
  const data = sandboxFolder(state.name).data("etcd");
  const url = () => `http://127.0.0.1:${portOf(state, "etcd")}`;
  return {
    name: "etcd",
    port: () => portOf(state, "etcd"),
    readyWithin: READY_WITHIN_MS,
    launch: () => ({
      command: etcd,
      args: [
        `--name=${state.name}`,
        `--data-dir=${data}`,
        `--listen-client-urls=${url()}`,
        `--advertise-client-urls=${url()}`,
        // A single member talks to no peer: any free port will do.
        "--listen-peer-urls=http://127.0.0.1:0",
        // Survives killed processes, not a killed machine; and it spares slow disks and those who share them.
        "--unsafe-no-fsync",
        `--quota-backend-bytes=${4 * 1024 ** 3}`,
        "--log-level=warn",
      ],
    }),
    isReady: () => answersOk(`${url()}/health`),
  };
}

function apiServer(state: SandboxState, { apiServer }: KubernetesBinaries): Component {
  const { credentials } = sandboxFolder(state.name);
  const files = credentialFiles(credentials);
  return {
    name: "kube-apiserver",
    port: () => portOf(state, "kube-apiserver"),
    readyWithin: READY_WITHIN_MS,
    // It would wait a minute for open watches to end, and it keeps nothing that could be lost.
    grace: 2_000,
    launch: () => {
      makeCredentials(credentials);
      return {
        command: apiServer,
        args: [
          `--etcd-servers=http://127.0.0.1:${portOf(state, "etcd")}`,
          "--bind-address=127.0.0.1",
          `--secure-port=${portOf(state, "kube-apiserver")}`,
          `--cert-dir=${credentials}`,
          "--authorization-mode=Node,RBAC",
          `--token-auth-file=${files.tokens}`,
          "--service-account-issuer=https://kubernetes.default.svc",
          `--service-account-key-file=${files.serviceAccountKey}`,
          `--service-account-signing-key-file=${files.serviceAccountKey}`,
          `--service-cluster-ip-range=${SERVICE_RANGE}`,
          // No pod will look for the API server behind its Service, and a loopback address may not stand there.
          "--endpoint-reconciler-type=none",
          "--allow-privileged=true",
        ],
      };
    },
    isReady: async () =>
      existsSync(files.apiServerCertificate) &&
      (await answersOk(`${apiServerUrl(state)}/readyz`, adminAccess(credentials))),
  };
}

function controllerManager(state: SandboxState, command: string): Component {
  const { credentials } = sandboxFolder(state.name);
  const files = credentialFiles(credentials);
  const defaultServiceAccount = "/api/v1/namespaces/default/serviceaccounts/default";
  return {
    name: "kube-controller-manager",
    port: () => portOf(state, "kube-controller-manager"),
    readyWithin: READY_WITHIN_MS,
    launch: () => {
      const config = files.controllerManagerKubeconfig;
      writeFileSync(config, adminKubeconfig(state), { mode: 0o600 });
      return {
        command,
        args: [
          `--kubeconfig=${config}`,
          // Without these two, health checks would need an aggregated authentication that nobody here configured.
          `--authentication-kubeconfig=${config}`,
          `--authorization-kubeconfig=${config}`,
          "--bind-address=127.0.0.1",
          `--secure-port=${portOf(state, "kube-controller-manager")}`,
          `--cert-dir=${credentials}`,
          `--service-account-private-key-file=${files.serviceAccountKey}`,
          `--root-ca-file=${files.apiServerCertificate}`,
          `--service-cluster-ip-range=${SERVICE_RANGE}`,
          "--leader-elect=false",
          // The defaults (20, 30) make many namespaces and service accounts of a test wait for each other.
          "--kube-api-qps=200",
          "--kube-api-burst=400",
        ],
      };
    },
    // Healthy, and at work: it has made the first service account.
    isReady: async () => {
      const certificate = files.controllerManagerCertificate;
      if (!existsSync(certificate)) return false;
      const health = `https://127.0.0.1:${portOf(state, "kube-controller-manager")}/healthz`;
      if (!(await answersOk(health, { ca: readFileSync(certificate, "utf8") }))) return false;
      return answersOk(apiServerUrl(state) + defaultServiceAccount, adminAccess(credentials));
    },
  };
}
