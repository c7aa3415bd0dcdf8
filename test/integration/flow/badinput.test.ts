import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findCondition } from "../../../src/kubernetes/conditions.ts";
import type { FlowSpec, KestraFlow } from "../../../src/resources/flow/schema.ts";
import { kubectl } from "../../support/cluster.ts";
import { Scene } from "./scene.ts";

const scene = new Scene("badinput", { STALLED_RETRY_INTERVAL: "1h" });
const { kestra, namespace } = scene;

const messageOf = ({ status }: KestraFlow): string => findCondition(status?.conditions, "Ready")?.message ?? "";

interface BadInput {
  name: string;
  spec: (id: string) => Partial<FlowSpec>;
  state?: "Stalled" | "Reconciling";
  reason: string;
  /** What the condition's message must tell. */
  says: RegExp;
}

const replaced = (from: string | RegExp, to: string) => (id: string) => ({
  source: scene.source(id).replace(from, to),
});

/** Eight levels of ten aliases each: a hundred million values once they are written out. */
const aliasBomb = (id: string): string => {
  const levels = Array.from({ length: 8 }, (_, level) => {
    const item = level === 0 ? "lol" : `*a${level - 1}`;
    return `  a${level}: &a${level} [${Array.from({ length: 10 }, () => item).join(", ")}]`;
  });
  return `${scene.source(id)}variables:\n${levels.join("\n")}\n`;
};

const nested = (depth: number): string => `${"[".repeat(depth)}1${"]".repeat(depth)}`;

const inputs: BadInput[] = [
  {
    name: "broken YAML",
    spec: replaced("tasks:", "tasks: ["),
    reason: "InvalidSource",
    says: /not one YAML document: .* at line \d+, column \d+/,
  },
  {
    name: "tabs for indentation",
    spec: replaced("  - id", "\t- id"),
    reason: "InvalidSource",
    says: /at line 5, column 1/,
  },
  {
    name: "text that is no mapping",
    spec: () => ({ source: "hello" }),
    reason: "InvalidSource",
    says: /must be a YAML mapping/,
  },
  {
    name: "several documents",
    spec: (id) => ({ source: `${scene.source(id)}---\n${scene.source(`${id}-2`)}` }),
    reason: "InvalidSource",
    says: /not one YAML document/,
  },
  {
    name: "an unknown property of the flow",
    spec: (id) => ({ source: `${scene.source(id)}lables: {a: b}\n` }),
    reason: "InvalidFlow",
    says: /Kestra refuses the flow: lables: .*Unrecognized field "lables"/,
  },
  {
    name: "an unknown property of a task",
    spec: replaced("message:", "massage:"),
    reason: "InvalidFlow",
    says: /tasks\[0\]\.massage: .*Unrecognized field "massage"/,
  },
  {
    name: "an unknown task type",
    spec: replaced("core.log.Log", "core.log.Lug"),
    reason: "InvalidFlow",
    says: /tasks\[0\]\.type: .*Invalid type: io\.kestra\.plugin\.core\.log\.Lug/,
  },
  { name: "no tasks", spec: replaced(/tasks:[^]*/, ""), reason: "InvalidFlow", says: /tasks/ },
  {
    name: "duplicate keys",
    spec: (id) => ({ source: `${scene.source(id)}id: ${id}-2\n` }),
    reason: "InvalidSource",
    says: /duplicated? .*at line \d+/i,
  },
  {
    name: "no id",
    spec: replaced(/^id: .*\n/, ""),
    reason: "InvalidSource",
    says: /has no id: add a line like `id: my_flow`/,
  },
  {
    name: "no namespace",
    spec: replaced(/namespace: .*\n/, ""),
    reason: "InvalidSource",
    says: /has no namespace: add a line/,
  },
  {
    name: "an id with ../",
    spec: (id) => ({ source: scene.source(`../${id}`) }),
    reason: "InvalidSource",
    says: /id "\.\.\/.*" is not allowed: use letters, digits/,
  },
  {
    name: "an id with %2f",
    spec: (id) => ({ source: scene.source(`a%2f${id}`) }),
    reason: "InvalidSource",
    says: /id "a%2f.*" is not allowed/,
  },
  {
    name: "a reserved id",
    spec: () => ({ source: scene.source("search") }),
    reason: "InvalidSource",
    says: /"search" is reserved by Kestra: choose another/,
  },
  {
    name: "a namespace with capitals",
    spec: replaced(/namespace: .*/, "namespace: Team.A"),
    reason: "InvalidSource",
    says: /namespace "Team\.A" is not allowed: use lower-case/,
  },
  {
    name: "a missing ConfigMap",
    spec: () => ({ sourceFrom: { configMapKeyRef: { name: "nowhere", key: "flow.yaml" } } }),
    state: "Reconciling",
    reason: "SourceMissing",
    says: /Waiting for the ConfigMap nowhere\./,
  },
  { name: "an alias bomb", spec: (id) => ({ source: aliasBomb(id) }), reason: "InvalidSource", says: /aliases/ },
  {
    name: "a source nested 5,000 deep",
    spec: (id) => ({ source: `${scene.source(id)}variables: {deep: ${nested(5000)}}\n` }),
    reason: "InvalidSource",
    says: /depth|nest/i,
  },
];

describe("a condition says what to do about", () => {
  test.each(inputs.map((input) => [input.name, input] as const))("%s", async (name, { spec, state, reason, says }) => {
    const id = name
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, "-")
      .replace(/-$/, "");
    await scene.cluster.createFlow(id, spec(id));
    const flow = await scene.cluster.waitFor(id, state ?? "Stalled", "True", reason);
    expect(messageOf(flow)).toMatch(says);
    expect(messageOf(flow).length).toBeLessThanOrEqual(1024);
    expect(findCondition(flow.status?.conditions, "Ready")).toMatchObject({ status: "False", reason });
    expect(flow.metadata.finalizers ?? []).toEqual([]);
    expect(await kestra.flow(namespace, id)).toBeUndefined();
  });

  test("an object nested 5,000 deep", async () => {
    const flow = `{"id": "deep", "namespace": "${namespace}", "variables": {"deep": ${nested(5000)}}}`;
    const head = `"apiVersion": "kestraflow.dev/v1alpha1", "kind": "KestraFlow", "metadata": {"name": "deep"}`;
    const args = ["-n", scene.cluster.name, "create", "-f", "-"];
    await kubectl(args, `{${head}, "spec": {"flow": ${flow}}}`);
    const refused = await scene.cluster.waitFor("deep", "Stalled", "True", "InvalidSource");
    expect(messageOf(refused)).toMatch(/nested deeper than 100 levels/);
  });

  test("none of which keeps another resource waiting, or a refused one from going", async () => {
    await scene.cluster.createFlow("bystander", { source: scene.source("bystander") });
    await scene.cluster.waitReady("bystander");
    await scene.cluster.createFlow("passing", { source: "id: [" });
    await scene.cluster.waitFor("passing", "Stalled", "True");
    await scene.cluster.deleteFlow("passing");
    await scene.cluster.waitGone("passing");
  });
});

describe("an edit that is invalid", () => {
  test.each([
    ["broken YAML", "edit-broken", (source: string) => source.replace("tasks:", "tasks: ["), "InvalidSource"],
    ["an unknown property", "edit-property", (source: string) => `${source}lables: {a: b}\n`, "InvalidFlow"],
    ["an unknown task type", "edit-type", (source: string) => source.replace("log.Log", "log.Lug"), "InvalidFlow"],
  ])("(%s) keeps the last good flow at its revision, and mending it heals", async (_what, id, spoil, reason) => {
    const source = scene.source(id);
    await scene.cluster.createFlow(id, { source });
    await scene.cluster.waitReady(id);
    await scene.cluster.patchSpec(id, { source: spoil(source) });
    const flow = await scene.cluster.waitFor(id, "Stalled", "True", reason);
    expect(messageOf(flow)).toContain(`Kestra keeps revision 1 of ${namespace}/${id}.`);
    expect(flow.status?.flow).toMatchObject({ id, revision: 1 });
    expect(await scene.stored(id)).toMatchObject({ revision: 1, source });

    await scene.cluster.patchSpec(id, { source: `${source}# mended\n` });
    const { status } = await scene.cluster.waitReady(id);
    expect(status?.flow?.revision).toBe(2);
    expect(findCondition(status?.conditions, "Stalled")).toBeUndefined();
  });

  test("of a flow that then drifts in Kestra overwrites nothing there", async () => {
    await scene.cluster.createFlow("stuck", { source: scene.source("stuck") });
    await scene.cluster.waitReady("stuck");
    await scene.cluster.patchSpec("stuck", { source: "id: [" });
    await scene.cluster.waitFor("stuck", "Stalled", "True", "InvalidSource");
    const edited = scene.source("stuck", "edited in the UI");
    await kestra.edit(namespace, "stuck", edited);
    await scene.driftLooks(3);
    expect(await scene.stored("stuck")).toMatchObject({ revision: 2, source: edited });
  });
});

test("the API server refuses several contents, none and unknown policies with a clear message", async () => {
  const both = { source: scene.source("both"), flow: { id: "both", namespace } };
  const message = /give exactly one of source, flow and sourceFrom/;
  await expect(scene.cluster.createFlow("both", both)).rejects.toThrow(message);
  await expect(scene.cluster.createFlow("none", {})).rejects.toThrow(message);
  const policy = { source: scene.source("policy"), driftPolicy: "Sometimes" as "Correct" };
  await expect(scene.cluster.createFlow("policy", policy)).rejects.toThrow(/"Correct", "Report"/);

  await scene.cluster.createFlow("either", { source: scene.source("either") });
  await scene.cluster.waitReady("either");
  await expect(scene.cluster.patchSpec("either", { flow: { id: "either", namespace } })).rejects.toThrow(message);
});

test("fields that the operator does not know are no harm", async () => {
  const spec = { source: scene.source("future"), tomorrow: { a: 1 } } as Partial<FlowSpec>;
  await scene.cluster.createFlow("future", spec);
  await scene.cluster.waitReady("future");
});

describe("a large source", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "kestraflow-large-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  async function manifest(name: string, bytes: number): Promise<{ file: string; source: string }> {
    const head = scene.source(name);
    const line = `# ${"x".repeat(97)}\n`;
    const source = head + line.repeat(Math.floor((bytes - head.length) / line.length));
    const object = { apiVersion: "kestraflow.dev/v1alpha1", kind: "KestraFlow", metadata: { name }, spec: { source } };
    const file = join(folder, `${name}.json`);
    await writeFile(file, JSON.stringify(object));
    return { file, source };
  }
  const apply = (file: string, ...flags: string[]) =>
    kubectl(["-n", scene.cluster.name, "apply", ...flags, "-f", file]);

  test("of 300 kB is refused by client-side apply, which keeps a copy in an annotation, and works server-side", async () => {
    const { file, source } = await manifest("three-hundred", 300_000);
    await expect(apply(file)).rejects.toThrow(
      /annotations: Too long: (must have at most|may not be more than) 262144 bytes/,
    );
    await apply(file, "--server-side");
    await scene.cluster.waitReady("three-hundred");
    expect((await scene.stored("three-hundred")).source === source).toBe(true);
  });

  test("of 1.4 MB works server-side, and its status stays small", async () => {
    const { file, source } = await manifest("large", 1_400_000);
    await apply(file, "--server-side");
    const { status } = await scene.cluster.waitReady("large");
    expect((await scene.stored("large")).source === source).toBe(true);
    expect(JSON.stringify(status).length).toBeLessThan(2_000);

    await scene.cluster.deleteFlow("large");
    await scene.cluster.waitGone("large");
  });

  test("of 2 MB is refused by the API server", async () => {
    const { file } = await manifest("too-large", 2_000_000);
    await expect(apply(file, "--server-side")).rejects.toThrow(/too large/i);
  });
});
