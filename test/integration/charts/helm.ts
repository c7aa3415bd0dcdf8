import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll } from "@jest/globals";
import { loadAll } from "js-yaml";
import { root } from "../../support/cluster.ts";
import { helmProgram } from "../../support/helm.ts";

const run = promisify(execFile);

export type Values = Record<string, unknown>;

/** A rendered object, of any kind. */
export interface Rendered {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  };
  spec?: unknown;
  rules?: { apiGroups: string[]; resources: string[]; verbs: string[]; resourceNames?: string[] }[];
}

/** The folder of a chart. */
export const chart = (name: "kestraflow-operator" | "kestra-stack"): string => join(root, "charts", name);

/** What an operator that can be installed is told at least. */
export const REQUIRED = { kestra: { url: "http://kestra.kestra.svc:8080", existingSecret: "kestra-login" } };

/** Values for most tests: those required, and no definitions, which the API server of a test run has already. */
export const WITHOUT_CRDS = { ...REQUIRED, crds: { install: false } };

/** Nothing of a user's own Helm is read or written. */
const home = mkdtemp(join(tmpdir(), "kestraflow-helm-"));
afterAll(async () => {
  await rm(await home, { recursive: true });
});

// Built on a slow, busy machine, the first time.
beforeAll(helmProgram, 30 * 60_000);

/** Runs helm against the cluster of this test run, `values` as the file of the last argument. Rejects with its standard error. */
export async function helm(args: string[], values?: Values): Promise<string> {
  const folder = await home;
  const places = Object.fromEntries(
    ["HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"].map((name) => [name, folder]),
  );
  const file = join(folder, `${crypto.randomUUID()}.json`);
  if (values !== undefined) await writeFile(file, JSON.stringify(values));
  const all = values === undefined ? args : [...args, "--values", file];
  const { stdout } = await run(await helmProgram(), all, { env: { ...process.env, ...places }, maxBuffer: 64 * 1024 * 1024 });
  return stdout;
}

/** What `helm template` makes of a chart, as text. */
export function template(name: Parameters<typeof chart>[0], values: Values, args: string[] = []): Promise<string> {
  return helm(["template", "release", chart(name), "--namespace", "ops", "--kube-version", "1.34", ...args], values);
}

/** The rendered objects of a chart, hooks included. */
export async function render(
  name: Parameters<typeof chart>[0],
  values: Values,
  args: string[] = [],
): Promise<Rendered[]> {
  const text = await template(name, values, args);
  return (loadAll(text) as (Rendered | null)[]).filter((object) => object !== null);
}

/** The only object of a kind. Throws where there is none, or more than one. */
export function only<T = Rendered>(objects: Rendered[], kind: string, name?: string): T {
  const found = objects.filter((object) => object.kind === kind && (name === undefined || object.metadata.name === name));
  if (found.length !== 1) throw new Error(`${found.length} objects of kind ${kind} ${name ?? ""}`);
  return found[0] as T;
}

/** A copy of a chart with files changed, in a folder that goes when the tests are done. */
export async function changedChart(
  name: Parameters<typeof chart>[0],
  changes: Record<string, (text: string) => string>,
): Promise<string> {
  const copy = join(await mkdtemp(join(await home, "chart-")), name);
  await cp(chart(name), copy, { recursive: true });
  for (const [file, change] of Object.entries(changes)) {
    const before = await readFile(join(copy, file), "utf8");
    const after = change(before);
    if (after === before) throw new Error(`the change of ${file} changes nothing`);
    await writeFile(join(copy, file), after);
  }
  return copy;
}
