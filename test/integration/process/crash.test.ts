import { expect, test } from "@jest/globals";
import { TestKestra } from "../../support/kestra.ts";
import { Crashes } from "./crashes.ts";
import { FlowStory } from "./story.ts";

const crashes = new Crashes("crash", (cluster) => new FlowStory(cluster, new TestKestra()));

test("without a fault each change is made once", () => {
  const { deeds, changes, states } = crashes.reference;
  expect(deeds).toEqual(["created early", "created late", "deleted early", "deleted late"]);
  expect(changes.length).toBeGreaterThan(12);
  expect(states.at(-1)).toEqual({ flows: [], resources: [] });
});

test.each([
  { moment: "before", when: "before a change is carried out" },
  { moment: "after", when: "after a change, before its answer" },
] as const)("killed $when, whichever it is, the operator ends where it would have", async ({ moment }) => {
  expect(await crashes.tellWithEveryCrash(moment)).toEqual([]);
});
