import type { Command } from "commander";
import { UserError } from "../failure.ts";
import { manifestsIn } from "../manifests.ts";
import { review } from "../review/review.ts";
import type { ReviewOptions } from "../review/review.ts";
import { named, writeFolder } from "./folder.ts";
import { inOrder, streamOf, textOf } from "./resource.ts";
import type { Resource } from "./resource.ts";

/** `kubectl apply` keeps a copy of the manifest in an annotation, which may have this many bytes. */
const MAX_ANNOTATION = 262_144;
/** What etcd takes in one request, less what the operator adds to an object. */
const MAX_OBJECT = 1_500_000;

export interface OutputFlags {
  output?: string;
  namespace?: string;
  force?: boolean;
}

/** Adds the flags that say where manifests go. */
export function addOutputOptions(command: Command): void {
  command
    .option("--output <folder>", "Folder for the manifests, one file for each; default: all to standard output")
    .option("-n, --namespace <name>", "Kubernetes namespace to be named in the manifests; default: none")
    .option("--force", "Overwrite files that have other content");
}

/**
 * Writes resources to the folder, or to standard output, and says on standard error what was written and what the operator will say
 * against it.
 *
 * @returns how many complaints there were
 */
export async function deliver(
  resources: readonly Resource[],
  { output, namespace, force = false }: OutputFlags,
  options: ReviewOptions,
): Promise<{ complaints: number }> {
  if (resources.length === 0) throw new UserError("There is nothing to write: nothing was found that is selected.");
  const ordered = resources.toSorted(inOrder);
  refuseDoubles(ordered);
  let complaints = complainOf(ordered, options);
  if (output === undefined) process.stdout.write(streamOf(ordered));
  else {
    const { files, unchanged, apart, strays } = await writeFolder(output, ordered, { force, namespace });
    console.error(`${output}: ${files} files written, ${unchanged} unchanged.`);
    for (const file of apart)
      console.error(
        `${file} is in no kustomization, as kustomize would change characters in it: kubectl apply -f it, without --server-side.`,
      );
    complaints += apart.length;
    if (strays.length > 0)
      console.error(
        `${output} also has files that were not written now, and are in no kustomization: ${named(strays)}.`,
      );
  }
  console.error(`${summaryOf(ordered)}.`);
  const large = ordered.filter((resource) => sizeOf(resource) > MAX_ANNOTATION);
  if (large.length > 0)
    console.error(`${nameList(large)}: too large for kubectl apply as it is; use kubectl apply --server-side.`);
  return { complaints };
}

/** One file would overwrite the other, or one object the other in the cluster. */
function refuseDoubles(ordered: readonly Resource[]): void {
  ordered.forEach((resource, index) => {
    const before = ordered[index - 1];
    if (before && inOrder(before, resource) === 0)
      throw new UserError(
        `${nameList([resource])} is there twice: rename one of the two, or convert them into different folders.`,
      );
  });
}

/** What the operator will refuse, told on standard error. */
function complainOf(resources: readonly Resource[], options: ReviewOptions): number {
  const manifests = resources.flatMap((resource) => {
    const { kind, metadata } = resource.object;
    return manifestsIn({ file: `${kind} ${metadata.name}`, text: textOf(resource) }).manifests;
  });
  const complaints = review(manifests, options).flatMap(({ manifest, complaints }) =>
    complaints.map(({ message }) => `${manifest.file}: ${message}`),
  );
  for (const resource of resources)
    if (sizeOf(resource) > MAX_OBJECT)
      complaints.push(`${nameList([resource])}: larger than what etcd takes by default.`);
  for (const complaint of complaints) console.error(complaint);
  return complaints.length;
}

function summaryOf(resources: readonly Resource[]): string {
  const kinds = Map.groupBy(resources, ({ object }) => object.kind);
  return [...kinds].map(([kind, members]) => `${kind}: ${members.length}`).join(", ");
}

function nameList(resources: readonly Resource[]): string {
  return named(resources.map(({ object }) => `${object.kind} ${object.metadata.name}`));
}

function sizeOf({ object }: Resource): number {
  return Buffer.byteLength(JSON.stringify(object));
}
