import { statSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { Command, InvalidArgumentError, Option } from "commander";
import { sandboxText, statusText } from "./cliText.ts";
import { SandboxError } from "./errors.ts";
import { kestraAccess } from "./kestraServer.ts";
import { DEFAULT_LINE, KUBERNETES_LINES } from "./kubernetes/versions.ts";
import { DEFAULT_NAME, down, status, up, type UpOptions } from "./sandbox.ts";
import { readState, sandboxNames, type KestraChoice } from "./state.ts";
import { DEFAULT_KESTRA_LINE, kestraFromEnvironment } from "./wishes.ts";

/** What `up` was given on the command line. */
export interface UpArguments {
  name: string;
  kube?: string | false;
  kestra?: string | false;
  kestraImage?: string;
  plugins?: string;
  kubeconfig?: string;
  env?: string;
}

export interface Commands {
  up(args: UpArguments): Promise<void>;
  status(args: { name?: string }): Promise<void>;
  down(args: { name: string; all?: true }): Promise<void>;
}

/** The command line's grammar; what the commands do is given. */
export function program(commands: Commands): Command {
  const name = () => new Option("--name <name>", "which sandbox").default(DEFAULT_NAME);
  const sandbox = new Command("npm run sandbox --")
    .description("A real Kubernetes API and Kestra's engine on this machine, for tests and for trying things out.")
    .showHelpAfterError("(add --help for the usage)");
  sandbox
    .command("up")
    .description("bring a sandbox up, or what is missing of it")
    .addOption(name())
    .addOption(new Option("--kube <line>", `Kubernetes line (default: ${DEFAULT_LINE})`).choices(KUBERNETES_LINES))
    .option("--no-kube", "without Kubernetes")
    .option("--kestra <line>", `line of Kestra's engine (default: ${DEFAULT_KESTRA_LINE})`)
    .option("--no-kestra", "without Kestra")
    .addOption(
      new Option("--kestra-image <image>", "the official image instead of the engine; needs Docker").conflicts(
        "kestra",
      ),
    )
    .addOption(
      new Option("--plugins <folder>", "plugin jars for Kestra's engine")
        .argParser(existingFolder)
        .conflicts("kestraImage"),
    )
    .option("--kubeconfig <file>", "write the kubeconfig there too")
    .option("--env <file>", "write KUBECONFIG, KESTRA_URL, KESTRA_USERNAME and KESTRA_PASSWORD there")
    .addHelpText(
      "after",
      "\nWith KESTRA_URL in the environment (and KESTRA_USERNAME, KESTRA_PASSWORD) that Kestra is used.",
    )
    .action((args: UpArguments) => commands.up(args));
  sandbox
    .command("status")
    .description("show what runs and how it does")
    .option("--name <name>", "only this sandbox")
    .action((args: { name?: string }) => commands.status(args));
  sandbox
    .command("down")
    .description("end a sandbox and remove all of it but the cache")
    .addOption(name())
    .option("--all", "all sandboxes")
    .action((args: { name: string; all?: true }) => commands.down(args));
  return sandbox;
}

/** The Kestra that the arguments, else the environment, ask for; undefined when neither does. */
export function chosenKestra(args: UpArguments, env: NodeJS.ProcessEnv): KestraChoice | false | undefined {
  if (args.kestra === false) return false;
  if (args.kestraImage !== undefined) return { kind: "image", image: args.kestraImage };
  if (args.kestra !== undefined || args.plugins !== undefined)
    return {
      kind: "engine",
      line: args.kestra ?? DEFAULT_KESTRA_LINE,
      ...(args.plugins !== undefined && { plugins: args.plugins }),
    };
  return kestraFromEnvironment(env);
}

function existingFolder(path: string): string {
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory())
    throw new InvalidArgumentError("There is no such folder.");
  return resolve(path);
}

class Interruption extends SandboxError {}

const report = (line: string) => console.error(line);

async function upCommand(args: UpArguments): Promise<void> {
  const begin = performance.now();
  const interruption = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.once(signal, () => interruption.abort(new Interruption(`interrupted by ${signal}`)));

  const { name, kube, kubeconfig, env } = args;
  const options: UpOptions = { name, kube, kubeconfig, env, report, signal: interruption.signal };
  const sandbox = await up({ ...options, kestra: withoutOwn(name, chosenKestra(args, process.env)) });
  console.log(sandboxText(sandbox, (performance.now() - begin) / 1000));
}

/** In a shell that has this sandbox's own variables, KESTRA_URL names no other Kestra. */
function withoutOwn(name: string, choice: KestraChoice | false | undefined): KestraChoice | false | undefined {
  const state = readState(name);
  const own = state && Object.keys(state.ports).includes("kestra") ? kestraAccess(state)?.url : undefined;
  return choice && choice.kind === "existing" && choice.url === own ? undefined : choice;
}

async function statusCommand({ name }: { name?: string }): Promise<void> {
  console.log(statusText(await status(name)));
}

async function downCommand({ name, all }: { name: string; all?: true }): Promise<void> {
  const there = sandboxNames();
  const names = all ? there : [name];
  if (!names.some((wanted) => there.includes(wanted)))
    console.log(all ? "There is no sandbox." : `There is no sandbox ${name}.`);
  for (const wanted of names) {
    await down(wanted, { report });
    if (there.includes(wanted)) console.log(`Sandbox ${wanted} is down.`);
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href)
  try {
    await program({ up: upCommand, status: statusCommand, down: downCommand }).parseAsync();
  } catch (error) {
    console.error(error instanceof Error ? (error instanceof SandboxError ? error.message : error.stack) : error);
    process.exitCode = error instanceof Interruption ? 130 : 1;
  }
