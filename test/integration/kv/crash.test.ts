import { expect, test } from "@jest/globals";
import { TestKestra } from "../../support/kestra.ts";
import { Crashes } from "../process/crashes.ts";
import { KvStory } from "./story.ts";

const crashes = new Crashes("crash-kv", (cluster) => new KvStory(cluster, new TestKestra()));

test("without a fault each change is made once", () => {
  const { deeds, changes, states } = crashes.reference;
  expect(deeds).toEqual([
    'wrote early: "made"',
    'wrote early: "rotated"',
    'wrote early: "rotated"',
    'wrote late: "rotated"',
    'wrote late: {"inherited":true}',
  ]);
  expect(changes.length).toBeGreaterThan(12);
  expect(states.at(-1)).toEqual({ entries: [], resources: [] });
});

test.each([
  { moment: "before", when: "before a change is carried out" },
  { moment: "after", when: "after a change, before its answer" },
] as const)(
  "killed $when, whichever it is, the operator ends where it would have, and writes no more",
  async ({ moment }) => {
    expect(await crashes.tellWithEveryCrash(moment)).toEqual([]);
  },
);
