import { describe, expect, test } from "@jest/globals";
import { findCondition } from "../../../src/kubernetes/conditions.ts";
import { always, eventually } from "../../support/eventually.ts";
import { Scene } from "./scene.ts";

const scene = new Scene("annotations", { DRIFT_INTERVAL: "1h" });
const { kestra, namespace } = scene;
const PAUSED = "kestraflow.dev/paused";
const REQUESTED = "kestraflow.dev/reconcile-requested-at";
const ABANDON = "kestraflow.dev/abandon";

async function inSync(id: string): Promise<string> {
  const source = scene.source(id);
  await scene.cluster.createFlow(id, { source });
  await scene.cluster.waitReady(id);
  return source;
}

describe("a paused resource", () => {
  test("is left alone and says so, its edits wait, and taking the annotation off applies them", async () => {
    await inSync("paused");
    await scene.cluster.annotate("paused", { [PAUSED]: "true" });
    const paused = await scene.cluster.waitFor("paused", "Paused", "True", "Paused");
    expect(findCondition(paused.status?.conditions, "Ready")?.status).toBe("True");

    const next = scene.source("paused", "edited while paused");
    await scene.cluster.patchSpec("paused", { source: next });
    await always(async () => {
      expect((await scene.stored("paused")).revision).toBe(1);
    }, 800);
    const waiting = await scene.cluster.getFlow("paused");
    expect(waiting.status?.observedGeneration).toBe(1);

    await scene.cluster.annotate("paused", { [PAUSED]: null });
    expect((await scene.waitStored("paused", next)).revision).toBe(2);
    const { status } = await scene.cluster.waitReady("paused");
    expect(status?.observedGeneration).toBe(2);
    expect(findCondition(status?.conditions, "Paused")).toBeUndefined();
  });

  test("made so from the start creates nothing until it is resumed", async () => {
    await scene.cluster.createFlow("dormant", { source: scene.source("dormant") }, { [PAUSED]: "true" });
    await scene.cluster.waitFor("dormant", "Paused", "True");
    expect((await scene.cluster.getFlow("dormant")).metadata.finalizers ?? []).toEqual([]);
    expect(await kestra.flow(namespace, "dormant")).toBeUndefined();
    await scene.cluster.annotate("dormant", { [PAUSED]: null });
    await scene.cluster.waitReady("dormant");
    expect((await scene.stored("dormant")).revision).toBe(1);
  });

  test("is not corrected, not even on request", async () => {
    await inSync("drifting");
    await scene.cluster.annotate("drifting", { [PAUSED]: "true" });
    await scene.cluster.waitFor("drifting", "Paused", "True");
    await kestra.edit(namespace, "drifting", scene.source("drifting", "edited in the UI"));
    await scene.cluster.annotate("drifting", { [REQUESTED]: "1" });
    await always(async () => {
      expect((await scene.stored("drifting")).revision).toBe(2);
    }, 800);
    await scene.cluster.annotate("drifting", { [PAUSED]: null });
    await scene.waitStored("drifting", scene.source("drifting"));
  });

  test("any other value than true does not pause", async () => {
    await scene.cluster.createFlow("awake", { source: scene.source("awake") }, { [PAUSED]: "false" });
    const { status } = await scene.cluster.waitReady("awake");
    expect(findCondition(status?.conditions, "Paused")).toBeUndefined();
  });
});

describe("reconcile-requested-at", () => {
  test("has drift put right at once, long before the next look for it", async () => {
    const source = await inSync("requested");
    await kestra.edit(namespace, "requested", scene.source("requested", "edited in the UI"));
    await scene.cluster.annotate("requested", { [REQUESTED]: "2026-11-22T10:00:00Z" });
    await scene.waitStored("requested", source);
    await eventually(async () => {
      const { status } = await scene.cluster.getFlow("requested");
      expect(status).toMatchObject({ handledReconcileAt: "2026-11-22T10:00:00Z", flow: { revision: 3 } });
    });
  });

  test("is acted on once for each new value", async () => {
    await inSync("repeated");
    for (const value of ["first", "second"]) {
      const asked = await scene.flowCalls();
      await scene.cluster.annotate("repeated", { [REQUESTED]: value });
      await eventually(async () => {
        expect((await scene.cluster.getFlow("repeated")).status?.handledReconcileAt).toBe(value);
      });
      expect(await scene.flowCalls()).toBe(asked + 1);
    }
    expect((await scene.stored("repeated")).revision).toBe(1);
  });

  test("that was there when the resource was made does no harm", async () => {
    await scene.cluster.createFlow("born", { source: scene.source("born") }, { [REQUESTED]: "then" });
    const { status } = await scene.cluster.waitReady("born");
    expect(status?.handledReconcileAt).toBe("then");
    expect((await scene.stored("born")).revision).toBe(1);
  });
});

describe("abandon", () => {
  test("on a resource that is not being deleted does nothing", async () => {
    const source = await inSync("staying");
    await scene.cluster.annotate("staying", { [ABANDON]: "true" });
    const next = `${source}# edited\n`;
    await scene.cluster.patchSpec("staying", { source: next });
    await scene.waitStored("staying", next);
    expect((await scene.cluster.getFlow("staying")).metadata.finalizers).toHaveLength(1);
  });

  test("lets go of a deleted resource whose Kestra is gone for good; until then its condition says what to do", async () => {
    await inSync("abandoned");
    await scene.restartOperator({ KESTRA_URL: "http://127.0.0.1:9" });
    await scene.cluster.deleteFlow("abandoned");
    const blocked = await eventually(async () => {
      const { status } = await scene.cluster.getFlow("abandoned");
      const ready = findCondition(status?.conditions, "Ready");
      expect(ready).toMatchObject({ status: "False", reason: "DeletionBlocked" });
      return ready;
    });
    expect(blocked?.message).toContain(`annotate this resource with ${ABANDON}=true`);

    await scene.cluster.annotate("abandoned", { [ABANDON]: "true" });
    await scene.cluster.waitGone("abandoned");
    expect((await scene.stored("abandoned")).revision).toBe(1);
  });

  test("is not needed once Kestra is back: the deletion goes on", async () => {
    await scene.restartOperator();
    await inSync("patient");
    await scene.restartOperator({ KESTRA_URL: "http://127.0.0.1:9" });
    await scene.cluster.deleteFlow("patient");
    await eventually(async () => {
      const { status } = await scene.cluster.getFlow("patient");
      expect(findCondition(status?.conditions, "Ready")?.reason).toBe("DeletionBlocked");
    });
    await scene.restartOperator();
    await scene.cluster.waitGone("patient");
    expect(await kestra.flow(namespace, "patient")).toBeUndefined();
  });
});
