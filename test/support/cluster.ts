import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { promisify } from "node:util";
import { silentLogger } from "../../src/lib/log.ts";
import { KubernetesClient } from "../../src/kubernetes/client.ts";
import { coreTypes } from "../../src/kubernetes/objects.ts";
import type { AnyObject, ResourceType } from "../../src/kubernetes/objects.ts";
import { backfills } from "../../src/resources/backfill/schema.ts";
import type { Backfill, BackfillSpec } from "../../src/resources/backfill/schema.ts";
import { kestraFlows } from "../../src/resources/flow/schema.ts";
import type { FlowSpec, KestraFlow } from "../../src/resources/flow/schema.ts";
import { kestraKvs } from "../../src/resources/kv/schema.ts";
import type { KestraKv, KvSpec } from "../../src/resources/kv/schema.ts";
import { eventually } from "./eventually.ts";
import type { EventuallyOptions } from "./eventually.ts";
import { TestResources } from "./resources.ts";

const run = promisify(execFile);
export const root = join(import.meta.dirname, "..", "..");

/** A name that no other test run uses, short enough for anything in Kubernetes and Kestra. */
export function uniqueName(prefix: string): string {
  return `${prefix}-${randomBytes(4).toString("hex")}`;
}

/** Runs kubectl against the test cluster. Rejects with its standard error. */
export async function kubectl(args: readonly string[], stdin?: string): Promise<string> {
  const running = run("kubectl", [...args], { env: process.env, maxBuffer: 64 * 1024 * 1024 });
  if (stdin !== undefined) running.child.stdin?.end(stdin);
  return (await running).stdout;
}

/** Installs the CRDs and waits until they are served. Another test that does the same at the same time may be first. */
export async function installCrds(): Promise<void> {
  await eventually(() => kubectl(["apply", "-f", join(root, "crds")]));
  const names = [kestraFlows, kestraKvs, backfills].map(({ plural, group }) => `crd/${plural}.${group}`);
  await kubectl(["wait", "--for=condition=Established", "--timeout=30s", ...names]);
}

/** One Kubernetes namespace of a test's own, and the objects in it. Most tests are about flows: for these there are short forms. */
export class TestNamespace {
  readonly name: string;
  readonly client: KubernetesClient;
  readonly flows: TestResources<FlowSpec, KestraFlow>;
  readonly kvs: TestResources<KvSpec, KestraKv>;
  readonly backfills: TestResources<BackfillSpec, Backfill>;

  private constructor(name: string, client: KubernetesClient) {
    this.name = name;
    this.client = client;
    this.flows = new TestResources(client, kestraFlows, name);
    this.kvs = new TestResources(client, kestraKvs, name);
    this.backfills = new TestResources(client, backfills, name);
  }

  /** Makes the namespace, with the CRDs installed. */
  static async create(prefix: string): Promise<TestNamespace> {
    const client = KubernetesClient.connect({ kubeconfig: process.env.KUBECONFIG, logger: silentLogger });
    const name = uniqueName(prefix);
    await installCrds();
    await client.create(coreTypes.namespace, { metadata: { name } });
    return new TestNamespace(name, client);
  }

  /** Deletes everything in it, letting go of what has finalizers. */
  async destroy(): Promise<void> {
    // The namespace's own deletion forgets custom resources when the API server is restarted meanwhile, as tests do.
    await this.flows.destroy();
    await this.kvs.destroy();
    await this.backfills.destroy();
    await this.client.delete(coreTypes.namespace, { name: this.name });
    await this.client.close();
  }

  createFlow(name: string, spec: Partial<FlowSpec>, annotations?: Record<string, string>): Promise<KestraFlow> {
    return this.flows.create(name, spec, annotations);
  }

  getFlow(name: string): Promise<KestraFlow> {
    return this.flows.get(name);
  }

  patchFlow(name: string, patch: object): Promise<KestraFlow> {
    return this.flows.patch(name, patch);
  }

  patchSpec(name: string, spec: { [Key in keyof FlowSpec]?: FlowSpec[Key] | null }): Promise<KestraFlow> {
    return this.flows.patchSpec(name, spec);
  }

  annotate(name: string, annotations: Record<string, string | null>): Promise<KestraFlow> {
    return this.flows.annotate(name, annotations);
  }

  deleteFlow(name: string): Promise<void> {
    return this.flows.delete(name);
  }

  /** Waits until the flow's condition has this status, and reason where one is given, for its current generation. */
  async waitFor(
    name: string,
    type: string,
    status: "True" | "False",
    reason?: string,
    options?: EventuallyOptions,
  ): Promise<KestraFlow> {
    return this.flows.waitFor(name, type, status, reason, options);
  }

  waitReady(name: string, options?: EventuallyOptions): Promise<KestraFlow> {
    return this.flows.waitReady(name, options);
  }

  waitGone(name: string, options?: EventuallyOptions): Promise<void> {
    return this.flows.waitGone(name, options);
  }

  putConfigMap(name: string, data: Record<string, string>): Promise<void> {
    return this.#put(coreTypes.configMap, name, { data });
  }

  deleteConfigMap(name: string): Promise<void> {
    return this.client.delete(coreTypes.configMap, { namespace: this.name, name });
  }

  /** Sets keys of a Secret, which is made where it is missing. Null removes a key. */
  putSecret(name: string, data: Record<string, string | Buffer | null>): Promise<void> {
    const encoded = Object.entries(data).map(([key, value]) => [
      key,
      value === null ? null : Buffer.from(value).toString("base64"),
    ]);
    return this.#put(coreTypes.secret, name, { data: Object.fromEntries(encoded) as Record<string, string | null> });
  }

  deleteSecret(name: string): Promise<void> {
    return this.client.delete(coreTypes.secret, { namespace: this.name, name });
  }

  /** Reasons and messages of the Events about an object, oldest first. */
  async events(name: string): Promise<{ type: string; reason: string; message: string }[]> {
    type Event = AnyObject & { type: string; reason: string; message: string; involvedObject: { name: string } };
    const { items } = await this.client.list<Event>(coreTypes.event, { namespace: this.name });
    return items
      .filter(({ involvedObject }) => involvedObject.name === name)
      .toSorted((a, b) => Number(a.metadata.resourceVersion) - Number(b.metadata.resourceVersion));
  }

  async #put(type: ResourceType, name: string, content: object): Promise<void> {
    await this.client.create(type, { metadata: { name, namespace: this.name }, ...content }).catch(async () => {
      await this.client.mergePatch(type, { namespace: this.name, name }, content);
    });
  }
}
