import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dump } from "js-yaml";
import { kestraFlows } from "../../../src/resources/flow/schema.ts";
import { kubectl } from "../../support/cluster.ts";
import { eventually } from "../../support/eventually.ts";
import { Scene } from "./scene.ts";

const scene = new Scene("source");

describe("a source is stored byte for byte:", () => {
  test.each<[what: string, id: string, dress: (source: string) => string]>([
    ["comments, blank lines and trailing spaces", "blanks", (source) => `${source}\n\n# trailing comment  \n\n`],
    ["CRLF line ends", "crlf", (source) => source.replaceAll("\n", "\r\n")],
    ["no newline at the end", "unended", (source) => source.trimEnd()],
    ["a byte order mark", "bom", (source) => `\uFEFF${source}`],
    [
      "text of all planes",
      "unicode",
      (source) => `# Grüße, 東京, עברית, 🚕\u2028\n${source}description: "naïve 🚕 e\u0301"\n`,
    ],
    ["a document start", "document", (source) => `---\n${source}`],
  ])("%s", async (_what, id, dress) => {
    const source = dress(scene.source(id));
    await scene.cluster.createFlow(id, { source });
    const { status } = await scene.cluster.waitReady(id);

    expect((await scene.stored(id)).source).toBe(source);
    expect(status?.flow).toEqual({
      tenant: "main",
      namespace: scene.namespace,
      id,
      revision: 1,
      url: `${scene.kestra.url}/ui/main/flows/edit/${scene.namespace}/${id}`,
    });
  });
});

describe("a flow given as an object", () => {
  const tasks = [{ id: "log", type: "io.kestra.plugin.core.log.Log", message: "hello" }];

  test("is read back by Kestra as the same tree, whatever its strings look like", async () => {
    const texts = ["yes", "No", "on", "off", "y", "null", "~", "", "2024-01-01", "2024-01-01T10:00:00Z", "12:30:45"];
    texts.push(
      "1_000",
      "0o17",
      "0x1F",
      "017",
      "007",
      "1e3",
      ".5",
      "+1",
      ".inf",
      "-",
      "=",
      "<<",
      "*a",
      "&a",
      "!t",
      "@x",
    );
    texts.push("a: b", "a #b", " padded ", "two\nlines\n", "tab\there", "🚕", "{{ inputs.name }}", "'\"\\", "---");
    const variables = JSON.parse(`{
      "texts": ${JSON.stringify(texts)}, "yes": "a key", "12:30": "another", "__proto__": "no prototype",
      "numbers": [0, -1, 1.5, 1e-7, 9007199254740991], "others": [true, false, [], {}], "nested": {"a": {"b": [{"c": "d"}]}}
    }`) as Record<string, unknown>;
    await scene.cluster.createFlow("tree", { flow: { id: "tree", namespace: scene.namespace, variables, tasks } });
    await scene.cluster.waitReady("tree");

    const { revision, variables: storedVariables, tasks: storedTasks } = await scene.stored("tree");
    expect(JSON.stringify(storedVariables)).toBe(JSON.stringify(sorted(variables)));
    expect(storedTasks).toEqual(tasks);
    expect(revision).toBe(1);
  });

  test("begins with what a reader looks for first", async () => {
    await scene.cluster.createFlow("order", {
      flow: { tasks, description: "d", namespace: scene.namespace, id: "order", concurrency: { limit: 2 } },
    });
    await scene.cluster.waitReady("order");
    const keys = (await scene.stored("order")).source.match(/^\w+/gm);
    expect(keys).toEqual(["id", "namespace", "description", "tasks", "concurrency"]);
  });

  test("is refused with a remedy when it has a number that JSON does not keep", async () => {
    const manifest = `{"apiVersion": "kestraflow.dev/v1alpha1", "kind": "KestraFlow", "metadata": {"name": "big"},
      "spec": {"flow": {"id": "big", "namespace": "${scene.namespace}", "variables": {"big": 9007199254740993},
      "tasks": ${JSON.stringify(tasks)}}}}`;
    await kubectl(["-n", scene.cluster.name, "apply", "-f", "-"], manifest);
    const { status } = await scene.cluster.waitFor("big", "Stalled", "True", "InvalidSource");
    expect(JSON.stringify(status?.conditions)).toContain("variables.big");
    expect(await scene.kestra.flow(scene.namespace, "big")).toBeUndefined();
  });

  describe("under kubectl apply", () => {
    let folder: string;
    const manifest = (flow: object): string =>
      dump({
        apiVersion: "kestraflow.dev/v1alpha1",
        kind: "KestraFlow",
        metadata: { name: "applied" },
        spec: { flow },
      });
    const apply = (file: string, flag = "-f") => kubectl(["-n", scene.cluster.name, "apply", flag, file]);

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), "kestraflow-source-"));
      await writeFile(
        join(folder, "flow.yaml"),
        manifest({ id: "applied", namespace: scene.namespace, labels: { env: "dev", team: "a" }, tasks }),
      );
      await apply(join(folder, "flow.yaml"));
      await scene.cluster.waitReady("applied");
    });
    afterAll(() => rm(folder, { recursive: true }));

    test("makes no new revision when it is applied again, or with its keys in another order", async () => {
      const before = await scene.operator.kestraWrites();
      await apply(join(folder, "flow.yaml"));
      await writeFile(
        join(folder, "reordered.yaml"),
        manifest({ tasks, labels: { team: "a", env: "dev" }, namespace: scene.namespace, id: "applied" }),
      );
      await apply(join(folder, "reordered.yaml"));
      await scene.driftLooks(2);

      expect(await scene.operator.kestraWrites()).toBe(before);
      expect((await scene.stored("applied")).revision).toBe(1);
    });

    test("takes a kustomize patch of one field", async () => {
      const patch = [{ op: "replace", path: "/spec/flow/labels/env", value: "prod" }];
      await writeFile(
        join(folder, "kustomization.yaml"),
        dump({ resources: ["flow.yaml"], patches: [{ target: { kind: "KestraFlow" }, patch: dump(patch) }] }),
      );
      await apply(folder, "-k");
      await eventually(async () => {
        const { revision, labels } = await scene.stored("applied");
        expect({ revision, labels }).toEqual({
          revision: 2,
          labels: [
            { key: "env", value: "prod" },
            { key: "team", value: "a" },
          ],
        });
      });
    });
  });
});

describe("an unchanged source is never written again:", () => {
  let source: string;
  beforeAll(async () => {
    source = scene.source("still");
    await scene.cluster.createFlow("still", { source });
    await scene.cluster.waitReady("still");
  });

  /** What the operator wrote while something was done: to Kestra, and to Kubernetes. */
  async function writesDuring(deed: () => Promise<unknown>): Promise<{ kestra: number; kubernetes: number }> {
    const kestra = await scene.operator.kestraWrites();
    const kubernetes = await scene.operator.kubernetesWrites();
    await deed();
    return {
      kestra: (await scene.operator.kestraWrites()) - kestra,
      kubernetes: (await scene.operator.kubernetesWrites()) - kubernetes,
    };
  }

  test("not while nothing happens but looks for drift", async () => {
    expect(await writesDuring(() => scene.driftLooks(3))).toEqual({ kestra: 0, kubernetes: 0 });
  });

  test("not when labels change ten times a second: Kestra is not even asked", async () => {
    const asked = await scene.flowCalls();
    const writes = await writesDuring(async () => {
      for (let beat = 0; beat < 20; beat++) {
        const next = new Promise((resolve) => setTimeout(resolve, 100));
        await scene.cluster.patchFlow("still", { metadata: { labels: { beat: String(beat) } } });
        await next;
      }
      await scene.driftLooks(1);
    });
    expect(writes).toEqual({ kestra: 0, kubernetes: 0 });
    expect(await scene.flowCalls()).toBe(asked);
  });

  test("not when others write conditions of theirs into the status, which stay", async () => {
    const { metadata, status } = await scene.cluster.getFlow("still");
    const asked = await scene.flowCalls();
    const writes = await writesDuring(async () => {
      for (const value of ["True", "False", "True"] as const) {
        const foreign = { type: "Foreign", status: value, reason: "Test", message: "", lastTransitionTime: new Date() };
        const conditions = [...(status?.conditions ?? []), foreign];
        await scene.cluster.client.patchStatus(kestraFlows, metadata, { status: { conditions } });
      }
      await scene.driftLooks(1);
    });
    expect(writes).toEqual({ kestra: 0, kubernetes: 0 });
    expect(await scene.flowCalls()).toBe(asked);

    await scene.cluster.patchSpec("still", { driftPolicy: "Report" });
    const after = await scene.cluster.waitReady("still");
    expect(after.status?.conditions?.map(({ type }) => type)).toContain("Foreign");
  });

  test("not when only policies change", async () => {
    const writes = await writesDuring(async () => {
      await scene.cluster.patchSpec("still", { driftPolicy: "Correct", adoption: "Never", deletionPolicy: "Orphan" });
      const { status } = await scene.cluster.waitReady("still");
      expect(status?.observedGeneration).toBe(3);
    });
    expect(writes.kestra).toBe(0);
    expect((await scene.stored("still")).revision).toBe(1);
  });

  test("not when only a revision line is added, which Kestra ignores", async () => {
    const writes = await writesDuring(async () => {
      await scene.cluster.patchSpec("still", { source: `revision: 7\n${source}` });
      await scene.cluster.waitReady("still");
    });
    expect(writes.kestra).toBe(0);
    expect(await scene.stored("still")).toMatchObject({ revision: 1, source });
    await scene.cluster.patchSpec("still", { source });
    await scene.cluster.waitReady("still");
  });

  test("not by an operator that starts: it reads every flow once and writes nothing, to Kestra or Kubernetes", async () => {
    const settled = (await scene.resources()).filter(({ status }) => status?.flow);
    await scene.restartOperator();
    await eventually(async () => {
      const read = await scene.operator.metric("kestraflow_kestra_calls_total", { operation: "getFlow" });
      expect(read).toBe(settled.length);
    });
    await scene.driftLooks(2);

    expect(await scene.operator.kestraWrites()).toBe(0);
    expect(await scene.operator.kubernetesWrites()).toBe(0);
    expect(await scene.flowCalls()).toBe(settled.length);
    for (const { status } of settled) {
      expect((await scene.stored(status?.flow?.id ?? "")).revision).toBe(status?.flow?.revision);
    }
  });
});

/** A tree with the keys of every object in the order in which the API server keeps them. */
function sorted(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(sorted);
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, child]) => [key, sorted(child)]),
  );
}
