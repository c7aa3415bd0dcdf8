import { existsSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";

export const root = resolve(import.meta.dirname, "..", "..");

export type Cluster = "sandbox" | "kind";

export interface Options {
  /** What was asked for; undefined leaves the choice to us. */
  cluster?: Cluster;
  /** The folder of the manifests, absolute. */
  flows: string;
  /** Take everything down when all was shown, instead of staying up. */
  exit: boolean;
  /** Where to write what happened, absolute. */
  json?: string;
}

/** Reads the command line; prints the usage and exits where it is wrong or asks for help. */
export function parseOptions(argv: string[]): Options {
  return new Command("npm run quickstart --")
    .description(
      "Kestra flows as Kubernetes objects, on this machine: a cluster, the operator and the tutorial's flows.",
    )
    .showHelpAfterError("(add --help for the usage)")
    .addOption(
      new Option("--cluster <kind>", "default: kind where it works, else the sandbox").choices(["sandbox", "kind"]),
    )
    .addOption(
      new Option("--flows <folder>", "apply the manifests of this folder")
        .argParser(folder)
        .default(join(root, "flows"), "the tutorial's"),
    )
    .option("--exit", "take everything down after the flows are Ready; exit code 1 when one is not", false)
    .option("--json <file>", "write what happened to this file", writablePlace)
    .parse(argv)
    .opts<Options>();
}

/** The arguments of kubectl that name all manifests of a folder, with the path as somebody at the project's root types it. */
export function manifestArguments(flows: string): string[] {
  const path = flows.startsWith(`${root}/`) ? relative(root, flows) : flows;
  return [existsSync(join(flows, "kustomization.yaml")) ? "-k" : "-f", path];
}

function folder(path: string): string {
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory())
    throw new InvalidArgumentError("There is no such folder.");
  return resolve(path);
}

function writablePlace(path: string): string {
  folder(dirname(resolve(path)));
  return resolve(path);
}
