import { describe, expect, jest, test } from "@jest/globals";
import fc from "fast-check";
import type { KvIdentity } from "../../../../src/kestra/types.ts";
import { kvKind } from "../../../../src/resources/kv/kind.ts";
import type { KvSpec, ValueFrom } from "../../../../src/resources/kv/schema.ts";
import { live, stepThrough, tolerateCrash } from "../support/lives.ts";
import { REFUSED } from "./support/kvInMemory.ts";
import { CANARY, KvWorld } from "./support/world.ts";

/** Enough to find again within seconds what each of these found when it was written; raise it to search for more. */
const RUNS = Number(process.env.PROPERTY_RUNS ?? 60);
const DAY_MS = 86_400_000;

jest.setTimeout(60_000);

type Deed =
  | { deed: "apply"; name: string; place: Place; kind: Kind; text: Text; policies: Policies }
  | { deed: "rotate"; text: Text | undefined }
  | { deed: "delete"; name: string }
  | { deed: "pause"; name: string; paused: boolean }
  | { deed: "edit"; place: Place; text: Text; ttl: "PT1H" | undefined }
  | { deed: "remove"; place: Place }
  | { deed: "wait" | "empty" | "outage" | "recovery" };

type Place = readonly [namespace: string, key: string];
type Kind = "literal" | "secret" | "configMap" | "optional";
type Text = "one" | "two" | "invalid" | typeof REFUSED;
type Policies = Partial<
  Pick<KvSpec, "adoption" | "driftPolicy" | "deletionPolicy" | "writePolicy" | "ttl" | "ttlPolicy" | "description">
>;

const name = fc.constantFrom("first", "second");
const place = fc.constantFrom<Place[]>(["n", "a"], ["n", "b"], ["m", "a"]);
const good = fc.constantFrom<Text[]>("one", "two");
const text = fc.oneof({ weight: 6, arbitrary: good }, fc.constantFrom<Text[]>("invalid", REFUSED));
const kind = fc.constantFrom<Kind[]>("literal", "secret", "configMap", "optional");
const adoption = fc.constantFrom("IfIdentical" as const, "Always" as const, "Never" as const);
/** The short one ends whenever the world comes to rest, the long ones only when people wait. */
const life = fc.constantFrom<Policies[]>(
  {},
  {},
  { ttl: "PT1H" },
  { ttl: "P10D", ttlPolicy: "Once" },
  { ttl: "P30D", ttlPolicy: "Renew" },
);
const writePolicy = fc.oneof(
  { weight: 4, arbitrary: fc.constant("Always" as const) },
  fc.constant("CreateOnce" as const),
);
const policies = fc
  .tuple(
    fc.record({
      adoption,
      driftPolicy: fc.constantFrom("Correct" as const, "Report" as const),
      deletionPolicy: fc.constantFrom("Delete" as const, "Orphan" as const),
      writePolicy,
      description: fc.constantFrom("", "what it is"),
    }),
    life,
  )
  .map(([policies, life]) => ({ ...policies, ...life }));
const applyShape = { deed: fc.constant("apply" as const), name, place, kind, text };
const inKubernetes = fc.oneof(
  { weight: 5, arbitrary: fc.record({ ...applyShape, policies }) },
  {
    weight: 2,
    arbitrary: fc.record({ deed: fc.constant("rotate" as const), text: fc.option(text, { nil: undefined }) }),
  },
  fc.record({ deed: fc.constant("delete" as const), name }),
  fc.record({ deed: fc.constant("pause" as const), name, paused: fc.boolean() }),
);
const inKestra = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({
      deed: fc.constant("edit" as const),
      place,
      text: good,
      ttl: fc.constantFrom("PT1H" as const, undefined),
    }),
  },
  fc.record({ deed: fc.constant("remove" as const), place }),
  fc.record({ deed: fc.constantFrom("empty" as const, "wait" as const, "outage" as const, "recovery" as const) }),
);
const deeds = fc.array(fc.oneof({ weight: 3, arbitrary: inKubernetes }, inKestra), { minLength: 1, maxLength: 8 });
const recovery = { deed: "recovery" } as const;

/** One Secret and one ConfigMap, of which each has the same value: whatever refers to them is rotated together. */
const REFERENCE = { name: "source", key: "value" };
const REFERENCES: Record<Exclude<Kind, "literal">, ValueFrom> = {
  secret: { secretKeyRef: REFERENCE },
  configMap: { configMapKeyRef: REFERENCE },
  optional: { secretKeyRef: { ...REFERENCE, optional: true } },
};

function perform(world: KvWorld, deed: Deed): void {
  switch (deed.deed) {
    case "apply": {
      const [namespace, key] = deed.place;
      const type = deed.text === "invalid" ? { type: "NUMBER" as const } : {};
      const content =
        deed.kind === "literal"
          ? { value: valueOf(deed.text), ...type }
          : { valueFrom: REFERENCES[deed.kind], ...type };
      world.kubernetes.apply(deed.name, { namespace, key, ...content, ...deed.policies });
      return;
    }
    case "rotate": {
      const value = deed.text && valueOf(deed.text);
      world.changeSecret("source", value);
      world.changeConfigMap("source", value === undefined ? undefined : { value });
      return;
    }
    case "delete":
      world.kubernetes.delete(deed.name);
      return;
    case "pause": {
      const known = world.kubernetes.resources.get(`team/${deed.name}`);
      if (known) world.kubernetes.apply(deed.name, known.spec, { "kestraflow.dev/paused": String(deed.paused) });
      return;
    }
    case "edit":
      world.edit(identityOf(deed.place), {
        body: JSON.stringify(valueOf(deed.text)),
        ...(deed.ttl === undefined ? {} : { ttl: deed.ttl }),
      });
      return;
    case "remove":
      world.kestra.remove(identityOf(deed.place));
      return;
    case "wait":
      world.clock.freeze(21 * DAY_MS);
      return;
    case "empty":
      world.kestra.stored.clear();
      world.renewKestra();
      return;
    case "outage":
    case "recovery":
      world.kestra.down = deed.deed === "outage";
      world.renewKestra();
  }
}

function identityOf([namespace, id]: Place): KvIdentity {
  return { tenant: "main", namespace, id };
}

function valueOf(text: Text): string {
  return `${CANARY} ${text}`;
}

describe("whatever people do to resources, to what they refer to, and to Kestra", () => {
  test("at rest every entry is as declared or the status says why not, and nothing is written any more, not by a new process either", async () => {
    await fc.assert(
      fc.asyncProperty(deeds, async (history) => {
        const world = new KvWorld();
        for (const deed of [...history, recovery]) {
          perform(world, deed);
          await world.rest();
          if (!world.kestra.down) expect(world.flaws()).toEqual([]);
        }
        const written = world.writes.length;
        world.restart();
        await world.rest();
        expect(world.writes.slice(written)).toEqual([]);
      }),
      { numRuns: RUNS },
    );
  });

  test("a process killed around any write is followed by one that comes to the same end", async () => {
    const when = fc.constantFrom("before" as const, "after" as const);
    await fc.assert(
      fc.asyncProperty(deeds, fc.integer({ min: 1, max: 25 }), when, async (history, at, when) => {
        const [reference, world] = [new KvWorld(), new KvWorld()];
        world.crash = { at, when };
        for (const deed of [...history, recovery]) {
          perform(reference, deed);
          await reference.rest();
          perform(world, deed);
          await live(world);
        }
        expect(world.snapshot()).toEqual(reference.snapshot());
        expect(world.flaws()).toEqual([]);
      }),
      { numRuns: RUNS },
    );
  });

  test("a resource edited after the process died between a write to Kestra and its record ends as if the process had lived", async () => {
    const edit = fc.record({ ...applyShape, name: fc.constant("first"), text: good, policies: fc.constant({}) });
    // One adoption policy for all, and no Orphan or Report: what was left behind or reported when we died is not ours to judge again.
    const edits = fc
      .tuple(fc.array(edit, { minLength: 2, maxLength: 4 }), adoption)
      .map(([made, adoption]) => made.map((deed) => ({ ...deed, policies: { adoption } })));
    const crashAt = fc.integer({ min: 1, max: 4 });
    await fc.assert(
      fc.asyncProperty(fc.array(inKestra, { maxLength: 2 }), good, edits, crashAt, async (before, text, edits, at) => {
        const [reference, world] = [new KvWorld(), new KvWorld()];
        world.crash = { at, of: /^(put|delete)/, when: "after" };
        for (const deed of [...before, recovery, { deed: "rotate", text } as const, ...edits]) {
          perform(reference, deed);
          await reference.rest();
          perform(world, deed);
          // Dead while the next edit is made.
          if (world.crashed) world.restart();
          await world.rest().catch(tolerateCrash);
        }
        world.crash = undefined;
        world.restart();
        await world.rest();
        // Where the last edit is refused, what the crash kept from being left behind stays until the resource goes.
        if (!reference.refuses("first")) expect(world.snapshot()).toEqual(reference.snapshot());
        for (const one of [reference, world]) {
          one.kubernetes.delete("first");
          await one.rest();
        }
        expect(world.snapshot()).toEqual(reference.snapshot());
      }),
      { numRuns: RUNS },
    );
  });

  test("a step makes at most one external write, and reading makes none", async () => {
    await fc.assert(
      fc.asyncProperty(deeds, async (history) => {
        const world = new KvWorld();
        for (const deed of history) {
          perform(world, deed);
          for (const key of world.kubernetes.resources.keys()) await stepThrough(world, kvKind(world.kvContext), key);
          await world.rest();
        }
      }),
      { numRuns: RUNS },
    );
  });
});
