import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { Command } from "commander";

/** A command. What it needs is loaded when it is called, so that --help and the other commands start without it. */
interface Entry {
  name: string;
  summary: string;
  load: () => Promise<{ define: (command: Command) => void }>;
}

const COMMANDS: readonly Entry[] = [
  { name: "run", summary: "Run the operator", load: () => import("./run.ts") },
  { name: "export", summary: "Write what Kestra has as manifests", load: () => import("./export/command.ts") },
  { name: "convert", summary: "Write what others declare as manifests", load: () => import("./convert/command.ts") },
  { name: "validate", summary: "Check manifests and flows", load: () => import("./validate/command.ts") },
  { name: "diff", summary: "Show what an apply would change in Kestra", load: () => import("./diff/command.ts") },
  { name: "get", summary: "Show resources, and what Kestra has of them", load: () => import("./get/command.ts") },
  { name: "status", summary: "Say whether all is well", load: () => import("./status/command.ts") },
  { name: "backfill", summary: "Follow a Backfill, or preview one", load: () => import("./backfill/command.ts") },
  { name: "completion", summary: "Print a completion script", load: () => import("./completion/command.ts") },
];

/** Exit code for a command line that cannot be understood, and for whatever else keeps a command from doing its work. */
const FAILED = 2;

/** The command line, whose commands do not know their options before they are called. */
export function program(name = "kestraflow"): Command {
  const command = new Command(name)
    .description("Kestra flows as Kubernetes objects")
    .version(version())
    .helpCommand(false)
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : FAILED));
  for (const { name, summary } of COMMANDS) command.command(name).summary(summary);
  command.hook("preSubcommand", async (_, chosen) => {
    await COMMANDS.find(({ name }) => name === chosen.name())
      ?.load()
      .then(({ define }) => {
        define(chosen);
      });
  });
  return command;
}

/** The command line with everything that its commands understand, for whoever describes it. */
export async function wholeProgram(): Promise<Command> {
  const command = program();
  for (const { name, load } of COMMANDS) {
    const found = command.commands.find((child) => child.name() === name);
    if (found) (await load()).define(found);
  }
  return command;
}

/** What the user typed: kubectl calls a plugin by the name of its file. */
export function programName([, path = ""]: readonly string[]): string {
  return basename(path) === "kubectl-kestra" ? "kubectl kestra" : "kestraflow";
}

function version(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
