import type { Command } from "commander";
import { addClusterOptions } from "../cluster.ts";
import { addKestraOptions } from "../connection.ts";
import { action } from "../failure.ts";
import type { DiffFlags } from "./run.ts";

const EXAMPLES = `
Examples:
  kestraflow diff flows/                      what an apply of a folder would change in Kestra
  kustomize build . | kestraflow diff -       the same of what kustomize makes
  kestraflow diff --context prod flows/       with the resources, Secrets and ConfigMaps of a cluster

Exit code: 0 nothing would change, 1 something would, 2 something is wrong or would be refused.`;

/** `kestraflow diff` */
export function define(command: Command): void {
  command
    .description(
      "Show what an apply of manifests would change in Kestra: sources of flows as a unified diff, entries and the slots of Backfills as tables. Nothing is changed. What they refer to is looked for in the files, and in a cluster only where --kubeconfig or --context names one.",
    )
    .argument("<files...>", "Files, folders, or - for standard input")
    .option("--mask", "Hide the values of all entries. Those of Secrets are never shown");
  addClusterOptions(command, { many: false });
  addKestraOptions(command);
  command.addHelpText("after", EXAMPLES);
  command.action(
    action(async (files: string[], flags: DiffFlags) => {
      const { diff } = await import("./run.ts");
      return diff(files, flags);
    }),
  );
}
