import { afterEach, describe, expect, test } from "@jest/globals";
import { kubectl } from "../../support/cluster.ts";
import { Canaries } from "../../support/canary.ts";
import { cellsOf, Files, kestraflow, normalised } from "../../support/commandLine.ts";
import type { Ended } from "../../support/commandLine.ts";
import { flowSource } from "../../support/flowSource.ts";
import { scheduledFlow } from "../backfill/scene.ts";
import { CliScene, manifest, secret } from "./scene.ts";

const scene = new CliScene("cli-diff");
let files: Files | undefined;

afterEach(async () => {
  await files?.remove();
  files = undefined;
});

/** Runs diff on files, with the namespace of Kubernetes in place. Names that differ between runs are taken out of what it prints. */
async function diff(contents: Record<string, string>, ...flags: string[]): Promise<Ended> {
  files ??= await Files.write({});
  for (const [name, text] of Object.entries(contents)) await files.put(name, text);
  const { code, stdout, stderr } = await kestraflow(["diff", files.path, ...flags]);
  return { code, stdout: clean(stdout), stderr: clean(stderr) };
}

function clean(output: string): string {
  return normalised(output, {
    FILES: files?.path ?? "",
    KUBE: scene.cluster.name,
    KESTRA: scene.namespace,
  });
}

const inCluster = () => ["--kubeconfig", process.env.KUBECONFIG ?? "", "-n", scene.cluster.name];
const flow = (name: string, source: string, spec: object = {}) => manifest("KestraFlow", name, { source, ...spec });
const kv = (name: string, spec: object) =>
  manifest("KestraKV", name, { namespace: scene.namespace, key: name, ...spec });

describe("of flows", () => {
  test("is a unified diff, and nothing is written", async () => {
    await scene.kestra.create(scene.source("changed", "one"));
    await scene.kestra.create(scene.source("same", "as ever"));

    const { code, stdout, stderr } = await diff({
      "flows.yaml": [
        flow("changed", scene.source("changed", "two")),
        flow("same", scene.source("same", "as ever")),
        flow("new", scene.source("new", "hello")),
      ].join("---\n"),
    });

    expect(stdout).toBe(`--- kestra/KESTRA/changed	revision 1
+++ FILES/flows.yaml	KestraFlow default/changed, line 1
@@ -4,4 +4,4 @@
 tasks:
   - id: log
     type: io.kestra.plugin.core.log.Log
-    message: "one"
+    message: "two"

--- /dev/null
+++ FILES/flows.yaml	KestraFlow default/new, line 29
@@ -0,0 +1,7 @@
+id: new
+namespace: KESTRA
+# kept byte for byte
+tasks:
+  - id: log
+    type: io.kestra.plugin.core.log.Log
+    message: "hello"
`);
    expect(stderr).toBe(`3 flows: 1 to be made, 1 changed, 1 unchanged
Not looked at: the operator's namespace policy and settings; the cluster: whether resources own what they declare (spec.adoption), and what it has besides.
`);
    expect(code).toBe(1);
    expect((await scene.stored("changed")).revision).toBe(1);
    expect(await scene.kestra.flow(scene.namespace, "new")).toBeUndefined();
  });

  test("is empty where Kestra would keep the revision", async () => {
    await scene.kestra.create(scene.source("kept", "x"));

    const { code, stdout, stderr } = await diff({
      "kept.yaml": flow("kept", `revision: 7\n${scene.source("kept", "x")}`),
    });

    expect({ code, stdout }).toEqual({ code: 0, stdout: "" });
    expect(stderr).toContain("1 flow: 1 unchanged");
  });

  test("compares a structured flow by its meaning", async () => {
    await scene.kestra.create(scene.source("tree", "x"));
    const task = { id: "log", type: "io.kestra.plugin.core.log.Log" };
    const tree = { tasks: [{ ...task, message: "x" }], namespace: scene.namespace, id: "tree" };

    expect(await diff({ "tree.yaml": manifest("KestraFlow", "tree", { flow: tree }) })).toMatchObject({ code: 0 });
    const other = { ...tree, tasks: [{ ...task, message: "y" }] };
    expect(await diff({ "tree.yaml": manifest("KestraFlow", "tree", { flow: other }) })).toMatchObject({ code: 1 });
  });

  test("says what Kestra and the operator would refuse, and ends with 2", async () => {
    const invalid = scene.source("invalid", "x").replace("log.Log", "log.Nope");
    const { code, stdout, stderr } = await diff({
      "a.yaml": flow("invalid", invalid),
      "b.yaml": [flow("twice", scene.source("twice", "x")), flow("twice-again", scene.source("twice", "y"))].join(
        "---\n",
      ),
      "c.yaml": manifest("KestraFlow", "empty", {}),
      "d.yaml": "a: [",
    });

    expect(stdout).toContain("+++ FILES/b.yaml	KestraFlow default/twice, line 1");
    expect(stderr.split("\n").slice(0, -3)).toEqual([
      expect.stringMatching(/^FILES\/d\.yaml:1: /),
      "FILES/c.yaml:5: KestraFlow: spec: give exactly one of source, flow and sourceFrom.",
      "refused KestraFlow default/invalid (FILES/a.yaml:1): Kestra refuses the flow: tasks[0].type: Invalid type: io.kestra.plugin.core.log.Nope.",
      "refused KestraFlow default/twice-again (FILES/b.yaml:15): The flow KESTRA/twice belongs to the KestraFlow default/twice: delete one of the two, or give this flow another id.",
    ]);
    expect(code).toBe(2);
  });

  test("reads a ConfigMap of the files, and says where it could be", async () => {
    const source = scene.source("mapped", "x");
    const map = `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: sources}\ndata: ${JSON.stringify({ flow: source })}\n`;
    const refers = manifest("KestraFlow", "mapped", {
      sourceFrom: { configMapKeyRef: { name: "sources", key: "flow" } },
    });

    const missing = await diff({ "mapped.yaml": refers });
    expect(missing).toMatchObject({ code: 0, stdout: "" });
    expect(missing.stderr).toContain(
      "unknown KestraFlow default/mapped (FILES/mapped.yaml:1): The ConfigMap sources is not in the files, and no cluster was named by --context or --kubeconfig.",
    );
    const found = await diff({ "map.yaml": map });
    expect(found).toMatchObject({ code: 1, stdout: expect.stringContaining("+id: mapped") });
  });

  test("takes a text of a megabyte with CRLF as it is", async () => {
    const lines = Array.from({ length: 20_000 }, (_, n) => `# line ${n} of a very long comment, kept byte for byte`);
    const before = `${lines.join("\r\n")}\r\n${scene.source("large", "x")}`;
    await scene.kestra.create(before);

    const { code, stdout } = await diff({ "large.yaml": flow("large", before.replace("line 777 of", "line 777 OF")) });

    expect(code).toBe(1);
    const changes = stdout.split("\n").filter((line) => /^[-+][^-+]/.test(line));
    expect(changes).toEqual([
      "-# line 777 of a very long comment, kept byte for byte\r",
      "+# line 777 OF a very long comment, kept byte for byte\r",
    ]);
    expect((await diff({ "large.yaml": flow("large", before) })).code).toBe(0);
  });
});

describe("of entries", () => {
  test("is a table of those that would change", async () => {
    await scene.kestra.putEntry(scene.namespace, "count", "1");
    await scene.kestra.putEntry(scene.namespace, "equal", '"same"');
    await scene.kestra.putEntry(scene.namespace, "date", "2026-05-01");

    const { code, stdout, stderr } = await diff({
      "kv.yaml": [
        kv("count", { value: 2, ttl: "P1D" }),
        kv("equal", { value: "same" }),
        kv("date", { value: "2026-05-02", type: "DATE" }),
        kv("fresh", { value: { a: [1, "b"] } }),
      ].join("---\n"),
    });

    expect(cellsOf(stdout)).toEqual([
      "NAMESPACE | KEY | CHANGE | TYPE | NOW | THEN | ALSO",
      "KESTRA | count | changed | NUMBER | 1 | 2 | ttl",
      "KESTRA | date | changed | DATE | 2026-05-01 | 2026-05-02 | -",
      'KESTRA | fresh | made | JSON | - | {"a":[1,"b"]} | -',
    ]);
    expect(stderr).toContain("4 entries: 1 to be made, 2 changed, 1 unchanged");
    expect(code).toBe(1);
    expect((await scene.kestra.entries(scene.namespace)).map(({ version }) => version)).toEqual([1, 1, 1]);
  });

  test("shows long values below the table, and none with --mask", async () => {
    const list = Array.from({ length: 20 }, (_, n) => `item ${n}`);
    await scene.kestra.putEntry(scene.namespace, "long", JSON.stringify(list));
    const contents = { "kv.yaml": kv("long", { value: list.with(7, "another") }) };

    expect((await diff(contents)).stdout).toContain('   "item 6",\n-  "item 7",\n+  "another",\n   "item 8",\n');
    const masked = await diff(contents, "--mask");
    expect(cellsOf(masked.stdout).at(-1)).toBe("KESTRA | long | changed | JSON | *** | *** | -");
    expect(masked.stdout).not.toContain("item");
  });

  test("of a Secret says whether they change, and never what they are", async () => {
    const canaries = new Canaries();
    const [old, same, next] = ["old", "same", "next"].map((word) => canaries.make((token) => `${word}-${token}-value`));
    await scene.kestra.putEntry(scene.namespace, "rotated", JSON.stringify(old));
    await scene.kestra.putEntry(scene.namespace, "steady", JSON.stringify(same));
    const from = (key: string) => ({ valueFrom: { secretKeyRef: { name: "login", key } } });
    const contents = {
      "kv.yaml": [
        kv("rotated", from("next")),
        kv("steady", from("same")),
        kv("unseen", { valueFrom: { secretKeyRef: { name: "elsewhere", key: "k" } } }),
      ].join("---\n"),
      "secret.yaml": secret("login", { next: next ?? "", same: same ?? "" }),
    };

    const { code, stdout, stderr } = await diff(contents);

    expect(cellsOf(stdout)).toEqual([
      "NAMESPACE | KEY | CHANGE | TYPE | NOW | THEN | ALSO",
      "KESTRA | rotated | changed | STRING | *** | *** | -",
      "KESTRA | unseen | unknown | - | - | ? | -",
    ]);
    expect(stderr).toContain("3 entries: 1 changed, 1 unchanged, 1 unknown");
    expect(code).toBe(1);
    expect(canaries.findIn(stdout + stderr)).toEqual([]);
  });
});

describe("of Backfills", () => {
  const slots = (name: string, spec: object) =>
    manifest("Backfill", name, { start: "2024-01-01T00:00:00Z", end: "2024-01-01T05:00:00Z", ...spec });

  test("counts slots for the flows as the files would have them", async () => {
    const hourly = scheduledFlow(scene.namespace, "hourly", "0 * * * *", { trigger: "timezone: UTC" });
    const { code, stdout, stderr } = await diff({
      "flow.yaml": flow("hourly", hourly),
      "bf.yaml": [
        slots("all", { target: { flowRef: { name: "hourly" } } }),
        slots("held", { target: { flowRef: { name: "hourly" } }, suspend: true }),
        slots("absent", { target: { namespace: scene.namespace, id: "absent" } }),
        slots("future", { target: { flowRef: { name: "hourly" } }, end: "2999-01-01" }),
      ].join("---\n"),
    });

    expect(cellsOf(stdout.slice(stdout.indexOf("BACKFILL")))).toEqual([
      "BACKFILL | FLOW | TRIGGER | SLOTS | PRESENT | TO RUN | FIRST | LAST | STARTS",
      "all | KESTRA/hourly | tick | 6 | 0 | 6 | 2024-01-01T00:00:00Z | 2024-01-01T05:00:00Z | yes",
      "held | KESTRA/hourly | tick | 6 | 0 | 6 | 2024-01-01T00:00:00Z | 2024-01-01T05:00:00Z | no, suspended",
    ]);
    expect(stderr).toContain(
      "waiting Backfill default/absent (FILES/bf.yaml:24): Waiting for the flow KESTRA/absent, which is not in Kestra.",
    );
    expect(stderr).toMatch(/refused Backfill default\/future .*: end \(2999-01-01T23:59:59.999Z\) lies in the future/);
    expect(code).toBe(2);
  });
});

describe("with a cluster", () => {
  test("knows what resources own, and what would be deleted for a new id", async () => {
    await scene.kestra.create(scene.source("foreign", "by hand"));
    await scene.cluster.createFlow("mine", { source: scene.source("mine", "one") });
    await scene.cluster.waitReady("mine");

    const { code, stdout, stderr } = await diff(
      {
        "a.yaml": flow("foreign", scene.source("foreign", "from Git")),
        "b.yaml": flow("mine", scene.source("mine-renamed", "one")),
      },
      ...inCluster(),
    );

    expect(stdout).toContain("+++ FILES/b.yaml	KestraFlow KUBE/mine, line 1\n");
    expect(stdout).toMatch(/\ndeleted flow KESTRA\/mine\n$/);
    expect(stderr).toContain(
      "refused KestraFlow KUBE/foreign (FILES/a.yaml:1): The flow KESTRA/foreign exists in Kestra with another source and was not made by this resource: make the two identical, delete it there, or set spec.adoption to Always.",
    );
    expect(code).toBe(2);
  });

  test("reads Secrets of the cluster", async () => {
    await scene.cluster.putSecret("token", { value: "of the cluster" });
    await scene.kestra.putEntry(scene.namespace, "token", '"of the cluster"');
    const spec = { adoption: "Always", valueFrom: { secretKeyRef: { name: "token", key: "value" } } };

    const { code, stderr } = await diff({ "kv.yaml": kv("token", spec) }, ...inCluster());

    expect(stderr).toContain("1 entry: 1 unchanged");
    expect(code).toBe(0);
  });

  test("foretells what an apply does, after which nothing differs", async () => {
    const names = ["p1", "p2", "p3", "p4", "p5", "p6"];
    await files?.remove();
    files = await Files.write({
      "all.yaml": names
        .flatMap((name, n) => [flow(name, scene.source(name, `v${n}`)), kv(name, { value: { n } })])
        .join("---\n"),
    });
    const apply = () => kubectl(["apply", "-n", scene.cluster.name, "-f", files?.path ?? ""]);
    await apply();
    for (const name of names) {
      await scene.cluster.waitReady(name);
      await scene.cluster.kvs.waitReady(name);
    }
    const changed = {
      "all.yaml": names
        .flatMap((name, n) => [
          flow(name, scene.source(name, n % 2 === 0 ? `v${n}` : "edited")),
          kv(name, { value: n % 3 === 0 ? { n } : "edited" }),
        ])
        .join("---\n"),
    };

    const before = await diff(changed, ...inCluster());

    expect(before.code).toBe(1);
    const foretold = [...before.stdout.matchAll(/^--- kestra\/KESTRA\/(\S+)/gm)].map(([, id]) => id);
    // Flows first, then the values that a cell of the table does not hold, of which there are none.
    expect(foretold).toEqual(["p2", "p4", "p6"]);
    expect(before.stderr).toContain("6 flows: 3 changed, 3 unchanged; 6 entries: 4 changed, 2 unchanged");
    await apply();
    for (const name of names) {
      await scene.cluster.waitReady(name);
      await scene.cluster.kvs.waitReady(name);
    }
    const revisions = await Promise.all(names.map(async (name) => (await scene.stored(name)).revision));
    expect(revisions).toEqual([1, 2, 1, 2, 1, 2]);
    const entries = await scene.kestra.entries(scene.namespace);
    expect(names.map((name) => entries.find(({ key }) => key === name)?.version)).toEqual([1, 2, 2, 1, 2, 2]);
    expect(await diff({}, ...inCluster())).toMatchObject({ code: 0, stdout: "" });
  });
});

test("a Kestra that cannot be reached is trouble, with what to do", async () => {
  files = await Files.write({ "a.yaml": flow("any", flowSource("n", "any")) });
  const { code, stdout, stderr } = await kestraflow(["diff", files.path, "--kestra-url", "http://127.0.0.1:9"]);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toMatch(/^Kestra cannot be reached: .* Check KESTRA_URL\.\n$/);
});

test("what is no file, or has nothing of ours, is told", async () => {
  const { code, stderr } = await kestraflow(["diff", "nowhere.yaml"]);
  expect({ code, stderr }).toEqual({ code: 2, stderr: "nowhere.yaml does not exist.\n" });
  const other = await kestraflow(["diff", "-"], { stdin: secret("login", { a: "b" }) });
  expect(other).toMatchObject({ code: 2, stderr: "There is no KestraFlow, KestraKV or Backfill in -.\n" });
});
