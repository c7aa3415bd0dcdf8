import type { Command } from "commander";
import { InvalidSettings, parseSettings, Settings } from "../operator/config.ts";
import { addSettings, variablesOf } from "./settings.ts";

/** `kestraflow run`: the operator. Every setting is a flag and an environment variable; the flag wins. */
export function define(command: Command): void {
  command.description(
    "Run the operator. Each flag can be given as an environment variable: --kestra-url is KESTRA_URL.",
  );
  addSettings(command, Object.keys(Settings.shape) as (keyof Settings)[]);
  command.action(async (flags: Record<string, string>) => {
    process.exitCode = await run(variablesOf(flags));
  });
}

/** Runs the operator until SIGTERM or SIGINT. Resolves to the exit code: 2 when the configuration cannot be used. */
async function run(variables: Readonly<Record<string, string | undefined>>): Promise<number> {
  try {
    // Loaded here, so that --help starts without the Kubernetes client.
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
