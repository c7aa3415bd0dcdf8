import type { Command } from "commander";
import { systemClock } from "../../lib/clock.ts";
import { addKestraOptions, connectKestra, tenantOf } from "../connection.ts";
import { action, EXIT, UserError } from "../failure.ts";
import type { ExitCode } from "../failure.ts";
import { addOutputOptions, deliver } from "../delivery/deliver.ts";
import type { OutputFlags } from "../delivery/deliver.ts";
import { addKvSecretsOption } from "../delivery/kvSecrets.ts";
import { exportEntries, exportFlows } from "./read.ts";
import { selectionOf } from "./selection.ts";
import type { SelectionFlags } from "./selection.ts";

/** A list of a namespace's flows has all of them, parsed. */
const MAX_BODY_BYTES = 512 * 1024 * 1024;

interface Flags extends SelectionFlags, OutputFlags {
  /** Set by --no-flows and --no-kv only: commander knows no default for options that are defined when a command is called. */
  flows?: false;
  kv?: false;
}

/** `kestraflow export`: what a Kestra has, as manifests which change nothing in it when they are applied. */
export function define(command: Command): void {
  command
    .description(
      "Write the flows and entries of a Kestra as manifests. Sources are kept to the last character. Applying the manifests adopts what they declare and writes nothing to Kestra.",
    )
    .option("--kestra-namespace <glob>", "Kestra namespaces, with * and ?; can be given several times", append, [])
    .option("--id <glob>", "Ids of flows, with * and ?; can be given several times", append, [])
    .option("--label <key=value>", "Only flows with this label; can be given several times", append, [])
    .option("--key <glob>", "Keys of entries, with * and ?; can be given several times", append, [])
    .option("--no-flows", "Leave flows out")
    .option("--no-kv", "Leave entries out");
  addKvSecretsOption(command);
  addOutputOptions(command);
  addKestraOptions(command);
  command.addHelpText(
    "after",
    "\nExit code: 0 when everything is exported, 1 when something had to be left out or could not be adopted, 2 when it failed.",
  );
  command.action(action(exportAll));
}

async function exportAll(flags: Flags & Record<string, unknown>): Promise<ExitCode> {
  const literals = flags.kv !== false && flags.kvSecrets !== true;
  if (literals && flags.output === undefined && process.stdout.isTTY)
    throw new UserError(
      "The values of entries are not written to a terminal: give --output FOLDER, --kv-secrets or --no-kv.",
    );
  const kestra = connectKestra(flags, { maxBodyBytes: MAX_BODY_BYTES });
  const options = { selection: selectionOf(flags), target: flags.namespace };
  const nothing = { resources: [], leftOut: [] };
  const flows = flags.flows === false ? nothing : await exportFlows(kestra, options);
  const entries = flags.kv === false ? nothing : await exportEntries(kestra, options);
  const leftOut = [...flows.leftOut, ...entries.leftOut];
  for (const { name, why } of leftOut) console.error(`${name} is left out: ${why}.`);
  const { complaints } = await deliver([...flows.resources, ...entries.resources], flags, {
    tenant: tenantOf(flags),
    now: systemClock.now(),
  });
  return leftOut.length + complaints === 0 ? EXIT.ok : EXIT.found;
}

function append(value: string, previous: string[]): string[] {
  return [...previous, value];
}
