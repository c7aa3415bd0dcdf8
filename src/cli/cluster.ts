import type { Command } from "commander";
import type { KubernetesClient } from "../kubernetes/client.ts";
import { messageOf } from "../lib/async.ts";
import { silentLogger } from "../lib/log.ts";
import { UserError } from "./failure.ts";

/** The flags of kubectl that say which cluster and which namespace are meant. */
export interface ClusterFlags {
  kubeconfig?: string;
  context?: string;
  namespace?: string;
  allNamespaces?: boolean;
}

export interface Cluster {
  client: KubernetesClient;
  /** The namespace that is meant: as given, else the context's. Undefined for all of them. */
  namespace: string | undefined;
}

/** Adds the flags, as kubectl has them. @param many whether the command can be about all namespaces */
export function addClusterOptions(command: Command, { many }: { many: boolean }): void {
  command
    .option("--kubeconfig <file>", "Kubeconfig file; default: as kubectl finds it")
    .option("--context <name>", "Context of the kubeconfig")
    .option("-n, --namespace <name>", "Kubernetes namespace; default: the context's");
  if (many) command.option("-A, --all-namespaces", "All Kubernetes namespaces");
}

/** The cluster that the flags mean. No connection is opened yet; whoever has it closes the client. */
export async function connectCluster({
  kubeconfig,
  context,
  namespace,
  allNamespaces,
}: ClusterFlags): Promise<Cluster> {
  if (allNamespaces && namespace !== undefined) throw new UserError("Give either --namespace or --all-namespaces.");
  const client = await connect(kubeconfig, context);
  if (allNamespaces) return { client, namespace: undefined };
  const { kubeConfig } = client;
  const fallback = kubeConfig.getContextObject(kubeConfig.getCurrentContext())?.namespace ?? "default";
  return { client, namespace: namespace ?? fallback };
}

async function connect(kubeconfig: string | undefined, context: string | undefined): Promise<KubernetesClient> {
  // The library below it takes longer to load than all the rest: what needs no cluster starts without.
  const { KubernetesClient } = await import("../kubernetes/client.ts");
  try {
    return KubernetesClient.connect({ kubeconfig, context, userAgent: "kestraflow", logger: silentLogger });
  } catch (error) {
    throw new UserError(`${messageOf(error)} The flags --kubeconfig and --context choose another cluster.`);
  }
}
