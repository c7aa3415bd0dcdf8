import { existsSync } from "node:fs";
import { apiVersionOf, keyFor } from "../../kubernetes/objects.ts";
import { wanted } from "../../resources/backfill/accept.ts";
import { backfills } from "../../resources/backfill/schema.ts";
import type { Backfill } from "../../resources/backfill/schema.ts";
import { ticksOf } from "../../resources/backfill/source.ts";
import { connectCluster } from "../cluster.ts";
import type { ClusterFlags } from "../cluster.ts";
import { connectKestra } from "../connection.ts";
import { EXIT, UserError } from "../failure.ts";
import type { ExitCode } from "../failure.ts";
import { readOne } from "../kinds.ts";
import { readManifests } from "../manifests.ts";
import { printData } from "../format.ts";
import type { Format } from "../format.ts";
import { rehearseAll } from "../rehearsal/all.ts";
import { flowsOfFiles, rehearseBackfill } from "../rehearsal/backfills.ts";
import type { BackfillOutcome } from "../rehearsal/backfills.ts";
import { declaredIn, flawOf } from "../rehearsal/declared.ts";
import type { DeclaredResources } from "../rehearsal/declared.ts";
import { References } from "../rehearsal/references.ts";
import { worldOf } from "../rehearsal/world.ts";
import { describePlan } from "./describePlan.ts";

export type PreviewFlags = ClusterFlags & { slots?: boolean; output?: Format } & Record<string, unknown>;

/** A slot of a Backfill's range. */
export interface Slot {
  at: number;
  runs: boolean;
  /** What became of it before, where that was looked at. */
  before?: "done" | "failed" | "unfinished" | undefined;
}

/** Prints what Backfills would be accepted as, those of files or one of the cluster. */
export async function preview(given: readonly string[], flags: PreviewFlags): Promise<ExitCode> {
  const [first = "", ...more] = given;
  const kestra = connectKestra(flags);
  const isName = more.length === 0 && !isPath(first);
  const named = flags.kubeconfig !== undefined || flags.context !== undefined;
  const cluster = isName || named ? await connectCluster(flags) : undefined;
  try {
    const namespace = cluster?.namespace ?? flags.namespace ?? "default";
    const declared =
      isName && cluster
        ? ofCluster(await readOne<Backfill>(cluster.client, backfills, { namespace, name: first }))
        : await ofFiles(given, namespace);
    const world = worldOf(kestra, await kestra.info(), new References(declared.others, cluster?.client));
    const { signal } = new AbortController();
    const files = flowsOfFiles((await rehearseAll(world, { ...declared, kvs: [], backfills: [] })).flows);
    const outcomes: BackfillOutcome[] = [];
    for (const backfill of declared.backfills)
      outcomes.push(await rehearseBackfill(world, backfill, files, { anew: true, signal }));
    print(outcomes, flags);
    return exitCodeOf(outcomes);
  } finally {
    await cluster?.client.close();
  }
}

/** Every slot in the range of an accepted one. */
export function slotsOf({ declared, plan, history }: BackfillOutcome): Slot[] {
  if (plan === undefined) return [];
  const { start, end } = plan.range;
  const runs = wanted(declared.object.spec.reprocess, history);
  return [...ticksOf(plan).between(Date.parse(start), Date.parse(end))].map((at) => ({
    at,
    runs: runs(at),
    ...(history ? { before: history.outcomes.get(at) } : {}),
  }));
}

async function ofFiles(paths: readonly string[], namespace: string): Promise<DeclaredResources> {
  const { manifests, broken } = await readManifests(paths);
  const declared = declaredIn(manifests, namespace);
  const flaws = [...broken.map(flawOf), ...declared.flaws];
  if (flaws.length > 0) throw new UserError(flaws.join("\n"));
  if (declared.backfills.length === 0) throw new UserError("There is no Backfill in the files.");
  return declared;
}

function ofCluster(backfill: Backfill): DeclaredResources {
  const { status, ...object } = backfill;
  void status;
  const declared = {
    file: "",
    line: 0,
    object: { ...object, apiVersion: apiVersionOf(backfills), kind: backfills.kind },
  };
  return { flows: [], kvs: [], backfills: [declared], others: [], flaws: [] };
}

/** Whether a file is meant, and not the name of a resource. */
function isPath(text: string): boolean {
  return text === "-" || /[/\\]|\.(ya?ml|json)$/.test(text) || existsSync(text);
}

function print(outcomes: readonly BackfillOutcome[], { output, slots }: PreviewFlags): void {
  if (output === "json" || output === "yaml") {
    printData(output, { items: outcomes.map((outcome) => dataOf(outcome, slots === true)) });
    return;
  }
  process.stdout.write(
    outcomes.map((outcome) => describePlan(outcome, slots ? slotsOf(outcome) : undefined)).join("\n"),
  );
}

function dataOf(outcome: BackfillOutcome, slots: boolean): object {
  const { declared, result, message, plan } = outcome;
  return {
    name: keyFor(declared.object.metadata),
    accepted: plan !== undefined,
    ...(plan ? {} : { result }),
    message,
    ...plan,
    ...(slots
      ? { list: slotsOf(outcome).map(({ at, ...slot }) => ({ slot: new Date(at).toISOString(), ...slot })) }
      : {}),
  };
}

function exitCodeOf(outcomes: readonly BackfillOutcome[]): ExitCode {
  if (outcomes.some(({ result }) => result === "refused" || result === "unknown")) return EXIT.failed;
  return outcomes.some(({ result }) => result === "waiting") ? EXIT.found : EXIT.ok;
}
