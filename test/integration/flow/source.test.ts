import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { TestNamespace, uniqueName } from "../../support/cluster.ts";
import { flowSource } from "../../support/flowSource.ts";
import { TestKestra } from "../../support/kestra.ts";
import { OperatorProcess } from "../../support/operator.ts";

const kestra = new TestKestra();
const kestraNamespace = uniqueName("source");
let cluster: TestNamespace;
let operator: OperatorProcess;

beforeAll(async () => {
  cluster = await TestNamespace.create("source");
  operator = await OperatorProcess.start(cluster.name);
});

afterAll(async () => {
  await operator.stop();
  await cluster.destroy();
});

test("a source is stored byte for byte, and the status says where", async () => {
  const source = `${flowSource(kestraNamespace, "bytes")}\n\n# trailing comment  \n`;
  await cluster.createFlow("bytes", { source });
  const { status } = await cluster.waitReady("bytes");

  const stored = await kestra.flow(kestraNamespace, "bytes");
  expect(stored?.source).toBe(source);
  expect(status?.flow).toMatchObject({ tenant: "main", namespace: kestraNamespace, id: "bytes", revision: 1 });
  expect(status?.flow?.url).toBe(`${process.env["KESTRA_URL"]}/ui/main/flows/edit/${kestraNamespace}/bytes`);
});
