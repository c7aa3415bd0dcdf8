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

/**
 * Ends what a helm that was killed left in progress, which would refuse everything else: an upgrade is rolled back, an installation is
 * removed (volumes and definitions stay). Does nothing otherwise.
 */
export async function settle(run: (args: string[]) => Promise<string>, release: string, namespace: string) {
  const place = [release, "--namespace", namespace];
  const answer = await run(["status", ...place, "--output", "json"]).catch((error: unknown) => {
    if (String(error).includes("not found")) return undefined;
    throw error;
  });
  if (answer === undefined) return;
  const { status } = (JSON.parse(answer) as { info: { status: string } }).info;
  if (status === "pending-install") await run(["uninstall", ...place]);
  else if (status.startsWith("pending-")) await run(["rollback", ...place]);
}

/** Installs or upgrades a release, and waits until it is ready. */
async function upgrade(
  cluster: string,
  { release, namespace, chart }: { release: string; namespace: string; chart: string },
  values: string[],
  options: StepOptions,
): Promise<void> {
  const helmHere = (args: string[]) => helm(cluster, args, options);
  await settle(helmHere, release, namespace);
  const place = ["--namespace", namespace, "--create-namespace"];
  await helmHere(["upgrade", "--install", release, chart, ...place, ...values, ...WAIT]);
}

/** Installs or upgrades Kestra and Postgres, and waits until they are ready. */
export async function installStack(state: ClusterState, images: ClusterImages, options: StepOptions): Promise<void> {
  const chart = join(CHARTS, "kestra-stack");
  const values = images.isEngine ? ["--values", join(chart, "values-engine.yaml")] : [];
  const set = [
    `kestra.image=${images.kestra}`,
    `kestra.url=${kestraUrl(state)}`,
    `postgres.image=${images.postgres}`,
    "postgres.pullPolicy=Never",
  ];
  await upgrade(state.name, { ...STACK, chart }, [...values, ...set.flatMap((value) => ["--set", value])], options);
}

/** Kestra's address on this machine. */
export const kestraUrl = ({ ports }: ClusterState): string => `http://localhost:${ports["30080"]}`;

/** The `image` of the operator's values: what is in the node already. */
export function operatorImage({ operator }: ClusterImages): Record<"repository" | "tag" | "pullPolicy", string> {
  const [, repository = "", tag = ""] = /^(.+):([^:]+)$/.exec(operator) ?? [];
  return { repository, tag, pullPolicy: "Never" };
}

/** The values with which the operator is installed. */
export function operatorValues(state: ClusterState, images: ClusterImages): string[] {
  const set = [
    ...Object.entries(operatorImage(images)).map(([key, value]) => `image.${key}=${value}`),
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
  const chart = join(CHARTS, "kestraflow-operator");
  await upgrade(state.name, { ...OPERATOR, chart }, [...operatorValues(state, images), ...more], options);
}
