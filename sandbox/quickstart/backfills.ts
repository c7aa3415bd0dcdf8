import { findCondition } from "../../src/kubernetes/conditions.ts";
import { backfills, type Backfill } from "../../src/resources/backfill/schema.ts";
import { SandboxError } from "../errors.ts";
import { poll } from "../polling.ts";
import type { BackfillOutcome } from "./outcome.ts";
import { conditionLines, LOOK_EVERY_MS, stateOf, type World } from "./world.ts";

const SETTLED_WITHIN_MS = 60_000;
/** One that runs for longer is well too, and left to run. */
const ENDED_WITHIN_MS = 120_000;

/** As wide as the tutorial's longest, and the longest state of one that is accepted. */
const [NAME_WIDTH, STATE_WIDTH] = [20, 9];

/**
 * Shows what the Backfills that came with the flows would run, or have begun to run, as soon as that is known of all. Their end is not
 * waited for. Without any, nothing is shown.
 */
export async function announceBackfills(world: World): Promise<void> {
  const { screen, signal } = world;
  let all: Backfill[] = [];
  const look = async () => {
    all = await list(world);
    const settled = all.filter((backfill) => stateOf(backfill) !== "pending");
    screen.waiting(`${settled.length} of ${all.length} backfills settled`);
    return settled.length === all.length;
  };
  await poll(look, { timeout: SETTLED_WITHIN_MS, every: LOOK_EVERY_MS, signal });
  screen.rest();
  if (all.length === 0) return;
  screen.line(`And ${all.length} backfills, with what each runs, or would run if it were not suspended:`);
  for (const backfill of all) screen.line(`  ${backfill.metadata.name.padEnd(NAME_WIDTH)} ${announcement(backfill)}`);
}

/**
 * Shows how the Backfills that run come to their end, and then all as kubectl tells of them. Puts how they fared into `outcomes`; throws,
 * after showing why, when one is not Ready. Without any, nothing is shown.
 */
export async function showBackfills(world: World, title: string, outcomes: BackfillOutcome[]): Promise<void> {
  const { kubectl, screen, signal } = world;
  let all = await list(world);
  if (all.length === 0) return;
  screen.title(title);
  const shown = new Map<string, string>();
  const look = async () => {
    all = await list(world);
    for (const backfill of all) showProgress(world, backfill, shown);
    return !all.some(isOnTheWay);
  };
  await poll(look, { timeout: ENDED_WITHIN_MS, every: LOOK_EVERY_MS, signal });
  screen.rest();
  outcomes.push(...all.map(outcomeOf));
  const others = all.filter((backfill) => stateOf(backfill) !== "ready");
  for (const backfill of others) {
    screen.failed(`${backfill.metadata.name}: ${outcomeOf(backfill).reason}`);
    for (const line of conditionLines(backfill)) screen.line(line);
  }
  if (others.length > 0) {
    const names = others.map(({ metadata }) => metadata.name).join(", ");
    throw new SandboxError(`${others.length} of ${all.length} backfills are not Ready: ${names}.`);
  }
  screen.command("kubectl get bf");
  for (const line of (await kubectl.run(["get", "bf"])).trimEnd().split("\n")) screen.line(line);
}

/** Each step of one that runs, and its good end with the time that it took. */
function showProgress({ screen }: World, backfill: Backfill, shown: Map<string, string>): void {
  const { metadata, status: { state, startedAt, finishedAt } = {} } = backfill;
  const said = `${metadata.name}: ${messageOf(backfill)}`;
  if (shown.get(metadata.name) === said) return;
  shown.set(metadata.name, said);
  if (state === "Complete") {
    const took = startedAt && finishedAt ? Date.parse(finishedAt) - Date.parse(startedAt) : undefined;
    screen.done(said, took);
  } else if (isOnTheWay(backfill)) screen.report(said);
}

/** Its state, and the slots that it runs or would run. */
function announcement(backfill: Backfill): string {
  const { state, slots, first, last } = backfill.status ?? {};
  if (state === undefined || !slots || !first || !last) return messageOf(backfill);
  return `${state.padEnd(STATE_WIDTH)} ${slots.total - slots.present} slots, from ${minute(first)} to ${minute(last)}`;
}

/** Whether it may get further by itself, and soon. */
function isOnTheWay(backfill: Backfill): boolean {
  const { state = "Waiting" } = backfill.status ?? {};
  return ["Waiting", "Queued", "Running"].includes(state) && stateOf(backfill) !== "stalled";
}

function outcomeOf(backfill: Backfill): BackfillOutcome {
  const { metadata, status } = backfill;
  return {
    name: metadata.name,
    ready: stateOf(backfill) === "ready",
    reason: findCondition(status?.conditions, "Ready")?.reason ?? "Pending",
    state: status?.state ?? null,
    progress: status?.progress ?? null,
  };
}

async function list({ kubernetes, signal }: World): Promise<Backfill[]> {
  return (await kubernetes.list<Backfill>(backfills, { signal })).items;
}

function messageOf({ status }: Backfill): string {
  return findCondition(status?.conditions, "Ready")?.message ?? "not looked at yet";
}

/** 2019-01-01T09:00Z, of a moment in UTC. */
function minute(moment: string): string {
  return `${moment.slice(0, 16)}Z`;
}
