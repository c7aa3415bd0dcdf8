import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, jest, test } from "@jest/globals";
import { installCrds, kubectl, root } from "../../support/cluster.ts";
import { kestraflow } from "../../support/commandLine.ts";

jest.setTimeout(60_000);

const folder = mkdtempSync(join(tmpdir(), "kestraflow-validate-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function write(file: string, text: string): string {
  const path = join(folder, file);
  writeFileSync(path, text);
  return path;
}

const manifest = (kind: string, spec: string, name = "checked"): string =>
  `apiVersion: kestraflow.dev/v1alpha1\nkind: ${kind}\nmetadata:\n  name: ${name}\n  namespace: default\nspec:\n${spec.replace(/^(?=.)/gm, "  ")}\n`;

describe("Kestra's own validation", () => {
  test("is told with the place in the file", async () => {
    const flow = (task: string): string => `id: x\nnamespace: team\ntasks:\n  - id: log\n    ${task}\n`;
    const type = "type: io.kestra.plugin.core.log.Log";
    const unknown = write("type.yaml", manifest("KestraFlow", `source: |\n${indent(flow("type: io.kestra.Nope"))}`));
    const field = write("field.yaml", flow(`${type}\n    message: hi\n    nope: 1`).replace("id: x", "id: z"));
    const object = write(
      "object.yaml",
      manifest(
        "KestraFlow",
        `flow:\n${indent(flow(`${type}\n    message: hi\n    nope: 1`).replace("id: x", "id: y"))}`,
        "another",
      ),
    );
    const { code, stdout, stderr } = await kestraflow(["validate", "-o", "json", unknown, field, object]);
    const findings = JSON.parse(stdout) as {
      file: string;
      line: number;
      column: number;
      rule: string;
      message: string;
    }[];
    expect(findings.map(({ file, line, column, rule }) => [file, line, column, rule])).toEqual([
      [unknown, 12, 9, "InvalidFlow"],
      [field, 7, 5, "InvalidFlow"],
      [object, 14, 9, "InvalidFlow"],
    ]);
    expect(findings[0]?.message).toContain("tasks[0].type: Invalid type: io.kestra.Nope");
    expect(findings[1]?.message).toContain('Unrecognized field "nope"');
    expect(code).toBe(1);
    expect(stderr).toContain("3 documents checked (also by Kestra): 3 errors, 0 warnings.");
  });

  test("finds nothing wrong with the tutorial's flows", async () => {
    const { code, stdout, stderr } = await kestraflow(["validate", join(root, "flows")]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: "" });
    expect(stderr).toMatch(/^\d+ documents checked \(also by Kestra\): 0 errors, 0 warnings\.\n$/);
  });

  test("is not asked with --offline, and missed when it cannot be reached", async () => {
    const path = write("unknown.yaml", "id: x\nnamespace: team\ntasks:\n  - id: a\n    type: io.kestra.Nope\n");
    expect(await kestraflow(["validate", "--offline", path])).toMatchObject({ code: 0, stdout: "" });
    const gone = await kestraflow(["validate", path], { env: { KESTRA_URL: "http://127.0.0.1:1" } });
    expect(gone).toMatchObject({ code: 2, stdout: "" });
    expect(gone.stderr).toContain("Kestra cannot be reached");
    const refused = await kestraflow(["validate", path], { env: { KESTRA_PASSWORD: "canary-wrong" } });
    expect(refused).toMatchObject({ code: 2, stdout: "" });
    expect(refused.stderr).toContain("Kestra refused the login");
    expect(refused.stderr).not.toContain("canary");
  });
});

/** What the schema and the rules of a CRD refuse, and what they take. */
const SPECS: [kind: string, spec: string, valid: boolean][] = [
  ["KestraFlow", "source: 'id: x'\nflow: {}", false],
  ["KestraFlow", "driftPolicy: Report", false],
  ["KestraFlow", "source: ''", false],
  ["KestraFlow", "sourceFrom: {configMapKeyRef: {name: a}}", false],
  ["KestraFlow", "source: |\n  id: x\n  namespace: t\n  tasks: [{id: a, type: b}]\nadoption: Sometimes", false],
  ["KestraFlow", "source: |\n  id: x\n  namespace: t\n  tasks: [{id: a, type: b}]\nadoptions: Always", false],
  ["KestraFlow", "source: |\n  id: x\n  namespace: t\n  tasks: [{id: a, type: b}]", true],
  ["KestraKV", "namespace: t\nkey: K", false],
  ["KestraKV", "namespace: t\nkey: K\nvalue: 1\nvalueFrom: {secretKeyRef: {name: a, key: b}}", false],
  ["KestraKV", "namespace: t\nkey: K\nvalueFrom: {}", false],
  ["KestraKV", "namespace: Team\nkey: K\nvalue: 1", false],
  ["KestraKV", "namespace: t\nkey: K\nvalue: 1\nttlPolicy: Renew", false],
  ["KestraKV", "namespace: t\nkey: K\nvalue: null", true],
  ["KestraKV", "namespace: t\nkey: K\nvalue: {a: [1, null, {b: c}]}", true],
  ["Backfill", "target: {namespace: t}\nstart: 2024-01-01", false],
  ["Backfill", "target: {namespace: t, id: x, flowRef: {name: a}}\nstart: 2024-01-01", false],
  ["Backfill", "target: {namespace: t, id: x}\nstart: 2024-01-01\nmaxActive: 0", false],
  [
    "Backfill",
    "target: {namespace: t, id: x}\nstart: 2024-01-01\nfailurePolicy: {maxFailed: 1, action: Explode}",
    false,
  ],
  ["Backfill", "target: {namespace: t, id: x}\nstart: 2024-01-01\nend: 2024-02-01", true],
];

describe("what is offline", () => {
  test("right and wrong is so for the API server too", async () => {
    await installCrds();
    for (const [index, [kind, spec, valid]] of SPECS.entries()) {
      const path = write(`spec-${index}.yaml`, manifest(kind, spec));
      const { code } = await kestraflow(["validate", "--offline", path]);
      const accepted = await kubectl(["create", "--dry-run=server", "--validate=strict", "-f", path]).then(
        () => true,
        () => false,
      );
      expect({ spec, code, accepted }).toEqual({ spec, code: valid ? 0 : 1, accepted: valid });
    }
  }, 240_000);

  test("read from standard input, with nothing of a value in what is said", async () => {
    const text = manifest("KestraKV", "namespace: t\nkey: K\ntype: NUMBER\nvalue: canary-value");
    const { code, stdout, stderr } = await kestraflow(["validate", "--offline", "-o", "github", "-"], { stdin: text });
    expect(code).toBe(1);
    expect(stdout).toMatch(/^::error file=-,line=10,col=3,title=InvalidValue::The value is not a number/);
    expect(stdout + stderr).not.toContain("canary");
  });

  test("nothing at all is a mistake, and so is a file that is not there", async () => {
    const empty = write("empty.yaml", "apiVersion: v1\nkind: ConfigMap\n");
    for (const path of [empty, join(folder, "nope")])
      expect(await kestraflow(["validate", "--offline", path])).toMatchObject({ code: 2, stdout: "" });
  });
});

function indent(text: string): string {
  return text.replace(/^(?=.)/gm, "  ");
}
