import { beforeEach, describe, expect, test } from "@jest/globals";
import { findCondition } from "../../../src/kubernetes/conditions.ts";
import type { FlowSpec, KestraFlow } from "../../../src/resources/flow/schema.ts";
import { uniqueName } from "../../support/cluster.ts";
import { always, eventually } from "../../support/eventually.ts";
import { flowSource } from "../../support/flowSource.ts";
import { Scene } from "./scene.ts";

const scene = new Scene("drift");
const { kestra, namespace } = scene;

/** A KestraFlow that is in sync, and its source. */
async function inSync(id: string, spec: Partial<FlowSpec> = {}): Promise<string> {
  const source = scene.source(id);
  await scene.cluster.createFlow(id, { source, ...spec });
  await scene.cluster.waitReady(id);
  return source;
}

describe("a flow that somebody", () => {
  test("edited in Kestra is put right within the interval, and the status and one Event say so", async () => {
    const source = await inSync("edited");
    await kestra.edit(namespace, "edited", scene.source("edited", "edited in the UI"));
    const stored = await scene.waitStored("edited", source);
    expect(stored.revision).toBe(3);

    await eventually(async () => {
      const { status } = await scene.cluster.getFlow("edited");
      expect(status?.flow?.revision).toBe(3);
      expect(status?.drift).toMatchObject({ kind: "Edited", corrections: 1, correctedAt: expect.any(String) });
      expect(findCondition(status?.conditions, "Ready")).toMatchObject({ status: "True", reason: "Synced" });
    });
    const corrections = async () =>
      (await scene.cluster.events("edited")).filter(({ reason }) => reason === "DriftCorrected");
    await eventually(async () => {
      expect(await corrections()).toHaveLength(1);
    });
    await scene.driftLooks(3, await namespaces());
    expect(await corrections()).toHaveLength(1);
  });

  test("edited in a comment only is put right: the source is what is declared", async () => {
    const source = await inSync("commented");
    await kestra.edit(namespace, "commented", `${source}# a note\n`);
    await scene.waitStored("commented", source);
  });

  test("deleted in Kestra comes back, with its history", async () => {
    const source = await inSync("deleted");
    await kestra.delete(namespace, "deleted");
    await scene.waitStored("deleted", source);
    await eventually(async () => {
      const { status } = await scene.cluster.getFlow("deleted");
      expect(status?.drift?.kind).toBe("Deleted");
      expect(status?.flow?.revision).toBe((await scene.stored("deleted")).revision);
    });
    expect((await scene.revisions("deleted")).map(({ revision }) => revision)).toEqual([1, 2, 3]);
  });

  test("disabled in Kestra stays disabled and says so; enabling it there ends that", async () => {
    const source = await inSync("disabled");
    await kestra.disable(namespace, "disabled");
    const { status } = await scene.cluster.waitFor("disabled", "Drifted", "True", "Disabled");
    expect(findCondition(status?.conditions, "Ready")?.status).toBe("True");
    expect(findCondition(status?.conditions, "Stalled")).toBeUndefined();
    await scene.driftLooks(3, await namespaces());
    expect((await scene.stored("disabled")).disabled).toBe(true);

    await kestra.edit(namespace, "disabled", source);
    await eventually(async () => {
      const after = await scene.cluster.getFlow("disabled");
      expect(findCondition(after.status?.conditions, "Drifted")).toBeUndefined();
    });
    expect((await scene.stored("disabled")).source).toBe(source);
  });

  test("disabled in Kestra is enabled again by the next change of its own source", async () => {
    await inSync("reenabled");
    await kestra.disable(namespace, "reenabled");
    await scene.cluster.waitFor("reenabled", "Drifted", "True", "Disabled");
    const next = scene.source("reenabled", "a new message");
    await scene.cluster.patchSpec("reenabled", { source: next });
    const stored = await scene.waitStored("reenabled", next);
    expect(stored.disabled).toBe(false);
    const { status } = await scene.cluster.waitReady("reenabled");
    expect(findCondition(status?.conditions, "Drifted")).toBeUndefined();
  });

  test("disabled in Kestra is enabled with disabledDrift: Correct", async () => {
    const source = await inSync("enabled", { disabledDrift: "Correct" });
    await kestra.disable(namespace, "enabled");
    const stored = await scene.waitStored("enabled", source);
    expect(stored.disabled).toBe(false);
  });

  test("disabled and edited in Kestra is put right", async () => {
    const source = await inSync("both");
    await kestra.edit(namespace, "both", `${scene.source("both", "edited")}disabled: true\n`);
    await scene.waitStored("both", source);
  });
});

test("with driftPolicy: Report an edit and a deletion stay and are reported, until source or policy change", async () => {
  await inSync("reported", { driftPolicy: "Report" });
  const edited = scene.source("reported", "edited in the UI");
  await kestra.edit(namespace, "reported", edited);
  const { status } = await scene.cluster.waitFor("reported", "Drifted", "True", "Edited");
  expect(findCondition(status?.conditions, "Ready")).toMatchObject({ status: "True", reason: "Synced" });
  expect(status?.drift).toMatchObject({ kind: "Edited", corrections: 0 });
  await scene.driftLooks(3, await namespaces());
  expect((await scene.stored("reported")).source).toBe(edited);

  await kestra.delete(namespace, "reported");
  await scene.cluster.waitFor("reported", "Drifted", "True", "Deleted");
  await scene.driftLooks(2, await namespaces());
  expect(await kestra.flow(namespace, "reported")).toBeUndefined();

  const next = scene.source("reported", "a change of its own");
  await scene.cluster.patchSpec("reported", { source: next });
  await scene.waitStored("reported", next);
  await kestra.edit(namespace, "reported", edited);
  await scene.cluster.waitFor("reported", "Drifted", "True", "Edited");

  await scene.cluster.patchSpec("reported", { driftPolicy: "Correct" });
  await scene.waitStored("reported", next);
  const after = await scene.cluster.waitReady("reported");
  expect(findCondition(after.status?.conditions, "Drifted")).toBeUndefined();
});

describe("of a flow given as an object", () => {
  let id: string;
  beforeEach(async () => {
    id = uniqueName("tree");
    const tasks = [{ id: "log", type: "io.kestra.plugin.core.log.Log", message: "hello" }];
    await scene.cluster.createFlow(id, { flow: { id, namespace, tasks } });
    await scene.cluster.waitReady(id);
  });

  test("an edit of comments and layout is no drift", async () => {
    const { source } = await scene.stored(id);
    const commented = `# why this flow is here\n${source.replace("message: hello", 'message:   "hello" # says hello')}`;
    expect(commented).toContain("says hello");
    const asked = await scene.flowCalls();
    await kestra.edit(namespace, id, commented);
    await eventually(async () => {
      expect(await scene.flowCalls()).toBeGreaterThan(asked);
    });
    await scene.driftLooks(2, await namespaces());

    expect(await scene.stored(id)).toMatchObject({ source: commented, revision: 2 });
    const { status } = await scene.cluster.getFlow(id);
    expect(findCondition(status?.conditions, "Drifted")).toBeUndefined();
    expect(status?.drift).toBeUndefined();
  });

  test("an edit of the content is put right", async () => {
    const { source } = await scene.stored(id);
    await kestra.edit(namespace, id, source.replace("message: hello", "message: edited"));
    await scene.waitStored(id, source);
  });
});

test("a correction that is undone again and again backs off and says Contested, and ends well when that stops", async () => {
  const source = await inSync("contested");
  const other = scene.source("contested", "somebody else's");
  /** The resource when it says so, undefined when the edit was corrected. */
  const undo = async (): Promise<KestraFlow | undefined> => {
    await kestra.edit(namespace, "contested", other);
    return eventually(async () => {
      const flow = await scene.cluster.getFlow("contested");
      if (findCondition(flow.status?.conditions, "Ready")?.reason === "Contested") return flow;
      expect((await scene.stored("contested")).source).toBe(source);
      return undefined;
    });
  };
  // Corrections count as one row only when they follow each other within a few intervals, which is longer than one takes.
  await scene.restartOperator({ DRIFT_INTERVAL: "1s" });
  let corrections = 0;
  let contested: KestraFlow | undefined;
  while (corrections < 8 && (contested = await undo()) === undefined) corrections += 1;
  expect(corrections).toBeGreaterThanOrEqual(3);
  expect(corrections).toBeLessThan(8);

  const { status } = contested ?? {};
  const stalled = findCondition(status?.conditions, "Stalled");
  expect(stalled).toMatchObject({ status: "True", reason: "Contested" });
  expect(stalled?.message).toMatch(/undone again: find out who else writes this flow, or set spec\.driftPolicy/);
  expect(findCondition(status?.conditions, "Drifted")).toMatchObject({ status: "True", reason: "Contested" });

  await scene.waitStored("contested", source);
  const after = await scene.cluster.waitReady("contested");
  expect(after.status?.conditions?.map(({ type }) => type)).toEqual(["Ready"]);
  await scene.restartOperator();
}, 120_000);

test("drift is looked for by one list for each Kestra namespace and interval; no flow is read by itself", async () => {
  const [first, second] = [uniqueName("drift-list"), uniqueName("drift-list")];
  const flows = [1, 2, 3, 4, 5, 6].map((n) => ({ name: `listed-${n}`, namespace: n > 3 ? first : second }));
  await Promise.all(
    flows.map(({ name, namespace: at }) => scene.cluster.createFlow(name, { source: flowSource(at, name) })),
  );
  for (const { name } of flows) await scene.cluster.waitReady(name);
  const count = await namespaces();
  expect(count).toBe(3);

  const lists = () => scene.operator.metric("kestraflow_kestra_calls_total", { operation: "listFlows" });
  const startedAt = performance.now();
  const [listsBefore, asked] = [await lists(), await scene.flowCalls()];
  await scene.driftLooks(4, count);
  const made = (await lists()) - listsBefore;
  const rounds = (performance.now() - startedAt) / 300 + 1;
  expect(made).toBeLessThanOrEqual(Math.ceil(rounds) * count);
  expect(await scene.flowCalls()).toBe(asked);
  await always(async () => {
    expect(await scene.flowCalls()).toBe(asked);
  }, 600);
});

/** How many Kestra namespaces have flows of this scene: each has a list of its own in every look for drift. */
async function namespaces(): Promise<number> {
  return new Set((await scene.resources()).flatMap(({ status }) => status?.flow?.namespace ?? [])).size;
}
