import { Option } from "commander";
import { dumpYaml } from "../lib/yaml.ts";

/** How results are printed. */
export type Format = "table" | "wide" | "json" | "yaml" | "name";

/** The flag -o, as kubectl has it, with the formats that a command knows. */
export function outputOption(formats: readonly Exclude<Format, "table">[]): Option {
  return new Option("-o, --output <format>", "How to print it; default: a table").choices(formats);
}

/** Columns of the terminal; undefined where the output goes elsewhere, and nothing is cut. */
export function terminalWidth(): number | undefined {
  return process.stdout.isTTY ? process.stdout.columns : undefined;
}

/** Prints data for programs. */
export function printData(format: "json" | "yaml", data: unknown): void {
  process.stdout.write(format === "json" ? `${JSON.stringify(data, undefined, 2)}\n` : dumpYaml(plainData(data)));
}

/** Without members that are undefined, as JSON has it. */
function plainData(data: unknown): unknown {
  return JSON.parse(JSON.stringify(data));
}
