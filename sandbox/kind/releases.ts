import { join } from "node:path";
import { run } from "../command.ts";
import { cacheFolder } from "../folders.ts";
import { helmCommand } from "../helm.ts";
import type { StepOptions } from "../step.ts";
import type { ClusterState } from "./cluster.ts";
import { clusterFolder } from "./folders.ts";
import { CHARTS, type ClusterImages } from "./images.ts";

/** Where and as what the charts are installed. */
export const STACK = { release: "kestra", namespace: "kestra" };
export const OPERATOR = { release: "kestraflow", namespace: "kestraflow-system" };

/** The login of the tutorial, as the chart of Kestra has it. Everybody can know it: the node's ports are those of this machine only. */
export const LOGIN = { username: "admin@kestra.io", password: "Admin1234" };

const WAIT = ["--wait", "--timeout", "10m"];

/** Runs helm for a cluster and returns its standard output. */
export async function helm(cluster: string, args: string[], { report, signal }: StepOptions): Promise<string> {
  const command = await helmCommand({ cacheDir: cacheFolder(), report });
  return run(command, args, { env: { KUBECONFIG: clusterFolder(cluster).kubeconfig }, signal });
}

/** Installs or upgrades Kestra and Postgres, and waits until they are ready. */
export async function installStack(state: ClusterState, images: ClusterImages, options: StepOptions): Promise<void> {
  const { release, namespace } = STACK;
  const chart = join(CHARTS, "kestra-stack");
  const values = images.isEngine ? ["--values", join(chart, "values-engine.yaml")] : [];
  const set = [
    `kestra.image=${images.kestra}`,
    `kestra.url=${kestraUrl(state)}`,
    `postgres.image=${images.postgres}`,
    "postgres.pullPolicy=Never",
  ];
  const args = ["upgrade", "--install", release, chart, "--namespace", namespace, "--create-namespace", ...values];
  await helm(state.name, [...args, ...set.flatMap((value) => ["--set", value]), ...WAIT], options);
}

/** Kestra's address on this machine. */
export const kestraUrl = ({ ports }: ClusterState): string => `http://localhost:${ports["30080"]}`;

/** The values with which the operator is installed. */
export function operatorValues(state: ClusterState, images: ClusterImages): string[] {
  const [, repository = "", tag = ""] = /^(.+):([^:]+)$/.exec(images.operator) ?? [];
  const set = [
    `image.repository=${repository}`,
    `image.tag=${tag}`,
    "image.pullPolicy=Never",
    `kestra.url=http://kestra.${STACK.namespace}.svc:8080`,
    `kestra.uiUrl=${kestraUrl(state)}`,
    `kestra.username=${LOGIN.username}`,
    `kestra.password=${LOGIN.password}`,
  ];
  return set.flatMap((value) => ["--set", value]);
}

/** Installs or upgrades the operator with its CRDs, and waits until it is ready. `more` are further arguments of helm. */
export async function installOperator(
  state: ClusterState,
  images: ClusterImages,
  options: StepOptions,
  more: string[] = [],
): Promise<void> {
  const { release, namespace } = OPERATOR;
  const chart = join(CHARTS, "kestraflow-operator");
  const args = ["upgrade", "--install", release, chart, "--namespace", namespace, "--create-namespace"];
  await helm(state.name, [...args, ...operatorValues(state, images), ...more, ...WAIT], options);
}
