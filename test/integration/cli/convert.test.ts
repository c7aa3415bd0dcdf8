import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { kubectl } from "../../support/cluster.ts";
import { flowSource } from "../../support/flowSource.ts";
import { kestraflow } from "../../support/commandLine.ts";
import { ExportScene } from "./exportScene.ts";

const scene = new ExportScene("cliconvert");

/** Converts a file, applies what comes out and returns what was said. */
async function convertAndApply(file: string, text: string): Promise<string> {
  const path = join(scene.folder, file);
  writeFileSync(path, text);
  const { code, stdout, stderr } = await kestraflow(["convert", path, "-n", scene.cluster.name]);
  expect({ code, stderr }).toMatchObject({ code: 0 });
  await kubectl(["apply", "--server-side", "-f", "-"], stdout);
  return stderr;
}

describe("manifests of the Enterprise operator", () => {
  test("become Ready as ours", async () => {
    const source = flowSource(scene.namespace, "from_enterprise");
    const indented = source.replace(/^(?=.)/gm, "    ");
    await convertAndApply(
      "enterprise.yaml",
      `apiVersion: model.kestra.io/v1alpha1
kind: KestraFlow
metadata:
  name: enterprise-flow
  labels:
    team: data
spec:
  id: from_enterprise
  namespace: ${scene.namespace}
  source: |
${indented}---
apiVersion: model.kestra.io/v1alpha1
kind: KestraKeyValue
metadata:
  name: enterprise-kv
spec:
  namespace: ${scene.namespace}
  key: key1
  value: value1
`,
    );
    const flow = await scene.cluster.flows.waitReady("enterprise-flow");
    expect(flow.metadata.labels).toEqual({ team: "data" });
    await scene.cluster.kvs.waitReady("enterprise-kv");
    expect((await scene.kestra.flow(scene.namespace, "from_enterprise"))?.source).toBe(source);
    expect(await scene.kestra.value(scene.namespace, "key1")).toMatchObject({ type: "STRING", value: "value1" });
  });

  test("that have no counterpart, or contradict themselves, are left out and named", async () => {
    const text = `apiVersion: model.kestra.io/v1alpha1
kind: KestraNamespaceFile
metadata: {name: file}
spec: {namespace: a, filename: b, content: c}
---
apiVersion: model.kestra.io/v1alpha1
kind: KestraFlow
metadata: {name: flow}
spec: {id: one, namespace: a, source: "id: two\\nnamespace: a\\ntasks: []\\n"}
`;
    const { code, stdout, stderr } = await kestraflow(["convert", "-"], { stdin: text });
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toBe(`-:1 is left out: there is nothing like a KestraNamespaceFile here.
-:6 is left out: its flow has the id "two", and around it is one: make them one.
`);
  });
});

describe("plain flows", () => {
  test("become Ready, to the last character", async () => {
    const source = `# A comment before\r\n${flowSource(scene.namespace, "Plain.Flow").replaceAll("\n", "\r\n")}# and no line end`;
    await convertAndApply("plain.yml", source);
    await scene.cluster.flows.waitReady(`${scene.namespace}.plain-flow`);
    expect((await scene.kestra.flow(scene.namespace, "Plain.Flow"))?.source).toBe(source);
  });

  test("of several in one file each become one", async () => {
    const sources = ["several-1", "several-2"].map((id) => flowSource(scene.namespace, id));
    await convertAndApply("several.yaml", sources.join("---\n"));
    for (const [index, source] of sources.entries()) {
      await scene.cluster.flows.waitReady(`${scene.namespace}.several-${index + 1}`);
      expect((await scene.kestra.flow(scene.namespace, `several-${index + 1}`))?.source).toBe(source);
    }
  });
});

describe("Terraform", () => {
  test("state becomes Ready, and what it calls sensitive a Secret", async () => {
    const source = flowSource(scene.namespace, "from_terraform");
    const { namespace } = scene;
    const flow = { namespace, flow_id: "from_terraform", content: source, revision: 1 };
    // As the provider reads values back: numbers and JSON as text, the description of none empty.
    const entry = (key: string, value: string, type: string) => ({ namespace, key, value, type, description: "" });
    const resource = (type: string, values: { namespace: string; key?: string }, sensitive = {}) => ({
      address: `${type}.${values.key ?? "flow"}`,
      mode: "managed",
      type,
      values,
      sensitive_values: sensitive,
    });
    const state = {
      format_version: "1.0",
      values: {
        root_module: {
          resources: [resource("kestra_flow", flow), resource("kestra_kv", entry("NUMBER", "1e+06", "NUMBER"))],
          child_modules: [
            {
              resources: [
                resource("kestra_kv", entry("JSON", '{"a":[1,2.5]}', "JSON")),
                resource("kestra_kv", entry("DURATION", "PT5M", "DURATION")),
                resource("kestra_kv", entry("TEXT", "42", "STRING")),
                resource("kestra_kv", entry("TOKEN", "canary-terraform", "STRING"), { value: true }),
              ],
            },
          ],
        },
      },
    };
    const said = await convertAndApply("state.json", JSON.stringify(state));
    expect(said).toContain("kestra_kv.TOKEN: its value is sensitive and left to a Secret.");
    await scene.cluster.flows.waitReady(`${namespace}.from-terraform`);
    for (const [key, value] of Object.entries({ NUMBER: 1e6, JSON: { a: [1, 2.5] }, DURATION: "PT5M", TEXT: "42" })) {
      await scene.cluster.kvs.waitReady(`${namespace}.${key.toLowerCase()}`);
      expect((await scene.kestra.value(namespace, key))?.value).toEqual(value);
    }
    await scene.cluster.kvs.waitFor(`${namespace}.token`, "Ready", "False", "ReferenceMissing");
    await scene.cluster.putSecret(`${namespace}.token`, { value: "filled by hand" });
    await scene.cluster.kvs.waitReady(`${namespace}.token`);
    expect((await scene.kestra.flow(namespace, "from_terraform"))?.source).toBe(source);
  });
});

test("what is converted says where it goes, and overwrites nothing", async () => {
  const folder = join(scene.folder, "converted");
  const path = join(scene.folder, "again.yaml");
  writeFileSync(path, flowSource(scene.namespace, "again"));
  expect((await kestraflow(["convert", path, "--output", folder])).code).toBe(0);
  const file = join(folder, scene.namespace, "flows", "again.yaml");
  writeFileSync(file, "# mine\n");
  expect(await kestraflow(["convert", path, "--output", folder])).toMatchObject({ code: 2, stdout: "" });
  expect(readFileSync(file, "utf8")).toBe("# mine\n");
});
