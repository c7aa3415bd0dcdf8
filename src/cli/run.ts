import type { Command } from "commander";
import { InvalidSettings, parseSettings, Settings } from "../operator/config.ts";

/** Not to be seen in a list of processes. */
const NO_FLAG = new Set(["KESTRA_PASSWORD"]);

/** `kestraflow run`: the operator. Every setting is a flag and an environment variable; the flag wins. */
export function addRun(parent: Command): void {
  const command = parent
    .command("run")
    .description("Run the operator. Each flag can be given as an environment variable: --kestra-url is KESTRA_URL.");
  for (const [variable, field] of Object.entries(Settings.shape)) {
    if (!NO_FLAG.has(variable)) command.option(`${flagOf(variable)} <value>`, field.description ?? "");
  }
  command.action(async (flags: Record<string, string>) => {
    process.exitCode = await run({ ...process.env, ...variablesOf(flags) });
  });
}

/** Runs the operator until SIGTERM or SIGINT. Resolves to the exit code: 2 when the configuration cannot be used. */
async function run(variables: Readonly<Record<string, string | undefined>>): Promise<number> {
  try {
    // Loaded here, so that the other commands and --help start without the Kubernetes client.
    const { runOperator } = await import("../operator/run.ts");
    return await runOperator(parseSettings(variables));
  } catch (error) {
    if (error instanceof InvalidSettings) {
      console.error(error.message);
      return 2;
    }
    // What was begun keeps the process alive, and by now errors that escape are only logged.
    console.error(error);
    process.exit(1);
  }
}

function flagOf(variable: string): string {
  return `--${variable.toLowerCase().replaceAll("_", "-")}`;
}

function variablesOf(flags: Record<string, string>): Record<string, string> {
  const entries = Object.entries(flags).map(([name, value]) => [name.replace(/[A-Z]/g, "_$&").toUpperCase(), value]);
  return Object.fromEntries(entries) as Record<string, string>;
}
