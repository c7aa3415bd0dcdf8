import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { dumpYaml } from "../../lib/yaml.ts";
import { UserError } from "../failure.ts";
import { textOf } from "./resource.ts";
import type { Resource } from "./resource.ts";

/** Most files that a message names. */
const MOST_NAMED = 5;
const KUSTOMIZATION = "kustomization.yaml";

/**
 * Characters that kustomize, and so `kubectl apply -k` and Flux, writes in another way than it read them: it makes blanks of line ends that
 * only YAML 1.1 knew, and fails on controls. So does the API server when it reads a server-side apply. `kubectl apply -f` keeps them.
 */
const NOT_FOR_KUSTOMIZE = /[\x7f-\x9f\u2028\u2029\ufffe\uffff]/;

export interface Written {
  files: number;
  unchanged: number;
  /** Files that are in no kustomization, as kustomize would change them. */
  apart: string[];
  /** Files in the folders written to that are not of what was written now, such as those of a flow that is gone. */
  strays: string[];
}

/**
 * Writes one file for each resource, as `GROUP/SECTION/FILE.yaml`, and the kustomization.yaml files that name all that kustomize leaves as
 * it is.
 *
 * Guaranteed: nothing is written when a file is there already and would become another one, unless forced; no file is deleted.
 *
 * @throws {UserError} which names the files in the way
 */
export async function writeFolder(
  folder: string,
  resources: readonly Resource[],
  { force, namespace }: { force: boolean; namespace?: string | undefined },
): Promise<Written> {
  const files = new Map([...manifestsOf(resources), ...kustomizationsOf(resources, namespace)]);
  const changed = new Map<string, string>();
  const inTheWay: string[] = [];
  for (const [file, text] of files) {
    const present = await readIfThere(join(folder, file));
    if (present === text) continue;
    changed.set(file, text);
    if (present !== undefined) inTheWay.push(file);
  }
  if (inTheWay.length > 0 && !force)
    throw new UserError(
      `${folder} has ${inTheWay.length} ${inTheWay.length === 1 ? "file" : "files"} with other content than would be written: ${named(inTheWay)}. Choose another folder, or overwrite them with --force.`,
    );
  for (const [file, text] of changed) {
    await mkdir(join(folder, dirname(file)), { recursive: true }).catch(unwritable(folder));
    await writeFile(join(folder, file), text).catch(unwritable(join(folder, file)));
  }
  const strays = await straysIn(folder, files);
  const apart = resources.filter(isApart).map((resource) => `${resource.group}/${pathOf(resource)}`);
  return { files: changed.size, unchanged: files.size - changed.size, apart, strays };
}

/** Some of the files, for a message. */
export function named(files: readonly string[]): string {
  const more = files.length - MOST_NAMED;
  return files.slice(0, MOST_NAMED).join(", ") + (more > 0 ? ` and ${more} more` : "");
}

function manifestsOf(resources: readonly Resource[]): [string, string][] {
  return resources.map((resource) => [`${resource.group}/${pathOf(resource)}`, textOf(resource)]);
}

function pathOf({ section, file }: Resource): string {
  return `${section}/${file}.yaml`;
}

/** One for each group and one for all, so that either can be applied. */
function kustomizationsOf(resources: readonly Resource[], namespace: string | undefined): [string, string][] {
  const fit = resources.filter((resource) => !isApart(resource));
  const groups = Map.groupBy(fit, ({ group }) => group);
  const ofGroups = [...groups].map(([group, members]): [string, string] => [
    `${group}/${KUSTOMIZATION}`,
    kustomization(members.map(pathOf), namespace),
  ]);
  return [
    ...ofGroups,
    [
      KUSTOMIZATION,
      kustomization(
        [...groups.keys()].map((group) => `./${group}`),
        namespace,
      ),
    ],
  ];
}

function isApart({ object }: Resource): boolean {
  return NOT_FOR_KUSTOMIZE.test(JSON.stringify(object));
}

function kustomization(resources: readonly string[], namespace: string | undefined): string {
  return dumpYaml({
    apiVersion: "kustomize.config.k8s.io/v1beta1",
    kind: "Kustomization",
    ...(namespace === undefined ? {} : { namespace }),
    resources,
  });
}

async function straysIn(folder: string, files: ReadonlyMap<string, string>): Promise<string[]> {
  const folders = new Set([...files.keys()].map(dirname));
  const strays: string[] = [];
  for (const inner of folders) {
    for (const entry of await readdir(join(folder, inner), { withFileTypes: true })) {
      const file = join(inner, entry.name);
      if (entry.isFile() && entry.name.endsWith(".yaml") && !files.has(file)) strays.push(file);
    }
  }
  return strays;
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new UserError(`${path} cannot be read (${(error as NodeJS.ErrnoException).code ?? "unknown"}).`);
  }
}

function unwritable(path: string): (error: unknown) => never {
  return (error) => {
    throw new UserError(`${path} cannot be written (${(error as NodeJS.ErrnoException).code ?? "unknown"}).`);
  };
}
