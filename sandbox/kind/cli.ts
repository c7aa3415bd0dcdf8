import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { Command, Option } from "commander";
import { SandboxError } from "../errors.ts";
import { DEFAULT_NAME } from "./cluster.ts";
import { down, EXTENTS, load, up, type Extent, type KindCluster } from "./kind.ts";
import { kestraUrl, LOGIN } from "./releases.ts";

export interface UpArguments {
  name: string;
  until?: Extent;
  kubeconfig?: string;
}

export interface Commands {
  up(args: UpArguments): Promise<void>;
  load(args: { name: string }): Promise<void>;
  down(args: { name: string }): Promise<void>;
}

/** The command line's grammar; what the commands do is given. */
export function program(commands: Commands): Command {
  const name = () => new Option("--name <name>", "which cluster").default(DEFAULT_NAME);
  const kind = new Command("npm run kind --")
    .description("A kind cluster with Kestra, Postgres, the operator and the tutorial, installed by Helm.")
    .showHelpAfterError("(add --help for the usage)");
  kind
    .command("up")
    .description("bring a cluster up, or what is missing of it")
    .addOption(name())
    .addOption(new Option("--until <extent>", "how far to go (default: flows)").choices(EXTENTS))
    .option("--kubeconfig <file>", "add the cluster to that kubeconfig")
    .action((args: UpArguments) => commands.up(args));
  kind
    .command("load")
    .description("build the images again, and upgrade what runs of them")
    .addOption(name())
    .action((args: { name: string }) => commands.load(args));
  kind
    .command("down")
    .description("remove a cluster and all of it but the images and builds")
    .addOption(name())
    .action((args: { name: string }) => commands.down(args));
  return kind;
}

class Interruption extends SandboxError {}

const report = (line: string) => console.error(line);

function interruptible(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.once(signal, () => controller.abort(new Interruption(`interrupted by ${signal}`)));
  return controller.signal;
}

/** What the user is told of a cluster that is up. */
export function clusterText({ name, kubeconfig, state, images }: KindCluster): string {
  const suffix = name === DEFAULT_NAME ? "" : ` --name ${name}`;
  const url = kestraUrl(state);
  const lines = [`Cluster ${name} is up.`, "", `  export KUBECONFIG=${kubeconfig}`, "  kubectl get kestra", ""];
  if (images?.isEngine)
    lines.push(
      `Kestra's engine behind our test REST layer, as Kestra's image cannot be pulled: ${url}/api/v1`,
      "  It is not Kestra: it has no user interface, and tasks of plugins are only declared.",
    );
  else if (images) lines.push(`Kestra: ${url}`);
  if (images) lines.push(`  login: ${LOGIN.username} / ${LOGIN.password}`, "");
  return [...lines, `Take it down with: npm run kind -- down${suffix}`].join("\n");
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href)
  try {
    const signal = interruptible();
    await program({
      up: async ({ kubeconfig, ...args }) => {
        const file = kubeconfig === undefined ? undefined : resolve(kubeconfig);
        console.log(clusterText(await up({ ...args, kubeconfig: file, report, signal })));
      },
      load: async (args) => console.log(clusterText(await load({ ...args, report, signal }))),
      down: async ({ name }) => {
        await down({ name, report, signal });
        console.log(`Cluster ${name} is down.`);
      },
    }).parseAsync();
  } catch (error) {
    console.error(error instanceof Error ? (error instanceof SandboxError ? error.message : error.stack) : error);
    process.exitCode = error instanceof Interruption ? 130 : 1;
  }
