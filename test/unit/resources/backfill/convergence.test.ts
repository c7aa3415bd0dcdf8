import { describe, expect, jest, test } from "@jest/globals";
import fc from "fast-check";
import { LABEL } from "../../../../src/resources/backfill/native.ts";
import { iso } from "../../../../src/resources/backfill/plan.ts";
import type { BackfillSpec } from "../../../../src/resources/backfill/schema.ts";
import { BackfillWorld, BEGIN, MINUTE } from "./support/world.ts";
import type { BackfillResource, Fault } from "./support/world.ts";

/** Enough to find again within seconds what each of these found when it was written; raise it, or change the seed, to search for more. */
const RUNS = Number(process.env.PROPERTY_RUNS ?? 20);
const SEED = { seed: Number(process.env.PROPERTY_SEED ?? 1) };

jest.setTimeout(60_000);

/** The most time that anything takes once nobody interferes any more: more than all slots, all waits and all back-off. */
const REST = 600_000;

type Deed = { at: number } & (
  | { deed: "cancel" | "edit" | "edit trigger" | "save another" | "restart" | "delete" }
  | { deed: "replace"; slots: number }
  | { deed: "pause" | "disable" | "suspend"; for: number }
  | { deed: "edit cron" | "remove trigger" }
);

interface Story {
  /** First and last slot, in minutes before the beginning. */
  from: number;
  to: number;
  spec: Partial<BackfillSpec>;
  before: ("SUCCESS" | "FAILED" | "nothing")[];
  failing: number[];
  takes: number;
  lag: number;
  race: number;
  recover: "ALL" | "NONE";
  inSource: boolean;
  latencies: number[];
  rival: boolean;
}

const story: fc.Arbitrary<Story> = fc.record({
  from: fc.integer({ min: 4, max: 9 }),
  to: fc.integer({ min: 1, max: 3 }),
  spec: fc.record({
    reprocess: fc.constantFrom("Missing" as const, "Missing" as const, "All" as const, "Failed" as const),
    suspend: fc.constant(false),
    window: fc.constantFrom(undefined, undefined, "PT2M", "PT3M"),
    failurePolicy: fc.constantFrom(
      undefined,
      undefined,
      { maxFailed: 1, action: "Pause" as const },
      { maxFailed: 2, action: "Stop" as const },
    ),
  }),
  before: fc.array(fc.constantFrom("SUCCESS" as const, "FAILED" as const, "nothing" as const, "nothing" as const), {
    maxLength: 9,
  }),
  failing: fc.oneof(
    { weight: 3, arbitrary: fc.constant<number[]>([]) },
    fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 2 }),
  ),
  takes: fc.constantFrom(100, 900, 1_500, 4_000),
  lag: fc.constantFrom(0, 0, 300, 900),
  race: fc.constantFrom(0, 0, 20, 200),
  recover: fc.constantFrom("ALL" as const, "ALL" as const, "ALL" as const, "NONE" as const),
  inSource: fc.boolean(),
  latencies: fc.array(fc.constantFrom(1, 5, 20, 150, 600), { minLength: 1, maxLength: 10 }),
  rival: fc.boolean(),
});
const time = fc.integer({ min: 0, max: 45_000 });
const while_ = fc.integer({ min: 500, max: 30_000 });
const deed: fc.Arbitrary<Deed> = fc.oneof(
  fc.record({
    at: time,
    deed: fc.constantFrom(
      "cancel" as const,
      "edit" as const,
      "edit trigger" as const,
      "save another" as const,
      "restart" as const,
    ),
  }),
  fc.record({ at: time, deed: fc.constant("replace" as const), slots: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ at: time, deed: fc.constantFrom("pause" as const, "disable" as const, "suspend" as const), for: while_ }),
  fc.record({ at: time, deed: fc.constantFrom("edit cron" as const, "remove trigger" as const, "delete" as const) }),
);
const gentle = deed.filter(({ deed }) => ["edit", "save another", "restart", "suspend"].includes(deed));
const late = fc.integer({ min: 0, max: 9_500 });
const fault: fc.Arbitrary<Fault> = fc.oneof(
  fc.record({
    kind: fc.constantFrom(
      "crash before" as const,
      "crash after" as const,
      "answer lost" as const,
      "never sent" as const,
    ),
  }),
  fc.record({ kind: fc.constantFrom("crash, late" as const, "deadline, late" as const), ms: late }),
);
const faults = fc.array(fc.tuple(fc.integer({ min: 1, max: 30 }), fault), { minLength: 1, maxLength: 3 });

const minute = (ago: number) => Math.floor(BEGIN / MINUTE) * MINUTE - ago * MINUTE;

/** Sets the scene. */
function begin({ from, to, spec, before, failing, latencies, rival, ...scheduling }: Story): BackfillWorld {
  let call = 0;
  const latency = () => latencies[(call += 1) % latencies.length] ?? 1;
  const fails = (slot: number) => failing.some((ago) => slot === minute(ago));
  const world = new BackfillWorld({ cron: "* * * * *", fails, ...scheduling }, latency);
  before.forEach((state, index) => {
    if (state !== "nothing") world.kestra.remember(minute(index + 1), state);
  });
  const range = { start: iso(minute(from)), end: iso(minute(to)) };
  const made = Object.fromEntries(
    Object.entries(spec).filter(([, value]) => value !== undefined),
  ) as Partial<BackfillSpec>;
  world.kubernetes.apply("ours", { target: { namespace: "n", id: "hello" }, ...range, ...made });
  if (rival)
    world.at(BEGIN + 3_000, () => {
      const all = { start: iso(minute(from + 1)), end: iso(minute(to + 1)), reprocess: "All" } as const;
      world.kubernetes.apply("rival", { target: { namespace: "n", id: "hello" }, ...all });
    });
  return world;
}

function perform(world: BackfillWorld, deed: Deed): void {
  const { kestra, kubernetes } = world;
  const set = (change: Partial<BackfillSpec>) => {
    const ours = kubernetes.resources.get("team/ours");
    if (ours) kubernetes.apply("ours", { ...ours.spec, ...change });
  };
  const lasting = (change: (on: boolean) => void, milliseconds: number) => {
    change(true);
    world.at(world.clock.now() + milliseconds, () => {
      change(false);
    });
  };
  switch (deed.deed) {
    case "cancel":
      if (kestra.row) kestra.end();
      return;
    case "replace":
      // Of another day: it says nothing of the slots of ours. One that replaced another person's would be no affair of ours.
      if (kestra.row?.next !== undefined && !kestra.row.disabled && kestra.row.backfill?.labels.person === undefined)
        kestra.start({ start: minute(3_000), end: minute(3_000 - deed.slots + 1), labels: { person: "yes" } });
      return;
    case "pause":
      lasting((on) => {
        kestra.pause(on);
      }, deed.for);
      return;
    case "disable":
      // Of a trigger whose backfill is over, Kestra replays what came after it when it is enabled again, whoever's backfill it was.
      if (kestra.row?.backfill === undefined || kestra.row.backfill.labels.person !== undefined) return;
      lasting((on) => {
        kestra.disable(on);
      }, deed.for);
      return;
    case "suspend":
      lasting((suspend) => {
        set({ suspend });
      }, deed.for);
      return;
    case "edit":
      kestra.edit();
      return;
    case "save another":
      kestra.saveAnotherFlow();
      return;
    case "edit trigger":
      kestra.editTrigger({ inputs: { edited: deed.at } });
      return;
    case "edit cron":
      kestra.editTrigger({ cron: "*/2 * * * *" });
      return;
    case "remove trigger":
      kestra.removeTrigger();
      return;
    case "restart":
      world.restart();
      return;
    case "delete":
      kubernetes.delete("ours");
  }
}

/** Lets a story happen, to its end. */
async function happen(
  story: Story,
  deeds: readonly Deed[],
  faults: readonly [number, Fault][] = [],
): Promise<BackfillWorld> {
  const world = begin(story);
  for (const [write, fault] of faults) world.faults.set(write, fault);
  let calm = BEGIN + 5_000;
  for (const one of deeds) {
    world.at(BEGIN + one.at, () => {
      perform(world, one);
    });
    calm = Math.max(calm, BEGIN + one.at + ("for" in one ? one.for : 0));
  }
  await world.until(calm);
  await world.until(calm + REST, () => isAtRest(world, calm));
  // Long enough for whatever is left to show.
  await world.until(world.clock.now() + MINUTE);
  return world;
}

function isAtRest(world: BackfillWorld, calm: number): boolean {
  if (world.clock.now() < calm + 30_000) return false;
  return [...world.kubernetes.resources.values()].every(
    (resource) => rests(resource, world) && !resource.status?.guard,
  );
}

/** What is wrong once nobody interferes any more. */
function flaws(world: BackfillWorld): string[] {
  const found: string[] = [];
  const { row } = world.kestra;
  // Nothing can be done there, or nobody looks any more.
  const kept = isLocked(world) || world.kestra.broughtBack.has("backfill");
  const now = world.clock.now();
  for (const resource of world.kubernetes.resources.values()) {
    const { name, deletionTimestamp, uid } = resource.metadata;
    const { status = {} } = resource;
    if (deletionTimestamp !== undefined) found.push(`${name} is still there`);
    else if (!rests(resource, world)) found.push(`${name} does not come to rest: ${told(resource)}`);
    if (status.guard) found.push(`${name} still guards`);
    if (row?.backfill?.labels[LABEL.backfill] === uid && !kept) found.push(`a backfill of ${name} is left`);
    const runs = world.runsOf(resource);
    if (runs.some(({ endedAt }) => endedAt === undefined)) found.push(`${name} still runs`);
    const succeeded = runs.filter(({ state }) => state === "SUCCESS").length;
    const { total = 0, present = 0, done = 0, failed = 0, running = 0 } = status.slots ?? {};
    if (done > succeeded) found.push(`${name} counts ${done} slots, and ${succeeded} succeeded`);
    // An interrupted one is not looked at again, whatever still runs.
    if (running > 0 && status.state !== "Interrupted") found.push(`${name} says that something runs`);
    if (status.state === "Complete" && (succeeded !== total - present || failed > 0))
      found.push(`${name} is Complete with ${succeeded} of ${total - present} slots`);
  }
  if (row?.backfill !== undefined && row.backfill.labels.person === undefined && !kept)
    found.push("somebody's backfill is left");
  if (row?.next !== undefined && row.next < now - 5_000 && !isLocked(world))
    found.push(`the live schedule replays from ${iso(row.next)}`);
  return found;
}

function told({ status }: BackfillResource): string {
  const ready = status?.conditions?.find(({ type }) => type === "Ready");
  return `${status?.state ?? "no state"}, ${ready?.reason ?? "no reason"}: ${ready?.message ?? ""}`;
}

/** Whether the trigger waits for an execution that has ended, as a flow that is saved in the moment of that end can leave it. */
function isLocked({ kestra: { row, runs, broughtBack } }: BackfillWorld): boolean {
  return (
    broughtBack.has("execution") && runs.some(({ id, endedAt }) => id === row?.executionId && endedAt !== undefined)
  );
}

/** Whether Kestra may drop what it was given although nobody interferes, and nothing tells that apart from a person's deletion. */
function canDrop({ recover, inSource }: Story, deeds: readonly Deed[]): boolean {
  return recover === "NONE" && !inSource && deeds.some(({ deed }) => deed === "edit" || deed === "save another");
}

/** Complete, failed, interrupted, or waiting for a person. */
function rests({ status }: BackfillResource, world: BackfillWorld): boolean {
  if (status?.finishedAt !== undefined) return true;
  const reason = status?.conditions?.find(({ type }) => type === "Ready")?.reason ?? "";
  if (reason === "TriggerLocked") return isLocked(world);
  return ["FailureBudgetSpent", "TriggerMissing", "NoSlots"].includes(reason);
}

/** The live slots that nobody ran, from the beginning to now. */
function missedLive(world: BackfillWorld): string[] {
  const run = new Set(
    world.kestra.runs.filter(({ labels }) => Object.keys(labels).length === 0).map(({ slot }) => slot),
  );
  const slots: string[] = [];
  for (let slot = minute(-1); slot < world.clock.now() - 10_000; slot += MINUTE)
    if (!run.has(slot)) slots.push(iso(slot));
  return slots;
}

describe("a Backfill", () => {
  test("left alone runs every slot once, is complete or failed, and no live slot is missed", async () => {
    await fc.assert(
      fc.asyncProperty(story, async (story) => {
        const world = await happen(story, []);
        expect(flaws(world)).toEqual([]);
        if (story.recover === "ALL") expect(missedLive(world)).toEqual([]);
        if (story.failing.length === 0 && !story.before.includes("FAILED"))
          expect(world.status("ours").state).toBe(world.status("ours").target ? "Complete" : "Waiting");
      }),
      { numRuns: RUNS, ...SEED },
    );
  });

  test("whatever people do meanwhile, comes to rest, and leaves nothing behind", async () => {
    await fc.assert(
      fc.asyncProperty(story, fc.array(deed, { minLength: 1, maxLength: 4 }), async (story, deeds) => {
        expect(flaws(await happen(story, deeds))).toEqual([]);
      }),
      { numRuns: RUNS, ...SEED },
    );
  });

  test("survives crashes, lost answers and late calls around any write, and is complete where nobody interferes", async () => {
    await fc.assert(
      fc.asyncProperty(story, fc.array(gentle, { maxLength: 2 }), faults, async (story, deeds, faults) => {
        const world = await happen(story, deeds, faults);
        expect(flaws(world)).toEqual([]);
        if (story.recover === "ALL") expect(missedLive(world)).toEqual([]);
        if (
          story.failing.length === 0 &&
          !story.before.includes("FAILED") &&
          !isLocked(world) &&
          !canDrop(story, deeds)
        )
          expect(world.status("ours").state).toBe(world.status("ours").target ? "Complete" : "Waiting");
      }),
      { numRuns: RUNS, ...SEED },
    );
  });

  test("survives them while people interfere", async () => {
    await fc.assert(
      fc.asyncProperty(story, fc.array(deed, { minLength: 1, maxLength: 3 }), faults, async (story, deeds, faults) => {
        expect(flaws(await happen(story, deeds, faults))).toEqual([]);
      }),
      { numRuns: RUNS, ...SEED },
    );
  });
});
