import type { ResourceType } from "../../kubernetes/objects.ts";
import type { KestraClient } from "../../kestra/client.ts";
import { connectCluster } from "../cluster.ts";
import type { Cluster, ClusterFlags } from "../cluster.ts";
import { connectKestra, namesKestra } from "../connection.ts";
import { EXIT, UserError } from "../failure.ts";
import type { ExitCode } from "../failure.ts";
import { KINDS, listAll, readOne } from "../kinds.ts";
import type { Resource, Resources } from "../kinds.ts";
import { printData, terminalWidth } from "../format.ts";
import type { Format } from "../format.ts";
import { renderTable } from "../table.ts";
import { backfillColumns, flowColumns, kvColumns } from "./columns.ts";
import type { View } from "./columns.ts";
import { backfillsInKestra, flowsInKestra, kvsInKestra } from "./inKestra.ts";
import type { InKestra } from "./inKestra.ts";

export type Wanted = keyof Resources | "all";
export type GetFlags = ClusterFlags & { selector?: string; output?: Format } & Record<string, unknown>;

/** Prints resources of the cluster. */
export async function get(wanted: Wanted, names: readonly string[], flags: GetFlags): Promise<ExitCode> {
  if (names.length > 0 && (wanted === "all" || flags.allNamespaces || flags.selector !== undefined))
    throw new UserError("Names go with one kind in one namespace: leave out all, --all-namespaces and --selector.");
  // Names are the same whatever Kestra has.
  const kestra = namesKestra(flags) && flags.output !== "name" ? connectKestra(flags) : undefined;
  const cluster = await connectCluster(flags);
  try {
    const resources = await read(cluster, wanted, names, flags.selector);
    const inKestra = kestra && (await lookInto(kestra, resources));
    print(resources, flags.output ?? "table", inKestra, { namespace: cluster.namespace, single: names.length === 1 });
  } finally {
    await cluster.client.close();
  }
  return EXIT.ok;
}

async function read(
  cluster: Cluster,
  wanted: Wanted,
  names: readonly string[],
  labelSelector: string | undefined,
): Promise<Resources> {
  const { client, namespace } = cluster;
  const of = <R extends Resource>(kind: keyof Resources, type: ResourceType): Promise<R[]> => {
    if (wanted !== "all" && wanted !== kind) return Promise.resolve([]);
    if (names.length > 0) return Promise.all(names.map((name) => readOne<R>(client, type, { namespace, name })));
    return listAll<R>(client, type, { namespace, labelSelector });
  };
  const [flows, kvs, backfills] = await Promise.all([
    of<Resources["flows"][number]>("flows", KINDS.flows),
    of<Resources["kvs"][number]>("kvs", KINDS.kvs),
    of<Resources["backfills"][number]>("backfills", KINDS.backfills),
  ]);
  return { flows, kvs, backfills };
}

/** What Kestra has of all of them. */
export async function lookInto(
  kestra: KestraClient,
  { flows, kvs, backfills }: Resources,
): Promise<Map<Resource, InKestra>> {
  const maps = await Promise.all([
    flowsInKestra(kestra, flows),
    kvsInKestra(kestra, kvs),
    backfillsInKestra(kestra, backfills),
  ]);
  return new Map(maps.flatMap((map) => [...map]));
}

function print(
  resources: Resources,
  format: Format,
  inKestra: ReadonlyMap<Resource, InKestra> | undefined,
  { namespace, single }: { namespace: string | undefined; single: boolean },
): void {
  const all: Resource[] = [...resources.flows, ...resources.kvs, ...resources.backfills];
  if (format === "json" || format === "yaml") {
    const items = all.map((item) => (inKestra ? { ...item, inKestra: inKestra.get(item) } : item));
    printData(format, single ? items[0] : { apiVersion: "v1", kind: "List", items });
    return;
  }
  if (all.length === 0) {
    console.error(
      namespace === undefined ? "No resources found." : `No resources found in the namespace ${namespace}.`,
    );
    return;
  }
  if (format === "name") {
    for (const { kind, metadata } of all)
      process.stdout.write(`${kind.toLowerCase()}.kestraflow.dev/${metadata.name}\n`);
    return;
  }
  const wide = format === "wide";
  const view: View = { wide, namespaces: namespace === undefined, inKestra, now: Date.now() };
  const width = terminalWidth();
  const tables = [
    renderTable(resources.flows, flowColumns(view), width),
    renderTable(resources.kvs, kvColumns(view), width),
    renderTable(resources.backfills, backfillColumns(view), width),
  ];
  process.stdout.write(tables.filter((table) => table !== "").join("\n"));
}
