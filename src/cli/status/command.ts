import type { Command } from "commander";
import { addClusterOptions } from "../cluster.ts";
import { addKestraOptions } from "../connection.ts";
import { action } from "../failure.ts";
import { outputOption } from "../format.ts";
import type { StatusFlags } from "./run.ts";

const EXAMPLES = `
Examples:
  kestraflow status                 the whole cluster
  kestraflow status -n team         one namespace
  kestraflow status -o json | jq    for a script

Exit code: 0 all is well, 1 something is not, 2 it could not be found out.`;

/** `kestraflow status` */
export function define(command: Command): void {
  command
    .description(
      "Say whether the operator leads, Kestra answers, and which resources are not Ready or have drifted. All namespaces, unless --namespace is given. Kestra is asked where --kestra-url or KESTRA_URL names one.",
    )
    .option("--lease-name <name>", "Name of the operator's Lease", "kestraflow-operator")
    .addOption(outputOption(["json", "yaml"]));
  addClusterOptions(command, { many: false });
  addKestraOptions(command);
  command.addHelpText("after", EXAMPLES);
  command.action(
    action(async (flags: StatusFlags) => {
      const { status } = await import("./run.ts");
      return status(flags);
    }),
  );
}
