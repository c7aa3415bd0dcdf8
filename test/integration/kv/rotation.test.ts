import { beforeAll, expect, jest, test } from "@jest/globals";
import { eventually } from "../../support/eventually.ts";
import { fromSecret, KvScene } from "./scene.ts";

jest.setTimeout(180_000);

/** 50 Secrets, each followed by ten resources, of which four take it for a number. */
const scene = new KvScene("rotation", { DRIFT_INTERVAL: "5s", STALLED_RETRY_INTERVAL: "1h" });
const { namespace, kestra } = scene;
const PATIENCE = { within: 120_000, every: 250 };
/** Longer than it takes on a slow machine, and much shorter than if the followers of a Secret came one after the other. */
const LIMIT_S = 120;

const secrets = Array.from({ length: 50 }, (_, index) => `source-${index}`);
const followers = secrets.flatMap((secret) =>
  Array.from(
    { length: 10 },
    (_, n) => ({ name: `${secret}-${n}`, secret, type: n < 4 ? "NUMBER" : "STRING" }) as const,
  ),
);
const texts = followers.filter(({ type }) => type === "STRING");
const numbers = followers.filter(({ type }) => type === "NUMBER");

beforeAll(async () => {
  await putAll("1");
  await inBatches(followers, ({ name, secret, type }) => scene.create(name, { ...fromSecret(secret), type }));
  await settled(followers, "Synced", 1);
}, 180_000);

async function inBatches<T>(items: readonly T[], act: (item: T) => Promise<unknown>): Promise<void> {
  for (let start = 0; start < items.length; start += 25) await Promise.all(items.slice(start, start + 25).map(act));
}

async function putAll(value: string): Promise<void> {
  await Promise.all(secrets.map((secret) => scene.cluster.putSecret(secret, { value })));
}

/** How many of the entries have each version in Kestra. */
async function versions(of: readonly { name: string }[]): Promise<Record<number, number>> {
  const found = new Map((await kestra.entries(namespace)).map(({ key, version }) => [key, version]));
  const counts: Record<number, number> = {};
  for (const { name } of of) {
    const version = found.get(name) ?? 0;
    counts[version] = (counts[version] ?? 0) + 1;
  }
  return counts;
}

/** Waits until all of these say so. */
async function settled(of: readonly { name: string }[], reason: string, version: number): Promise<void> {
  const names = new Set(of.map(({ name }) => name));
  await eventually(async () => {
    const resources = (await scene.kvs.list()).filter(({ metadata }) => names.has(metadata.name));
    const states = resources.map(({ status }) => `${status?.conditions?.[0]?.reason} ${status?.entry?.version}`);
    expect([...new Set(states)]).toEqual([`${reason} ${version}`]);
    expect(states).toHaveLength(of.length);
  }, PATIENCE);
}

/** Rotates all Secrets at once; seconds until these entries have the version in Kestra. */
async function rotateAll(value: string, of: readonly { name: string }[], version: number): Promise<number> {
  await putAll(value);
  const rotated = performance.now();
  await eventually(async () => {
    expect(await versions(of)).toEqual({ [version]: of.length });
  }, PATIENCE);
  return (performance.now() - rotated) / 1000;
}

test("500 resources follow 50 Secrets that are rotated at once, and each entry is written once", async () => {
  const writes = await scene.operator.kestraWrites();
  const seconds = await rotateAll("2", followers, 2);
  process.stderr.write(`500 entries hold their rotated values after ${seconds.toFixed(1)} s\n`);
  expect(seconds).toBeLessThan(LIMIT_S);
  await settled(followers, "Synced", 2);
  await scene.driftLooks(2);
  expect(await versions(followers)).toEqual({ 2: 500 });
  expect((await scene.operator.kestraWrites()) - writes).toBe(500);
  await inBatches(texts, async ({ name }) => {
    expect((await scene.stored(name)).value).toBe("2");
  });
  await inBatches(numbers, async ({ name }) => {
    expect((await scene.stored(name)).value).toBe(2);
  });
});

test("200 of them that find an invalid value keep their last good one, and do not hold up the others", async () => {
  const writes = await scene.operator.kestraWrites();
  const seconds = await rotateAll("three", texts, 3);
  process.stderr.write(`300 entries, and 200 with invalid values: ${seconds.toFixed(1)} s\n`);
  expect(seconds).toBeLessThan(LIMIT_S);
  await settled(texts, "Synced", 3);
  await settled(numbers, "InvalidValue", 2);
  await scene.driftLooks(2);
  expect(await versions(texts)).toEqual({ 3: 300 });
  expect(await versions(numbers)).toEqual({ 2: 200 });
  expect((await scene.operator.kestraWrites()) - writes).toBe(300);
});
