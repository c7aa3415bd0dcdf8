import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { manifestsIn } from "../../../src/cli/manifests.ts";
import { review } from "../../../src/cli/review/review.ts";
import { RULES } from "../../../src/cli/review/shape.ts";
import { findingsOf } from "../../../src/cli/validate/finding.ts";
import type { Finding } from "../../../src/cli/validate/finding.ts";
import { FORMATS } from "../../../src/cli/validate/formats.ts";
import { parseYaml } from "../../../src/lib/yaml.ts";

const NOW = Date.parse("2026-01-01T00:00:00Z");
const CRDS = join(import.meta.dirname, "..", "..", "..", "crds");

function check(text: string): Finding[] {
  const { manifests, broken } = manifestsIn({ file: "f.yaml", text });
  return findingsOf(review(manifests, { tenant: "main", now: NOW }), broken);
}

/** Place, rule and message, as one line. */
const told = (text: string): string[] =>
  check(text).map(({ line, column, rule, message }) => `${line}:${column} ${rule}: ${message}`);

const manifest = (kind: string, spec: string, name = "a"): string =>
  `apiVersion: kestraflow.dev/v1alpha1\nkind: ${kind}\nmetadata:\n  name: ${name}\nspec:\n${spec.replace(/^(?=.)/gm, "  ")}\n`;
const FLOW = "id: x\nnamespace: team\ntasks:\n- id: t\n  type: io.kestra.plugin.core.log.Log\n";
const source = (flow: string): string => `source: |\n${flow.replace(/^(?=.)/gm, "  ")}`;

test("every rule of the CRDs that looks at one object alone is known, in the same words", () => {
  const messages = readdirSync(CRDS).flatMap((file) => {
    const crd = parseYaml(readFileSync(join(CRDS, file), "utf8"));
    const rules = JSON.stringify(crd).matchAll(/\{"rule":"((?:[^"\\]|\\.)*)","message":"([^"]*)"\}/g);
    return [...rules].filter(([, rule = ""]) => !rule.includes("oldSelf")).map(([, , message]) => message);
  });
  expect(messages.length).toBeGreaterThan(3);
  expect(RULES.map(({ message }) => message)).toEqual(expect.arrayContaining(messages));
});

describe("nothing is said of", () => {
  test.each([
    ["a KestraFlow with a source", manifest("KestraFlow", source(FLOW))],
    ["a KestraFlow with an object", manifest("KestraFlow", "flow: {id: x, namespace: t, tasks: [{id: a, type: b}]}")],
    [
      "a KestraFlow that refers to what is elsewhere",
      manifest("KestraFlow", "sourceFrom: {configMapKeyRef: {name: a, key: b}}"),
    ],
    ["a KestraKV", manifest("KestraKV", "namespace: t\nkey: K\nvalue: null")],
    ["a Backfill", manifest("Backfill", "target: {namespace: t, id: x}\nstart: 2025-01-01\nend: 2025-02-01")],
    ["a plain flow", FLOW],
    ["what is neither ours nor a flow", "apiVersion: v1\nkind: ConfigMap\n---\nservices: {}\n---\n[1, 2]"],
  ])("%s", (_, text) => {
    expect(told(text)).toEqual([]);
  });
});

describe("what is wrong is told with its place", () => {
  test.each([
    ["a kind that is not there", "apiVersion: kestraflow.dev/v1alpha1\nkind: KestraFlows\n", "2:1 UnknownKind"],
    ["a version that is not there", "apiVersion: kestraflow.dev/v1\nkind: KestraFlow\n", "1:1 UnknownVersion"],
    ["a name that is none", manifest("KestraFlow", source(FLOW), "Bad_Name"), "4:3 Invalid: metadata.name"],
    [
      "an unknown field",
      manifest("KestraFlow", `${source(FLOW)}driftpolicy: Report`),
      "12:3 UnknownField: There is no field spec.driftpolicy.",
    ],
    [
      "an unknown field within",
      manifest("KestraFlow", "sourceFrom: {configMapKeyRef: {name: a, key: b, c: d}}"),
      "6:51 UnknownField",
    ],
    [
      "a value that is not allowed",
      manifest("KestraFlow", `driftPolicy: No\n${source(FLOW)}`),
      "6:3 Invalid: spec.driftPolicy: Invalid option",
    ],
    ["a field that is missing", manifest("KestraKV", "namespace: t\nvalue: 1"), "5:1 Invalid: spec.key: is missing."],
    [
      "two sources",
      manifest("KestraFlow", `flow: {}\n${source(FLOW)}`),
      "5:1 Invalid: spec: give exactly one of source, flow and sourceFrom.",
    ],
    [
      "no spec",
      "apiVersion: kestraflow.dev/v1alpha1\nkind: KestraFlow\nmetadata: {name: a}\n",
      "1:1 Invalid: spec is missing.",
    ],
    ["broken YAML", "a: [1\n", "2:1 InvalidYaml"],
    [
      "a flow that is no YAML",
      manifest("KestraFlow", source(`${FLOW}  x: [\n`)),
      "13:5 InvalidSource: The flow is not one YAML document",
    ],
    [
      "an id that is not allowed",
      manifest("KestraFlow", source(FLOW.replace("id: x", "id: a b"))),
      "7:5 InvalidSource: The flow's id",
    ],
    [
      "a namespace in an object",
      manifest("KestraFlow", "flow:\n  id: x\n  namespace: Team\n  tasks: [1]"),
      "8:5 InvalidSource: The flow's namespace",
    ],
    ["a flow without tasks", "id: x\nnamespace: t\ntasks: []\n", "3:1 InvalidFlow: The flow has no tasks."],
    ["a value that Kestra would change", manifest("KestraKV", "namespace: t\nkey: K\nvalue: PT5M"), "8:3 InvalidValue"],
    ["a ttl that is none", manifest("KestraKV", "namespace: t\nkey: K\nvalue: 1\nttl: P1M"), "9:3 InvalidTtl"],
    [
      "a description that is lost",
      manifest("KestraKV", "namespace: t\nkey: K\nvalue: 1\ndescription: 你好"),
      "9:3 InvalidDescription",
    ],
    [
      "a range backwards",
      manifest("Backfill", "target: {namespace: t, id: x}\nstart: 2025-01-02\nend: 2025-01-01"),
      "8:3 RangeInvalid",
    ],
    [
      "a range in the future",
      manifest("Backfill", "target: {namespace: t, id: x}\nstart: 2025-01-02\nend: 2027-01-01"),
      "8:3 RangeInvalid",
    ],
    [
      "a label that is reserved",
      manifest("Backfill", "target: {namespace: t, id: x}\nstart: 2025-01-02\nlabels: {system.a: b}"),
      "8:3 LabelsInvalid",
    ],
    [
      "a flow that is declared twice",
      `${FLOW}---\n${manifest("KestraFlow", source(FLOW))}`,
      "13:5 Conflict: The flow team/x is declared in f.yaml:1 too",
    ],
    [
      "an object that is there twice",
      `${manifest("KestraKV", "namespace: t\nkey: A\nvalue: 1")}---\n${manifest("KestraKV", "namespace: t\nkey: B\nvalue: 1")}`,
      "13:3 DuplicateName",
    ],
  ])("%s", (_, text, expected) => {
    const [first = ""] = told(text);
    expect(first.slice(0, expected.length)).toBe(expected);
  });

  test("in a List, and in a text of a ConfigMap that is among the files", () => {
    const list =
      "apiVersion: v1\nkind: List\nitems:\n- apiVersion: kestraflow.dev/v1alpha1\n  kind: KestraKV\n  metadata: {name: a}\n  spec: {namespace: t, key: K}\n";
    expect(told(list)).toEqual(["7:3 Invalid: spec: give exactly one of value and valueFrom."]);
    const map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata:\n  f: 'id: x'\n---\n";
    const flow = manifest("KestraFlow", "sourceFrom: {configMapKeyRef: {name: m, key: f}}");
    expect(told(map + flow)).toEqual([
      "12:3 InvalidSource: m/f: The flow has no namespace: add a line like `namespace: my.team`.",
    ]);
  });

  test("of a Backfill against the flow that is among the files", () => {
    const scheduled = `${FLOW}inputs:\n- id: day\n  type: STRING\ntriggers:\n- id: daily\n  type: io.kestra.plugin.core.trigger.Schedule\n  cron: 0 0 * * *\n`;
    const flow = manifest("KestraFlow", source(scheduled), "taxi");
    const backfill = (spec: string): string =>
      `${flow}---\n${manifest("Backfill", `target: {flowRef: {name: taxi}${spec}\nstart: 2025-01-02`, "b")}`;
    expect(told(backfill(", trigger: nope}"))[0]).toContain("TriggerMissing: The flow team/x has no trigger nope");
    expect(told(backfill("}"))[0]).toContain("InputsInvalid: The input day is required");
    expect(told(backfill("}\ninputs: {day: x}"))).toEqual([]);
  });
});

test("nothing of a value is told", () => {
  const text = manifest("KestraKV", "namespace: t\nkey: K\ntype: NUMBER\nvalue: canary-1");
  expect(JSON.stringify(check(text))).not.toContain("canary");
  expect(check(text)).toHaveLength(1);
});

describe("findings are written", () => {
  const finding: Finding = {
    file: "dir/a,b.yaml",
    line: 3,
    column: 5,
    severity: "error",
    rule: "InvalidFlow",
    message: "100% wrong:\nreally",
  };

  test("as compilers do", () => {
    expect(FORMATS.text([finding])).toBe("dir/a,b.yaml:3:5: error: 100% wrong:\nreally [InvalidFlow]\n");
  });

  test("as GitHub's annotations", () => {
    const told = "::error file=dir/a%2Cb.yaml,line=3,col=5,title=InvalidFlow::100%25 wrong:%0Areally\n";
    expect(FORMATS.github([finding])).toBe(told);
  });

  test("as JSON and as SARIF", () => {
    expect(JSON.parse(FORMATS.json([finding]))).toEqual([finding]);
    const { version, runs } = JSON.parse(FORMATS.sarif([finding])) as { version: string; runs: object[] };
    expect(version).toBe("2.1.0");
    expect(runs).toMatchObject([
      {
        tool: { driver: { name: "kestraflow", rules: [{ id: "InvalidFlow" }] } },
        results: [
          {
            ruleId: "InvalidFlow",
            level: "error",
            locations: [
              {
                physicalLocation: {
                  artifactLocation: { uri: "dir/a,b.yaml" },
                  region: { startLine: 3, startColumn: 5 },
                },
              },
            ],
          },
        ],
      },
    ]);
  });
});
