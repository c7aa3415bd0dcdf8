import type { ClusterState } from "../../sandbox/kind/cluster.ts";
import type { ClusterImages } from "../../sandbox/kind/images.ts";
import * as releases from "../../sandbox/kind/releases.ts";
import { kubectl } from "../support/cluster.ts";

/** The cluster of this run and the images in it, as setup.mjs put them into the environment. */
export const { state, images } = JSON.parse(process.env.KESTRAFLOW_E2E ?? "{}") as {
  state: ClusterState;
  images: ClusterImages;
};

export const options = { report: (line: string) => process.stderr.write(`${line}\n`) };

export const { OPERATOR, STACK } = releases;

/** Has Kestra, Postgres and the operator installed, as a user would, and ready. Does nothing where they are. */
export async function installed(): Promise<void> {
  await releases.installStack(state, images, options);
  await installOperator();
}

/** Installs or upgrades the operator, with further arguments of helm. */
export const installOperator = (...more: string[]): Promise<void> =>
  releases.installOperator(state, images, options, more);

/** What the operator's chart is told in this cluster, as arguments of helm. */
export const operatorValues = (): string[] => releases.operatorValues(state, images);

export const helm = (...args: string[]): Promise<string> => releases.helm(state.name, args, options);

/** What the tutorial's database answers. */
export async function psql(sql: string): Promise<string> {
  const args = ["psql", "-U", "root", "-tA", "ny_taxi", "-c", sql];
  return (await kubectl(["exec", "--namespace", STACK.namespace, "pgdatabase-0", "--", ...args])).trim();
}

/** An object, or a list, as kubectl has it. */
export async function get<T>(...args: string[]): Promise<T> {
  return JSON.parse(await kubectl(["get", ...args, "-o", "json"])) as T;
}
