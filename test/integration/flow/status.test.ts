import { expect, test } from "@jest/globals";
import { kubectl } from "../../support/cluster.ts";
import { eventually } from "../../support/eventually.ts";
import { tableOf } from "../../support/table.ts";
import { Scene } from "./scene.ts";

const scene = new Scene("status");

test("kubectl get kflow says in one line what is where, whether it is good, and if not why", async () => {
  await scene.cluster.createFlow("good", { source: scene.source("good-flow") });
  await scene.cluster.createFlow("bad", { source: scene.source("bad-flow").replace("log.Log", "log.Lug") });
  await scene.cluster.waitReady("good");
  await scene.cluster.waitFor("bad", "Stalled", "True");

  const AGE = expect.stringMatching(/^\d+[sm]/) as unknown as string;
  expect(await tableOf(scene.cluster.name, "kflow")).toEqual({
    good: { NAMESPACE: scene.namespace, ID: "good-flow", REVISION: "1", READY: "True", REASON: "Synced", AGE },
    bad: { NAMESPACE: "", ID: "", REVISION: "", READY: "False", REASON: "InvalidFlow", AGE },
  });
  const category = await kubectl(["-n", scene.cluster.name, "get", "kestra", "-o", "name"]);
  expect(category.split("\n")).toContain("kestraflow.kestraflow.dev/good");
  const wide = await kubectl(["-n", scene.cluster.name, "get", "kflow", "bad", "-o", "wide"]);
  expect(wide).toContain("Invalid type: io.kestra.plugin.core.log.Lug");
});

test("kubectl wait works on the conditions", async () => {
  await kubectl(["-n", scene.cluster.name, "wait", "--for=condition=Ready", "--timeout=10s", "kflow/good"]);
  await kubectl(["-n", scene.cluster.name, "wait", "--for=condition=Stalled", "--timeout=10s", "kflow/bad"]);
});

test("Events tell of changes only: none comes with a resync, a request or an operator that starts", async () => {
  await scene.cluster.createFlow("told", { source: scene.source("told") });
  await scene.cluster.waitReady("told");
  const told = async (name: string) =>
    (await scene.cluster.events(name)).map(({ type, reason, message }) => `${type} ${reason}: ${message}`);
  const created = `Normal Applied: Created the flow ${scene.namespace}/told, now at revision 1.`;
  await eventually(async () => {
    expect(await told("told")).toEqual([created]);
    expect(await told("bad")).toEqual([expect.stringMatching(/^Warning InvalidFlow: Kestra refuses the flow/)]);
  });
  const about = ["told", "bad", "good"];
  const before = await Promise.all(about.map(told));

  for (const name of about) await scene.cluster.annotate(name, { "kestraflow.dev/reconcile-requested-at": "now" });
  for (const name of about) {
    await eventually(async () => {
      expect((await scene.cluster.getFlow(name)).status?.handledReconcileAt).toBe("now");
    });
  }
  await scene.driftLooks(2);
  await scene.restartOperator();
  await scene.driftLooks(2);
  const counts = (await scene.cluster.events("bad")) as unknown as { count?: number }[];
  expect(counts.map(({ count }) => count ?? 1)).toEqual([1]);
  expect(await Promise.all(about.map(told))).toEqual(before);

  await scene.cluster.patchSpec("told", { source: scene.source("told", "edited") });
  await eventually(async () => {
    const updated = `Normal Applied: Updated the flow ${scene.namespace}/told, now at revision 2.`;
    expect(await told("told")).toEqual([created, updated]);
  });
});

test("Kestra's warnings are in the status, and a flow that it only warns about is Ready", async () => {
  const source = `${scene.source("warned")}  - id: sub
    type: io.kestra.plugin.core.flow.Subflow
    namespace: ${scene.namespace}
    flowId: not_there_yet
`;
  await scene.cluster.createFlow("warned", { source });
  const { status } = await scene.cluster.waitReady("warned");
  expect(status?.warnings?.join()).toMatch(/not_there_yet/);
});
