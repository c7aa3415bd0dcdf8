import { describe, expect, test } from "@jest/globals";
import { findCondition } from "../../../src/kubernetes/conditions.ts";
import type { KestraKv, KvSpec } from "../../../src/resources/kv/schema.ts";
import { eventually } from "../../support/eventually.ts";
import { KvScene } from "./scene.ts";

const scene = new KvScene("drift");
const { kestra, namespace } = scene;

/** A resource in sync: `{"n": 1}`, described, for an hour. */
async function inSync(name: string, spec: Partial<KvSpec> = {}): Promise<void> {
  await scene.inSync(name, { value: { n: 1 }, description: "declared", ttl: "PT1H", ...spec });
}

const ANHOUR = { description: "declared", ttl: "PT1H" };

describe("an entry that somebody", () => {
  test("edited in Kestra is put right within the interval, with description and ttl, and the status and one Event say so", async () => {
    await inSync("edited");
    await kestra.putEntry(namespace, "edited", '"edited in the UI"', ANHOUR);
    await scene.waitValue("edited", { n: 1 });
    expect(await scene.entry("edited")).toMatchObject({
      version: 3,
      description: "declared",
      expirationDate: expect.any(String),
    });
    await eventually(async () => {
      const { status } = await scene.kvs.get("edited");
      expect(status?.entry?.version).toBe(3);
      expect(status?.drift).toMatchObject({ kind: "Edited", corrections: 1, correctedAt: expect.any(String) });
      expect(findCondition(status?.conditions, "Ready")).toMatchObject({ status: "True", reason: "Synced" });
    });
    const corrections = async () =>
      (await scene.cluster.events("edited")).filter(({ reason }) => reason === "DriftCorrected");
    await eventually(async () => {
      expect(await corrections()).toHaveLength(1);
    });
    await scene.driftLooks(3);
    expect(await corrections()).toHaveLength(1);
    expect(await scene.version("edited")).toBe(3);
  });

  test.each([
    ["another type", '"{\\"n\\": 1}"', ANHOUR],
    ["another description", '{"n": 1}', { ...ANHOUR, description: "edited" }],
    ["no description", '{"n": 1}', { ttl: "PT1H" }],
    ["another ttl", '{"n": 1}', { ...ANHOUR, ttl: "PT2H" }],
    ["no ttl", '{"n": 1}', { description: "declared" }],
  ] as const)("gave %s is put right", async (what, ion, headers) => {
    const name = what.replaceAll(" ", "-");
    await inSync(name);
    await kestra.putEntry(namespace, name, ion, headers);
    await eventually(async () => {
      expect(await scene.entry(name)).toMatchObject({ version: 3, description: "declared" });
    });
    const { updateDate, expirationDate = "" } = await scene.entry(name);
    expect(Date.parse(expirationDate) - Date.parse(updateDate)).toBeLessThan(3_602_000);
    expect(await scene.stored(name)).toMatchObject({ type: "JSON", value: { n: 1 } });
  });

  test("wrote as it is declared is left as it is", async () => {
    await inSync("same");
    await kestra.putEntry(namespace, "same", "{n: 1.0}", ANHOUR);
    const calls = await scene.entryCalls();
    await eventually(async () => {
      expect((await scene.kvs.get("same")).status?.entry?.version).toBe(2);
    });
    await scene.driftLooks(2);
    expect(await scene.version("same")).toBe(2);
    expect((await scene.entryCalls()) - calls).toBeLessThanOrEqual(2);
    expect((await scene.kvs.get("same")).status?.drift).toBeUndefined();
  });

  test("deleted in Kestra comes back", async () => {
    await inSync("deleted");
    await kestra.deleteEntry(namespace, "deleted");
    await scene.waitValue("deleted", { n: 1 });
    await eventually(async () => {
      const { status } = await scene.kvs.get("deleted");
      expect(status?.drift?.kind).toBe("Deleted");
      expect(status?.entry?.version).toBe(await scene.version("deleted"));
    });
  });
});

test("with driftPolicy: Report an edit and a deletion stay and are reported, until value or policy change", async () => {
  await inSync("reported", { driftPolicy: "Report" });
  await kestra.putEntry(namespace, "reported", '"edited in the UI"');
  const { status } = await scene.kvs.waitFor("reported", "Drifted", "True", "Edited");
  expect(findCondition(status?.conditions, "Ready")).toMatchObject({ status: "True", reason: "Synced" });
  expect(findCondition(status?.conditions, "Stalled")).toBeUndefined();
  expect(status?.drift).toMatchObject({ kind: "Edited", corrections: 0 });
  await scene.driftLooks(3);
  expect((await scene.stored("reported")).value).toBe("edited in the UI");

  await kestra.deleteEntry(namespace, "reported");
  await scene.kvs.waitFor("reported", "Drifted", "True", "Deleted");
  await scene.driftLooks(2);
  expect(await kestra.value(namespace, "reported")).toBeUndefined();

  await scene.kvs.patchSpec("reported", { value: { n: 2 } });
  await scene.kvs.waitReady("reported");
  expect((await scene.stored("reported")).value).toEqual({ n: 2 });
  await kestra.putEntry(namespace, "reported", '"edited again"');
  await scene.kvs.waitFor("reported", "Drifted", "True", "Edited");
  await scene.kvs.patchSpec("reported", { driftPolicy: "Correct" });
  await scene.waitValue("reported", { n: 2 });
  const after = await scene.kvs.waitReady("reported");
  await eventually(async () => {
    expect(findCondition((await scene.kvs.get("reported")).status?.conditions, "Drifted")).toBeUndefined();
  });
  expect(after.status?.entry?.key).toBe("reported");
});

test("reported drift of a description is told apart from none, and ends when the description is put back", async () => {
  await inSync("noted", { driftPolicy: "Report" });
  await kestra.putEntry(namespace, "noted", '{"n": 1}', { ...ANHOUR, description: "edited" });
  await scene.kvs.waitFor("noted", "Drifted", "True", "Edited");
  await kestra.putEntry(namespace, "noted", '{"n": 1}', ANHOUR);
  await eventually(async () => {
    const { status } = await scene.kvs.get("noted");
    expect(findCondition(status?.conditions, "Drifted")).toBeUndefined();
    expect(status?.entry?.version).toBe(3);
  });
});

test("a correction that is undone again and again backs off and says Contested, and ends well when that stops", async () => {
  await inSync("contested");
  /** The resource when it says so, undefined when the edit was corrected. */
  const undo = async (): Promise<KestraKv | undefined> => {
    await kestra.putEntry(namespace, "contested", '"somebody else\'s"');
    return eventually(async () => {
      const entry = await scene.kvs.get("contested");
      if (findCondition(entry.status?.conditions, "Ready")?.reason === "Contested") return entry;
      expect((await scene.stored("contested")).value).toEqual({ n: 1 });
      return undefined;
    });
  };
  // Corrections count as one row only when they follow each other within a few intervals, which is longer than one takes.
  await scene.restartOperator({ DRIFT_INTERVAL: "1s" });
  let corrections = 0;
  let contested: KestraKv | undefined;
  while (corrections < 8 && (contested = await undo()) === undefined) corrections += 1;
  expect(corrections).toBeGreaterThanOrEqual(3);
  expect(corrections).toBeLessThan(8);
  expect(findCondition(contested?.status?.conditions, "Stalled")?.message).toMatch(
    /find out who else writes this entry/,
  );
  await scene.waitValue("contested", { n: 1 });
  const after = await scene.kvs.waitReady("contested");
  expect(after.status?.conditions?.map(({ type }) => type)).toEqual(["Ready"]);
  await scene.restartOperator();
}, 120_000);
