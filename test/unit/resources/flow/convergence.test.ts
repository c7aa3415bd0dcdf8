import { describe, expect, jest, test } from "@jest/globals";
import fc from "fast-check";
import type { FlowSpec } from "../../../../src/resources/flow/schema.ts";
import { flowKind } from "../../../../src/resources/flow/kind.ts";
import { live, stepThrough, tolerateCrash } from "../support/lives.ts";
import { FlowWorld } from "./support/world.ts";

/** Enough to find again within seconds what each of these found when it was written; raise it to search for more. */
const RUNS = Number(process.env.PROPERTY_RUNS ?? 40);

jest.setTimeout(60_000);

type Deed =
  | { deed: "apply"; name: string; id: string; text: string; kind: "source" | "flow" | "configMap"; policies: Policies }
  | { deed: "delete"; name: string }
  | { deed: "pause"; name: string; paused: boolean }
  | { deed: "edit" | "disable"; id: string; text: string }
  | { deed: "remove"; id: string }
  | { deed: "empty" | "outage" | "recovery" };

type Policies = Partial<Pick<FlowSpec, "adoption" | "driftPolicy" | "disabledDrift" | "deletionPolicy">>;

const name = fc.constantFrom("one", "two", "alone");
const id = fc.constantFrom("a", "b", "c");
const text = fc.constantFrom("hello", "goodbye");
const adoption = fc.constantFrom("IfIdentical" as const, "Always" as const, "Never" as const);
const policies = fc.record({
  adoption,
  driftPolicy: fc.constantFrom("Correct" as const, "Report" as const),
  disabledDrift: fc.constantFrom("Correct" as const, "Report" as const),
  deletionPolicy: fc.constantFrom("Delete" as const, "Orphan" as const),
});
const content = { text: fc.oneof({ weight: 5, arbitrary: text }, fc.constant("invalid")), policies };
const rivalShape = {
  deed: fc.constant("apply" as const),
  name: fc.constantFrom("one", "two"),
  id: fc.constantFrom("a", "b"),
  kind: fc.constantFrom("source" as const, "flow" as const),
  ...content,
};
const rival = fc.record(rivalShape);
/** Only those who have no rival read ConfigMaps: what they want is not known before they are read. */
const alone = fc.record({
  deed: fc.constant("apply" as const),
  name: fc.constant("alone"),
  id: fc.constantFrom("c", "d"),
  kind: fc.constantFrom("source" as const, "configMap" as const),
  ...content,
});
const applied = fc.oneof({ weight: 2, arbitrary: rival }, alone);
const deleted = fc.record({ deed: fc.constant("delete" as const), name });
const inKubernetes = fc.oneof(
  { weight: 4, arbitrary: applied },
  deleted,
  fc.record({ deed: fc.constant("pause" as const), name, paused: fc.boolean() }),
);
const inKestra = fc.oneof(
  fc.record({ deed: fc.constantFrom("edit" as const, "disable" as const), id, text }),
  fc.record({ deed: fc.constant("remove" as const), id }),
  fc.record({ deed: fc.constantFrom("empty" as const, "outage" as const, "recovery" as const) }),
);
const deeds = fc.array(fc.oneof({ weight: 3, arbitrary: inKubernetes }, inKestra), { minLength: 1, maxLength: 7 });

function perform(world: FlowWorld, deed: Deed): void {
  switch (deed.deed) {
    case "apply": {
      const { kind, policies: given } = deed;
      const source = sourceOf(deed.id, deed.text);
      if (kind === "configMap") world.applyConfigMap(deed.name, source);
      const content = {
        source: { source },
        flow: { flow: { id: deed.id, namespace: "n", tasks: tasksOf(deed.text) } },
        configMap: { sourceFrom: { configMapKeyRef: { name: deed.name, key: "flow" } } },
      }[kind];
      world.kubernetes.apply(deed.name, { ...content, ...given });
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
      world.kestra.put(sourceOf(deed.id, deed.text));
      return;
    case "disable": {
      const known = world.kestra.stored.get(`main/n/${deed.id}`);
      if (known && !known.disabled) world.kestra.put(`${known.source}\ndisabled: true`);
      return;
    }
    case "remove":
      world.kestra.remove({ tenant: "main", namespace: "n", id: deed.id });
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

function sourceOf(id: string, text: string): string {
  return `id: ${id}\nnamespace: n\ntasks:\n  - id: log\n    type: ${tasksOf(text)[0].type}\n    message: ${text}\n`;
}

function tasksOf(text: string): [{ id: string; type: string; message: string }] {
  return [{ id: "log", type: text === "invalid" ? "nope" : "Log", message: text }];
}

describe("whatever people do to resources and to Kestra", () => {
  test("everything comes to rest, no flow is touched without a right, and nothing is written any more, not by a new process either", async () => {
    await fc.assert(
      fc.asyncProperty(deeds, async (history) => {
        const world = new FlowWorld();
        for (const deed of [...history, { deed: "recovery" } as const]) {
          perform(world, deed);
          await world.rest();
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
        const [reference, world] = [new FlowWorld(), new FlowWorld()];
        world.crash = { at, when };
        for (const deed of [...history, { deed: "recovery" } as const]) {
          perform(reference, deed);
          await reference.rest();
          perform(world, deed);
          await live(world);
        }
        expect(world.snapshot()).toEqual(reference.snapshot());
      }),
      { numRuns: RUNS },
    );
  });

  test("a resource edited after the process died between a write to Kestra and its record ends as if the process had lived", async () => {
    const edit = fc.record({ ...rivalShape, name: fc.constant("one"), text, policies: fc.constant({}) });
    // One adoption policy for all, and no Orphan or Report: what was left behind or reported when we died is not ours to judge again.
    const edits = fc
      .tuple(fc.array(edit, { minLength: 2, maxLength: 4 }), adoption)
      .map(([made, adoption]) => made.map((deed) => ({ ...deed, policies: { adoption } })));
    const crashAt = fc.integer({ min: 1, max: 4 });
    await fc.assert(
      fc.asyncProperty(fc.array(inKestra, { maxLength: 2 }), edits, crashAt, async (before, edits, at) => {
        const [reference, world] = [new FlowWorld(), new FlowWorld()];
        world.crash = { at, of: /^(create|update|delete)/, when: "after" };
        for (const deed of [...before, { deed: "recovery" } as const, ...edits]) {
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
        expect(world.snapshot()).toEqual(reference.snapshot());
        for (const one of [reference, world]) {
          one.kubernetes.delete("one");
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
        const world = new FlowWorld();
        for (const deed of history) {
          perform(world, deed);
          for (const key of world.kubernetes.resources.keys()) await stepThrough(world, flowKind(world.context), key);
          await world.rest();
        }
      }),
      { numRuns: RUNS },
    );
  });
});
