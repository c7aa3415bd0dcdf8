import { Argument, InvalidArgumentError } from "commander";
import type { Command } from "commander";
import { addClusterOptions } from "../cluster.ts";
import { addKestraOptions } from "../connection.ts";
import { action } from "../failure.ts";
import { outputOption } from "../format.ts";
import type { GetFlags, Wanted } from "./run.ts";

const EXAMPLES = `
Examples:
  kestraflow get flows                        KestraFlows of the context's namespace
  kestraflow get all -A -o wide               everything of the cluster, with messages
  kestraflow get kv -l team=data              by label
  kestraflow get backfills taxi-2019 -o yaml  one Backfill as YAML

With a Kestra given, by --kestra-url or KESTRA_URL, the column IN KESTRA says what it has now.`;

const WANTED: Readonly<Record<string, Wanted>> = {
  all: "all",
  flows: "flows",
  flow: "flows",
  kflow: "flows",
  kestraflow: "flows",
  kestraflows: "flows",
  kv: "kvs",
  kvs: "kvs",
  kkv: "kvs",
  kestrakv: "kvs",
  kestrakvs: "kvs",
  backfills: "backfills",
  backfill: "backfills",
  bf: "backfills",
};

/** `kestraflow get` */
export function define(command: Command): void {
  command
    .description("Show the resources of a cluster, and what Kestra has of them.")
    .addArgument(kindArgument())
    .argument("[names...]", "Names of resources; default: all of them")
    .option("-l, --selector <labels>", "Label selector, as kubectl has it")
    .addOption(outputOption(["wide", "json", "yaml", "name"]));
  addClusterOptions(command, { many: true });
  addKestraOptions(command);
  command.addHelpText("after", EXAMPLES);
  command.action(
    action(async (wanted: Wanted, names: string[], flags: GetFlags) => {
      const { get } = await import("./run.ts");
      return get(wanted, names, flags);
    }),
  );
}

/** Also known by the names that kubectl has for them. */
function kindArgument(): Argument {
  const argument = new Argument("<kind>", "What to show").argParser(wantedOf);
  argument.argChoices = ["flows", "kv", "backfills", "all"];
  return argument;
}

function wantedOf(text: string): Wanted {
  const wanted = WANTED[text.toLowerCase()];
  if (wanted === undefined) throw new InvalidArgumentError("It is flows, kv, backfills or all.");
  return wanted;
}
