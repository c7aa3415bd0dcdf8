import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { join } from "node:path";
import { coreTypes } from "../../../src/kubernetes/objects.ts";
import type { AnyObject } from "../../../src/kubernetes/objects.ts";
import { kubectl, root } from "../../support/cluster.ts";
import { eventually } from "../../support/eventually.ts";
import { KvScene } from "./scene.ts";

const scene = new KvScene("tutorial-kv");
const { kestra } = scene;
const folder = join(root, "flows");
const NAMESPACE = "zoomcamp";
const ENDED = ["SUCCESS", "FAILED", "WARNING", "KILLED"];

const READER = `id: reads_gcp_settings
namespace: ${NAMESPACE}
tasks:
  - id: log
    type: io.kestra.plugin.core.log.Log
    message: "{{ kv('GCP_PROJECT_ID') }} with {{ kv('GCP_CREDS') }}"
  - id: project
    type: io.kestra.plugin.core.debug.Return
    format: "{{ kv('GCP_PROJECT_ID') }}"
  - id: creds
    type: io.kestra.plugin.core.debug.Return
    format: "{{ kv('GCP_CREDS') }}"
`;

interface Execution {
  state: { current: string };
  taskRunList: { taskId: string; outputs?: { value?: string } }[];
}

describe("the tutorial's entries", () => {
  beforeAll(async () => {
    await kubectl(["-n", scene.cluster.name, "apply", "-k", folder]);
    await kestra.create(READER);
  });

  afterAll(async () => {
    await kestra.delete(NAMESPACE, "reads_gcp_settings");
    await kubectl(["-n", scene.cluster.name, "delete", "-k", folder, "--timeout=30s"]);
  });

  test("are Ready after kubectl apply -k flows, each with its placeholder", async () => {
    const settings = (await configMap()).data;
    await expectInKestra("gcp-project-id", "GCP_PROJECT_ID", "STRING", settings["project-id"]);
    await expectInKestra("gcp-location", "GCP_LOCATION", "STRING", settings.location);
    await expectInKestra("gcp-bucket-name", "GCP_BUCKET_NAME", "STRING", settings["bucket-name"]);
    await expectInKestra("gcp-dataset", "GCP_DATASET", "STRING", settings.dataset);
    await expectInKestra("gcp-creds", "GCP_CREDS", "JSON", await sampleKey());
    expect(await scene.kvs.list()).toHaveLength(5);
  });

  test("are read by a flow that runs to SUCCESS, the key as the JSON that plugins take", async () => {
    await scene.kvs.waitReady("gcp-creds");
    const { state, taskRunList } = await executed("reads_gcp_settings");
    expect(state.current).toBe("SUCCESS");
    const outputOf = (task: string) => taskRunList.find(({ taskId }) => taskId === task)?.outputs?.value ?? "";
    expect(outputOf("project")).toBe("my-gcp-project");
    expect(JSON.parse(outputOf("creds"))).toEqual(await sampleKey());
  });

  test("applied again, keep their versions", async () => {
    const versions = async () => (await kestra.entries(NAMESPACE)).map(({ version }) => version);
    const before = await versions();
    await kubectl(["-n", scene.cluster.name, "apply", "-k", folder]);
    await scene.driftLooks(2);
    expect(await versions()).toEqual(before);
  });

  test("keep what flow 06 wrote, and say so, until their ConfigMap is edited", async () => {
    await scene.cluster.waitReady("gcp-kv");
    const { state } = await executed("06_gcp_kv", { project_id: "from-flow-06" });
    expect(state.current).toBe("SUCCESS");
    await scene.kvs.waitFor("gcp-project-id", "Drifted", "True", "Edited");
    await scene.kvs.waitReady("gcp-project-id");
    await scene.driftLooks(2);
    expect((await scene.stored("GCP_PROJECT_ID", NAMESPACE)).value).toBe("from-flow-06");

    await scene.cluster.putConfigMap("gcp-settings", { "project-id": "from-config-map" });
    await eventually(async () => {
      expect((await scene.stored("GCP_PROJECT_ID", NAMESPACE)).value).toBe("from-config-map");
    });
    await eventually(async () => {
      expect(JSON.stringify((await scene.kvs.get("gcp-project-id")).status?.conditions)).not.toContain("Drifted");
    });
  });

  test("follow a Secret of one's own once it is named, and never what is no JSON", async () => {
    await scene.cluster.putSecret("gcp-service-account", {
      "service-account.json": '{"type":"service_account","n":1}',
    });
    const own = { valueFrom: { secretKeyRef: { name: "gcp-service-account", key: "service-account.json" } } };
    await scene.kvs.patchSpec("gcp-creds", own);
    await expectInKestra("gcp-creds", "GCP_CREDS", "JSON", { type: "service_account", n: 1 });

    await scene.cluster.putSecret("gcp-service-account", { "service-account.json": '{"type":"service_acc' });
    await scene.kvs.waitFor("gcp-creds", "Ready", "False", "InvalidValue");
    expect((await scene.stored("GCP_CREDS", NAMESPACE)).value).toEqual({ type: "service_account", n: 1 });
  });
});

/** Waits until the resource is Ready, and expects its entry to hold this. */
async function expectInKestra(name: string, key: string, type: string, value: unknown): Promise<void> {
  const { status } = await scene.kvs.waitReady(name);
  expect(status?.entry).toMatchObject({ namespace: NAMESPACE, key, type });
  await eventually(async () => {
    expect(await scene.stored(key, NAMESPACE)).toMatchObject({ type, value });
  });
}

async function executed(flow: string, inputs: Record<string, string> = {}): Promise<Execution> {
  const id = await kestra.execute(NAMESPACE, flow, inputs);
  return eventually(async () => {
    const found = (await kestra.execution(id)) as Execution;
    expect(ENDED).toContain(found.state.current);
    return found;
  });
}

function configMap(): Promise<AnyObject & { data: Record<string, string> }> {
  return scene.cluster.client.get(coreTypes.configMap, { namespace: scene.cluster.name, name: "gcp-settings" });
}

async function sampleKey(): Promise<unknown> {
  const name = { namespace: scene.cluster.name, name: "gcp-service-account-sample" };
  const { data } = await scene.cluster.client.get<AnyObject & { data: Record<string, string> }>(coreTypes.secret, name);
  return JSON.parse(Buffer.from(data["service-account.json"] ?? "", "base64").toString());
}
