import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { dumpYaml, parseYaml } from "../../../src/lib/yaml.ts";
import { kubectl } from "../../support/cluster.ts";
import { ExportScene, filesOf } from "./exportScene.ts";

const scene = new ExportScene("cliodd");

const head = (id: string, lineEnd = "\n"): string => `id: ${id}${lineEnd}namespace: ${scene.namespace}${lineEnd}`;
const TASK = "tasks:\n  - id: log\n    type: io.kestra.plugin.core.log.Log\n    message: hello";

/** Flows that a writer of YAML might spoil. */
const ODD: Record<string, () => string> = {
  "Dots.and.CAPITALS": () => `${head("Dots.and.CAPITALS")}${TASK}\n`,
  dots_and_capitals: () => `${head("dots_and_capitals")}${TASK}\n`,
  crlf: () => `${head("crlf", "\r\n")}${TASK.replaceAll("\n", "\r\n")}\r\n`,
  "no-final-newline": () => `${head("no-final-newline")}${TASK}`,
  "many-final-newlines": () => `${head("many-final-newlines")}${TASK}\n\n\n`,
  "trailing-blanks": () => `${head("trailing-blanks")}   \n# blanks   \n${TASK}  \n`,
  tabs: () => `${head("tabs")}# a\ttab\n${TASK}\t# and another\n`,
  unicode: () => `${head("unicode")}description: "Grüße 😀 你好 \u00a0 \ue000"\n${TASK}\n`,
  "line-ends-of-yaml-1.1": () => `${head("line-ends-of-yaml-1.1")}# \u0085 \u2028 \u2029\n${TASK}\n`,
  separator: () => `---\n${head("separator")}${TASK}\n`,
  "begins-with-blanks": () => `\n\n  # indented\n${head("begins-with-blanks")}${TASK}\n`,
  "revision-line": () => `${head("revision-line")}revision: 7\n${TASK}\n`,
  large: () => `${head("large")}description: |\n${"  0123456789 abcdefghij\n".repeat(45_000)}${TASK}\n`,
};

describe("odd flows", () => {
  test("are exported to the last character, adopted when they are applied, and not written", async () => {
    await scene.seedFlows(Object.values(ODD).map((source) => source()));
    await scene.seedEntries(scene.namespace, [{ key: "Odd.Key_1", ion: '"\\u0085 \\u2028 \\u0007 \\u007f"' }]);
    const before = await scene.versions();
    const { code, stderr, folder } = await scene.export("odd");
    // Two that kustomize would change.
    expect(code).toBe(1);
    expect(stderr.match(/is in no kustomization/g)).toHaveLength(2);
    expect(stderr).toContain("too large for kubectl apply as it is; use kubectl apply --server-side");

    const files = Object.keys(filesOf(folder)).filter((file) => !file.endsWith("kustomization.yaml"));
    const [large, others] = [
      files.filter((file) => file.includes("large")),
      files.filter((file) => !file.includes("large")),
    ];
    await kubectl(["apply", "--server-side", ...large.flatMap((file) => ["-f", join(folder, file)])]);
    // A server-side apply is read as YAML by the API server, which makes blanks of line ends that only YAML 1.1 knew.
    await kubectl(["apply", ...others.flatMap((file) => ["-f", join(folder, file)])]);
    await scene.allReady(Object.keys(ODD).length, 1);
    expect(await scene.versions()).toEqual(before);
    for (const { spec } of await scene.cluster.flows.list()) {
      const source = spec.source ?? "";
      const known = Object.values(ODD).some((make) => make() === source);
      expect({ known, source: source.slice(0, 100) }).toMatchObject({ known: true });
    }
    const second = await scene.export("odd-again");
    expect(filesOf(second.folder)).toEqual(filesOf(folder));
  }, 300_000);

  test("that kustomize leaves as they are are built by it as they were", async () => {
    const built = await kubectl(["kustomize", join(scene.folder, "odd")]);
    const sources = built.split(/^---\n/m).map((text) => {
      const read = parseYaml(text);
      return read.ok ? (read.value as { spec: { source: string } }).spec.source : "unreadable";
    });
    const expected = Object.values(ODD).map((source) => source());
    expect(sources.filter((source) => !expected.includes(source))).toEqual([]);
    expect(sources).toHaveLength(expected.length - 1);
  });
});

describe("any text", () => {
  const units = [
    ..." \n\t\r:#-'\"|>{}[]&*!%@`~?,\\abc01yes",
    "é",
    "😀",
    "\u00a0",
    "\ufeff",
    "\u0000",
    "\u001b",
    "---\n",
    "\n\n",
  ];
  const old = ["\u0085", "\u2028", "\u2029", "\x7f", "\x9f"];

  test.each([
    ["kubectl apply -f", [...units, ...old], ["create", "--dry-run=client", "-o", "json", "-f"]],
    ["kustomize", units, ["kustomize"]],
  ])("is read by %s as it was written", async (name, unit, command) => {
    const texts = fc.sample(fc.string({ unit: fc.constantFrom(...unit), maxLength: 60 }), { numRuns: 1_000, seed: 7 });
    const data = Object.fromEntries(texts.map((text, index) => [`k${index}`, text]));
    const folder = join(scene.folder, name.replaceAll(" ", ""));
    mkdirSync(folder);
    const file = join(folder, "texts.yaml");
    writeFileSync(file, dumpYaml({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "texts" }, data }));
    writeFileSync(join(folder, "kustomization.yaml"), "resources: [texts.yaml]\n");
    const read = parseYaml(await kubectl([...command, name === "kustomize" ? folder : file]));
    expect(read).toMatchObject({ ok: true, value: { data } });
  });
});
