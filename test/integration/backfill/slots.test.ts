import { beforeAll, describe, expect, jest, test } from "@jest/globals";
import fc from "fast-check";
import { cacheFolder } from "../../../sandbox/folders.ts";
import { type EngineBuild, buildEngine } from "../../../sandbox/kestra/engine.ts";
import { Zone } from "../../../src/lib/zone.ts";
import { UnsupportedCron } from "../../../src/resources/backfill/cron.ts";
import { parseSchedule } from "../../../src/resources/backfill/ticks.ts";
import { type ZoneSpan, oddRanges, ranges } from "../../slots/arbitraries.ts";
import { type Change, type Range, type Slots, changes, walked } from "../../slots/slots.ts";

/** Our slots and those of Kestra's own Schedule class, for thousands of backfills. SLOTS_SEED and SLOTS_CASES choose others. */
jest.setTimeout(300_000);

const SEED = Number(process.env.SLOTS_SEED ?? 20_260_101);
const CASES = Number(process.env.SLOTS_CASES ?? 6_000);
const FROM = Date.UTC(2011) / 1_000;
const TO = Date.UTC(2031) / 1_000;
const DAY = 86_400;

/** What Kestra takes by accident and parseCron documents as refused. */
const TAKEN_BY_KESTRA = /\||\/\+|\/[A-Z0-9]+\/|-[A-Z0-9/]+-|-[A-Z0-9]+\/[A-Z]/i;

const ZONES = [
  "UTC",
  "America/New_York",
  "Europe/London",
  "Europe/Berlin",
  "Australia/Lord_Howe",
  "America/St_Johns",
  "Africa/Casablanca",
  "Africa/Cairo",
  "Asia/Kathmandu",
  "Asia/Kolkata",
  "Asia/Beirut",
  "Asia/Pyongyang",
  "America/Santiago",
  "America/Asuncion",
  "America/Havana",
  "America/Caracas",
  "America/Nuuk",
  "America/Sao_Paulo",
  "Antarctica/Troll",
  "Europe/Moscow",
  "Pacific/Apia",
  "Pacific/Chatham",
  "UTC+2",
  "-03:30",
];

let engine: EngineBuild;
/** The zones, each as long as Node and the JDK know the same of it: their releases of the time zone data can differ. */
let zones: ZoneSpan[];

beforeAll(async () => {
  engine = await buildEngine({ line: "1.1", cacheDir: cacheFolder(), report: () => undefined });
  const known = await changes(engine, ZONES, FROM - DAY, TO);
  zones = ZONES.map((zone, index) => spanInCommon(zone, known[index] ?? []));
});

describe("the slots of a backfill", () => {
  test("are compared in zones of which Node and the JDK know the same, most of them up to 2030", () => {
    expect(zones.filter(({ to }) => to < Date.UTC(2026) / 1_000)).toEqual([]);
    expect(zones.filter(({ to }) => to < TO).length).toBeLessThan(4);
    expect(zones.flatMap(({ changes }) => changes).length).toBeGreaterThan(500);
  });

  test("are those of Kestra", async () => {
    const cases = fc.sample(ranges(zones), { seed: SEED, numRuns: CASES });
    const { differences, compared, slots, refused } = await compare(cases);
    expect(differences.slice(0, 3)).toEqual([]);
    expect(refused.byUsOnly).toEqual([]);
    expect(compared).toBeGreaterThan(CASES * 0.7);
    expect(slots).toBeGreaterThan(CASES * 5);
  });

  test("are refused for what Kestra refuses, and for next to nothing else", async () => {
    const cases = fc.sample(oddRanges(zones), { seed: SEED, numRuns: CASES });
    const { differences, refused } = await compare(cases);
    expect(differences.slice(0, 3)).toEqual([]);
    expect(refused.byKestraOnly).toEqual([]);
    expect(refused.byBoth).toBeGreaterThan(CASES / 4);
    expect(refused.byUsOnly.filter((cron) => !TAKEN_BY_KESTRA.test(cron))).toEqual([]);
    expect(refused.byUsOnly.length).toBeLessThan(CASES / 50);
  });

  test("follow each other backwards, too, where a walk has gone on for days", async () => {
    const cases = fc.sample(ranges(zones), { seed: SEED + 1, numRuns: CASES / 4 });
    const wrong: object[] = [];
    let compared = 0;
    for (const [index, theirs] of (await walked(engine, cases)).entries()) {
      const range = cases[index];
      const [first, before, last] = theirs.slots?.slice(-3) ?? [];
      if (!range || first === undefined || before === undefined || last === undefined) continue;
      if (before < range.start + 3 * DAY) continue;
      compared++;
      const ours = parseSchedule(range).before(last * 1_000);
      if (ours !== before * 1_000) wrong.push({ ...range, last, before, ours });
    }
    expect(wrong.slice(0, 3)).toEqual([]);
    expect(compared).toBeGreaterThan(CASES / 20);
  });
});

/** Both walks for each case; a difference is shown with the local times that lead to it. */
async function compare(cases: Range[]) {
  const answers = await walked(engine, cases);
  const differences: object[] = [];
  const refused = { byBoth: 0, byUsOnly: [] as string[], byKestraOnly: [] as string[] };
  let [compared, slots] = [0, 0];
  cases.forEach((range, index) => {
    const theirs = answers[index] ?? { refused: "not answered" };
    const ours = walk(range);
    if (ours === undefined && theirs.refused !== undefined) refused.byBoth++;
    else if (ours === undefined) refused.byUsOnly.push(range.cron);
    else if (theirs.refused !== undefined) refused.byKestraOnly.push(range.cron);
    else {
      compared++;
      slots += ours.length;
      const at = theirs.slots.findIndex((slot, slotIndex) => slot !== ours[slotIndex]);
      if (at >= 0 || ours.length !== theirs.slots.length) {
        differences.push(difference(range, ours, theirs, at < 0 ? theirs.slots.length : at));
      }
    }
  });
  return { differences, compared, slots, refused };
}

/** Our slots in seconds; undefined where the expression is refused. */
function walk({ start, end, limit, ...schedule }: Range): number[] | undefined {
  try {
    const found: number[] = [];
    if (limit === 0) return found;
    for (const tick of parseSchedule(schedule).between(start * 1_000, end * 1_000)) {
      found.push(tick / 1_000);
      if (found.length === limit) break;
    }
    return found;
  } catch (error) {
    if (error instanceof UnsupportedCron) return undefined;
    throw error;
  }
}

function difference(range: Range, ours: number[], theirs: Slots, at: number) {
  const zone = new Zone(range.zone);
  const shown = (second: number | undefined) =>
    second === undefined
      ? "none"
      : `${second} ${new Date((second + zone.offsetAt(second)) * 1_000).toISOString().slice(0, 19)} (${zone.offsetAt(second)})`;
  return {
    ...range,
    start: shown(range.start),
    end: shown(range.end),
    before: shown(ours[at - 1]),
    ours: shown(ours[at]),
    kestra: shown(theirs.slots[at]),
    broken: theirs.broken === true,
  };
}

/** From FROM to TO, or to two days before the first moment at which the offsets differ. */
function spanInCommon(name: string, known: readonly Change[]): ZoneSpan {
  const zone = new Zone(name);
  const offsetOf = (instant: number) => known.findLast(([change]) => change <= instant)?.[1];
  const instants = known.flatMap(([change]) => [change - 1, change]);
  for (let instant = FROM; instant < TO; instant += DAY / 2) instants.push(instant);
  const differs = instants
    .sort((a, b) => a - b)
    .find((instant) => zone.offsetAt(instant) !== (offsetOf(instant) ?? zone.offsetAt(FROM)));
  const to = differs === undefined ? TO : differs - 2 * DAY;
  return { zone: name, from: FROM, to, changes: known.filter(([change]) => change < to) };
}
