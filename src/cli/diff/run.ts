import { connectCluster } from "../cluster.ts";
import type { ClusterFlags } from "../cluster.ts";
import { connectKestra } from "../connection.ts";
import { EXIT, UserError } from "../failure.ts";
import type { ExitCode } from "../failure.ts";
import { readManifests } from "../manifests.ts";
import { rehearseAll } from "../rehearsal/all.ts";
import type { Rehearsal } from "../rehearsal/all.ts";
import { declaredIn, flawOf } from "../rehearsal/declared.ts";
import type { Outcome } from "../rehearsal/outcome.ts";
import { terminalWidth } from "../format.ts";
import { References } from "../rehearsal/references.ts";
import { worldOf } from "../rehearsal/world.ts";
import { backfillChanges, flowChanges, kvChanges } from "./render.ts";
import { notesOn, NOT_LOOKED_AT, summaryOf } from "./notes.ts";

export type DiffFlags = ClusterFlags & { mask?: boolean } & Record<string, unknown>;

/**
 * Prints what an apply of the files would change in Kestra to standard output, and everything else that there is to say to standard
 * error.
 */
export async function diff(paths: readonly string[], flags: DiffFlags): Promise<ExitCode> {
  const { manifests, broken } = await readManifests(paths);
  const kestra = connectKestra(flags);
  const named = flags.kubeconfig !== undefined || flags.context !== undefined;
  const cluster = named ? await connectCluster(flags) : undefined;
  try {
    const declared = declaredIn(manifests, cluster?.namespace ?? flags.namespace ?? "default");
    const { flows, kvs, backfills, others, flaws } = declared;
    if (flows.length + kvs.length + backfills.length + flaws.length + broken.length === 0)
      throw new UserError(`There is no KestraFlow, KestraKV or Backfill in ${paths.join(", ")}.`);
    const references = new References(others, cluster?.client);
    const info = await kestra.info();
    await kestra.checkLogin();
    const rehearsal = await rehearseAll(worldOf(kestra, info, references), declared);
    return report(rehearsal, [...broken.map(flawOf), ...flaws], { mask: flags.mask === true, withCluster: named });
  } finally {
    await cluster?.client.close();
  }
}

function report(
  rehearsal: Rehearsal,
  flaws: readonly string[],
  { mask, withCluster }: { mask: boolean; withCluster: boolean },
): ExitCode {
  const { flows, kvs, backfills } = rehearsal;
  const width = terminalWidth();
  const parts = [...flows.flatMap(flowChanges), kvChanges(kvs, { mask, width }), backfillChanges(backfills, width)];
  process.stdout.write(parts.filter((part) => part !== "").join("\n"));
  for (const flaw of flaws) console.error(flaw);
  for (const note of notesOn(rehearsal)) console.error(note);
  console.error(summaryOf(rehearsal));
  console.error(NOT_LOOKED_AT(withCluster));
  return exitCodeOf([...flows, ...kvs, ...backfills], flaws);
}

function exitCodeOf(outcomes: readonly Outcome[], flaws: readonly string[]): ExitCode {
  if (flaws.length > 0 || outcomes.some(({ result }) => result === "refused")) return EXIT.failed;
  return outcomes.some(({ result }) => result === "create" || result === "update") ? EXIT.found : EXIT.ok;
}
