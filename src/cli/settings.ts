import type { Command } from "commander";
import { Settings } from "../operator/config.ts";

/** Not to be seen in a list of processes. */
const NO_FLAG = new Set<keyof Settings>(["KESTRA_PASSWORD"]);

/** Adds a flag for each of these settings that may be one: --kestra-url for KESTRA_URL. */
export function addSettings(command: Command, names: readonly (keyof Settings)[]): void {
  for (const name of names) {
    if (!NO_FLAG.has(name)) command.option(`${flagOf(name)} <value>`, Settings.shape[name].description ?? "");
  }
}

/** The environment with the flags in it, by variable. A flag for a file takes the place of the value it would hold. */
export function variablesOf(flags: Readonly<Record<string, unknown>>): Record<string, string | undefined> {
  const variables = { ...process.env };
  for (const [flag, value] of Object.entries(flags)) {
    const name = flag.replace(/[A-Z]/g, "_$&").toUpperCase();
    if (!(name in Settings.shape) || typeof value !== "string") continue;
    variables[name] = value;
    const other = name.endsWith("_FILE") ? name.slice(0, -"_FILE".length) : `${name}_FILE`;
    if (other in Settings.shape && !(attributeOf(other) in flags)) delete variables[other];
  }
  return variables;
}

function flagOf(variable: string): string {
  return `--${variable.toLowerCase().replaceAll("_", "-")}`;
}

/** Name under which commander gives the flag of a variable. */
function attributeOf(variable: string): string {
  return variable.toLowerCase().replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
