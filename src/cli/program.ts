import { readFileSync } from "node:fs";
import { Command } from "commander";
import { addRun } from "./run.ts";

/** The command line `kestraflow`. */
export function program(): Command {
  const command = new Command("kestraflow").description("Kestra flows as Kubernetes objects").version(version());
  addRun(command);
  return command;
}

function version(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
