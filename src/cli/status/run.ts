import { keyOf } from "../../kubernetes/objects.ts";
import { findCondition } from "../../kubernetes/conditions.ts";
import { messageOf } from "../../lib/async.ts";
import type { KestraClient } from "../../kestra/client.ts";
import { KestraError } from "../../kestra/errors.ts";
import { connectCluster } from "../cluster.ts";
import type { ClusterFlags } from "../cluster.ts";
import { connectKestra, namesKestra } from "../connection.ts";
import { EXIT } from "../failure.ts";
import type { ExitCode } from "../failure.ts";
import { lookInto } from "../get/run.ts";
import type { InKestra } from "../get/inKestra.ts";
import { has, KINDS, listAll, readyOf } from "../kinds.ts";
import type { Resource, Resources } from "../kinds.ts";
import { printData } from "../format.ts";
import type { Format } from "../format.ts";
import { leaderOf } from "./leader.ts";
import type { Leader } from "./leader.ts";
import { printReport } from "./render.ts";

export type StatusFlags = ClusterFlags & { leaseName: string; output?: Format } & Record<string, unknown>;

/** What `status` tells. */
export interface Report {
  operator: Leader;
  kestra: KestraState;
  kinds: Count[];
  /** Resources that are not Ready, what is wrong with them, and what to do. */
  notReady: Trouble[];
  /** Resources of which Kestra holds something else than was applied. */
  drifted: Trouble[];
}

export type KestraState =
  { state: "not asked" } | { state: "up"; version: string } | { state: "trouble"; message: string };

export interface Count {
  kind: string;
  total: number;
  ready: number;
  waiting: number;
  stalled: number;
  paused: number;
}

export interface Trouble {
  kind: string;
  /** `namespace/name` */
  name: string;
  reason: string;
  message: string;
  stalled: boolean;
}

/** Prints the state of operator, Kestra and resources. */
export async function status(flags: StatusFlags): Promise<ExitCode> {
  const kestra = namesKestra(flags) ? connectKestra(flags) : undefined;
  const { client } = await connectCluster(flags);
  try {
    const selection = { namespace: flags.namespace };
    const [operator, asked, flows, kvs, backfills] = await Promise.all([
      leaderOf(client, flags.leaseName, Date.now()),
      ask(kestra),
      listAll<Resources["flows"][number]>(client, KINDS.flows, selection),
      listAll<Resources["kvs"][number]>(client, KINDS.kvs, selection),
      listAll<Resources["backfills"][number]>(client, KINDS.backfills, selection),
    ]);
    const resources = { flows, kvs, backfills };
    const inKestra = kestra && asked.state === "up" ? await lookInto(kestra, resources) : undefined;
    const report = reportOn(operator, asked, resources, inKestra);
    if (flags.output === "json" || flags.output === "yaml") printData(flags.output, report);
    else printReport(report);
    return isWell(report) ? EXIT.ok : EXIT.found;
  } finally {
    await client.close();
  }
}

async function ask(kestra: KestraClient | undefined): Promise<KestraState> {
  if (kestra === undefined) return { state: "not asked" };
  try {
    const { version } = await kestra.info();
    await kestra.checkLogin();
    return { state: "up", version };
  } catch (error) {
    if (error instanceof KestraError) return { state: "trouble", message: messageOf(error) };
    throw error;
  }
}

/** What is to be told of resources; pure. */
export function reportOn(
  operator: Leader,
  kestra: KestraState,
  { flows, kvs, backfills }: Resources,
  inKestra: ReadonlyMap<Resource, InKestra> | undefined,
): Report {
  const kinds: [string, Resource[]][] = [
    [KINDS.flows.kind, flows],
    [KINDS.kvs.kind, kvs],
    [KINDS.backfills.kind, backfills],
  ];
  const all = kinds.flatMap(([, resources]) => resources);
  return {
    operator,
    kestra,
    kinds: kinds.map(([kind, resources]) => countOf(kind, resources)),
    notReady: all.filter((resource) => readyOf(resource)?.status !== "True").map(troubleOf),
    drifted: all.flatMap((resource) => driftOf(resource, inKestra?.get(resource))),
  };
}

function countOf(kind: string, resources: readonly Resource[]): Count {
  const ready = resources.filter((resource) => readyOf(resource)?.status === "True").length;
  const stalled = resources.filter((resource) => has(resource, "Stalled")).length;
  const paused = resources.filter((resource) => has(resource, "Paused")).length;
  return { kind, total: resources.length, ready, stalled, waiting: resources.length - ready - stalled, paused };
}

function troubleOf(resource: Resource): Trouble {
  const ready = readyOf(resource);
  const message = ready?.message ?? "The operator has not looked at it yet.";
  return {
    kind: resource.kind,
    name: keyOf(resource),
    reason: ready?.reason ?? "Unknown",
    message,
    stalled: has(resource, "Stalled"),
  };
}

function driftOf(resource: Resource, found: InKestra | undefined): Trouble[] {
  const condition = findCondition(resource.status?.conditions, "Drifted");
  const base = { kind: resource.kind, name: keyOf(resource), stalled: false };
  if (condition?.status === "True") return [{ ...base, reason: condition.reason, message: condition.message }];
  // What is being written is about to be right.
  if (!found?.differs || readyOf(resource)?.status !== "True") return [];
  return [{ ...base, reason: "InKestra", message: `Kestra has it otherwise now: ${found.state}.` }];
}

function isWell({ operator, kestra, notReady, drifted }: Report): boolean {
  const led = operator.state === "leads" || operator.state === "unknown";
  return led && kestra.state !== "trouble" && notReady.length + drifted.length === 0;
}
