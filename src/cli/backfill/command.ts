import type { Command } from "commander";
import { addClusterOptions } from "../cluster.ts";
import type { ClusterFlags } from "../cluster.ts";
import { addKestraOptions } from "../connection.ts";
import { action } from "../failure.ts";
import { outputOption } from "../format.ts";
import type { PreviewFlags } from "./preview.ts";

const WATCH_EXAMPLES = `
Examples:
  kestraflow backfill watch taxi-2019             until it ends
  kestraflow backfill watch taxi-2019 && deploy   and go on when all is well

Exit code: 0 Complete (or Previewed), 1 Failed, Interrupted or deleted, 2 it cannot be watched. Ctrl-C ends the
watching and leaves the Backfill alone (130).`;

const PREVIEW_EXAMPLES = `
Examples:
  kestraflow backfill preview backfills/taxi.yaml           before it is applied
  kestraflow backfill preview backfills/ flows/ --slots     with the flows that it refers to, every slot
  kestraflow backfill preview taxi-2019 -n team             what one in the cluster would be accepted as now

Exit code: 0 it would be accepted, 1 it would wait, 2 it would be refused.`;

/** `kestraflow backfill` */
export function define(command: Command): void {
  command.description("Follow a Backfill, or see which slots one would run.");
  defineWatch(command.command("watch"));
  definePreview(command.command("preview"));
}

function defineWatch(command: Command): void {
  command
    .summary("Follow a Backfill until it ends")
    .description(
      "Follow a Backfill until it ends: with a progress bar on a terminal, with a line for every change elsewhere.",
    )
    .argument("<name>", "Name of a Backfill");
  addClusterOptions(command, { many: false });
  command.addHelpText("after", WATCH_EXAMPLES);
  command.action(
    action(async (name: string, flags: ClusterFlags) => {
      const { watch } = await import("./watch.ts");
      return watch(name, flags);
    }),
  );
}

function definePreview(command: Command): void {
  command
    .summary("Show which slots a Backfill would run")
    .description(
      "Show which slots a Backfill would run, and which were run before, found as the operator finds them. Nothing is started. What is no file is the name of a Backfill in the cluster.",
    )
    .argument("<files or name...>", "Files, folders, - for standard input, or the name of a Backfill")
    .option("--slots", "Print every slot, and what became of it before")
    .addOption(outputOption(["json", "yaml"]));
  addClusterOptions(command, { many: false });
  addKestraOptions(command);
  command.addHelpText("after", PREVIEW_EXAMPLES);
  command.action(
    action(async (given: string[], flags: PreviewFlags) => {
      const { preview } = await import("./preview.ts");
      return preview(given, flags);
    }),
  );
}
