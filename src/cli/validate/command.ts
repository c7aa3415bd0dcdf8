import { Option } from "commander";
import type { Command } from "commander";
import { systemClock } from "../../lib/clock.ts";
import { addKestraOptions, connectKestra, namesKestra, tenantOf } from "../connection.ts";
import { action, EXIT, UserError } from "../failure.ts";
import type { ExitCode } from "../failure.ts";
import { readManifests } from "../manifests.ts";
import { reviewByKestra } from "../review/kestra.ts";
import { review } from "../review/review.ts";
import { findingsOf } from "./finding.ts";
import type { Finding } from "./finding.ts";
import { FORMATS } from "./formats.ts";
import type { Format } from "./formats.ts";

interface Flags {
  output: Format;
  strict?: boolean;
  offline?: boolean;
}

/** `kestraflow validate`: what is wrong with manifests and flows, before anybody applies them. */
export function define(command: Command): void {
  command
    .description(
      "Check KestraFlows, KestraKVs, Backfills and plain flows: against their schemas and the operator's rules and, where a Kestra is given, against its own validation. Other documents are left out.",
    )
    .argument("<files...>", "files, folders (read with all that is in them), or - for standard input")
    .addOption(
      new Option("-o, --output <format>", "how findings are written")
        .choices(Object.keys(FORMATS))
        .default("text" satisfies Format),
    )
    .option("--strict", "Let warnings fail too")
    .option("--offline", "Do not ask Kestra, even though KESTRA_URL is set");
  addKestraOptions(command);
  command.addHelpText(
    "after",
    "\nExit code: 0 when nothing is wrong, 1 when something is, 2 when it could not be checked.",
  );
  command.action(action(validate));
}

async function validate(paths: string[], flags: Flags & Record<string, unknown>): Promise<ExitCode> {
  const kestra = flags.offline || !namesKestra(flags) ? undefined : connectKestra(flags);
  const { manifests, broken } = await readManifests(paths);
  const now = systemClock.now();
  const reviewed = review(manifests, { tenant: tenantOf(flags), now });
  if (reviewed.length === 0 && broken.length === 0)
    throw new UserError(`There is no KestraFlow, KestraKV, Backfill or flow in ${paths.join(", ")}.`);
  if (kestra) await reviewByKestra(reviewed, kestra, now);
  const findings = findingsOf(reviewed, broken);
  process.stdout.write(FORMATS[flags.output](findings));
  console.error(summaryOf(reviewed.length + broken.length, findings, kestra !== undefined));
  const failing = findings.filter(({ severity }) => severity === "error" || flags.strict);
  return failing.length === 0 ? EXIT.ok : EXIT.found;
}

function summaryOf(documents: number, findings: readonly Finding[], asked: boolean): string {
  const errors = findings.filter(({ severity }) => severity === "error").length;
  const by = asked ? "also by Kestra" : "without Kestra: set KESTRA_URL to have it asked too";
  return `${count(documents, "document")} checked (${by}): ${count(errors, "error")}, ${count(findings.length - errors, "warning")}.`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
