import type { Command } from "commander";
import { systemClock } from "../../lib/clock.ts";
import { action, EXIT, UserError } from "../failure.ts";
import type { ExitCode } from "../failure.ts";
import { readFiles } from "../manifests.ts";
import { addOutputOptions, deliver } from "../delivery/deliver.ts";
import type { OutputFlags } from "../delivery/deliver.ts";
import { addKvSecretsOption, secretKeys } from "../delivery/kvSecrets.ts";
import type { KvSecretsFlags } from "../delivery/kvSecrets.ts";
import type { Resource } from "../delivery/resource.ts";
import { namesOf } from "../names.ts";
import { convertFile } from "./file.ts";
import type { Converted } from "./model.ts";

type Flags = OutputFlags & KvSecretsFlags;

/** `kestraflow convert`: what others declare for Kestra, as our manifests. */
export function define(command: Command): void {
  command
    .description(
      "Write manifests of Kestra's Enterprise operator (model.kestra.io/v1alpha1), plain flow files and what `terraform show -json` prints of kestra_flow and kestra_kv as manifests of this operator. Each document is told by what is in it; others are left out.",
    )
    .argument("<files...>", "files, folders (read with all that is in them), or - for standard input");
  addKvSecretsOption(command);
  addOutputOptions(command);
  command.addHelpText(
    "after",
    "\nExit code: 0 when everything is converted, 1 when something had to be left out or is refused by the operator, 2 when it failed.",
  );
  command.action(action(convert));
}

async function convert(paths: string[], flags: Flags): Promise<ExitCode> {
  const options = { target: flags.namespace, secret: secretKeys(flags) };
  const outcomes = (await readFiles(paths)).flatMap((file) => convertFile(file, options));
  const failed = outcomes.filter((outcome) => "why" in outcome);
  const converted = outcomes.filter((outcome) => "converted" in outcome);
  for (const { place, why } of failed) console.error(`${place} is left out: ${why}.`);
  for (const {
    place,
    converted: { notes },
  } of converted)
    for (const note of notes) console.error(`${place}: ${note}.`);
  const resources = named(converted.map((outcome) => outcome.converted));
  refuseOnTerminal(resources, flags);
  if (resources.length === 0 && failed.length > 0) return EXIT.found;
  const { complaints } = await deliver(resources, flags, { tenant: "main", now: systemClock.now() });
  return failed.length + complaints === 0 ? EXIT.ok : EXIT.found;
}

/** The resources, with names for those that have none, made as `export` makes them. */
function named(converted: readonly Converted[]): Resource[] {
  const nameOf = {
    KestraFlow: namesOf(converted.flatMap(({ wants }) => (wants?.kind === "KestraFlow" ? [wants] : []))),
    KestraKV: namesOf(converted.flatMap(({ wants }) => (wants?.kind === "KestraKV" ? [wants] : []))),
  };
  return converted.flatMap(({ wants, resources }) =>
    resources(wants ? nameOf[wants.kind](wants) : { name: "", short: "" }),
  );
}

function refuseOnTerminal(resources: readonly Resource[], { output }: Flags): void {
  const hasValue = resources.some(({ object: { spec } }) => spec !== undefined && "value" in spec);
  if (output === undefined && hasValue && process.stdout.isTTY)
    throw new UserError("The values of entries are not written to a terminal: give --output FOLDER or --kv-secrets.");
}
