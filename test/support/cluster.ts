import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { promisify } from "node:util";
import { silentLogger } from "../../src/lib/log.ts";
import { KubernetesClient } from "../../src/kubernetes/client.ts";
import { findCondition } from "../../src/kubernetes/conditions.ts";
import { isNotFound } from "../../src/kubernetes/errors.ts";
import { coreTypes } from "../../src/kubernetes/objects.ts";
import type { AnyObject } from "../../src/kubernetes/objects.ts";
import { kestraFlows } from "../../src/resources/flow/schema.ts";
import type { FlowSpec, KestraFlow } from "../../src/resources/flow/schema.ts";
import { eventually } from "./eventually.ts";
import type { EventuallyOptions } from "./eventually.ts";

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

/** Installs the CRDs and waits until they are served. */
export async function installCrds(): Promise<void> {
  await kubectl(["apply", "-f", join(root, "crds")]);
  await kubectl(["wait", "--for=condition=Established", "--timeout=30s", "crd/kestraflows.kestraflow.dev"]);
}

/** One Kubernetes namespace of a test's own, and the objects in it. */
export class TestNamespace {
  readonly name: string;
  readonly client: KubernetesClient;

  private constructor(name: string, client: KubernetesClient) {
    this.name = name;
    this.client = client;
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
    const { items } = await this.client.list<KestraFlow>(kestraFlows, { namespace: this.name });
    for (const { metadata } of items) {
      await this.client.mergePatch(kestraFlows, metadata, { metadata: { finalizers: null } }).catch(ignoreNotFound);
      // The namespace's own deletion forgets custom resources when the API server is restarted meanwhile, as tests do.
      await this.client.delete(kestraFlows, metadata).catch(ignoreNotFound);
    }
    await this.client.delete(coreTypes.namespace, { name: this.name });
    await this.client.close();
  }

  createFlow(name: string, spec: Partial<FlowSpec>, annotations: Record<string, string> = {}): Promise<KestraFlow> {
    return this.client.create<KestraFlow>(kestraFlows, {
      metadata: { name, namespace: this.name, annotations },
      spec,
    });
  }

  getFlow(name: string): Promise<KestraFlow> {
    return this.client.get<KestraFlow>(kestraFlows, { namespace: this.name, name });
  }

  patchFlow(name: string, patch: object): Promise<KestraFlow> {
    return this.client.mergePatch<KestraFlow>(kestraFlows, { namespace: this.name, name }, patch);
  }

  patchSpec(name: string, spec: { [Key in keyof FlowSpec]?: FlowSpec[Key] | null }): Promise<KestraFlow> {
    return this.patchFlow(name, { spec });
  }

  annotate(name: string, annotations: Record<string, string | null>): Promise<KestraFlow> {
    return this.patchFlow(name, { metadata: { annotations } });
  }

  deleteFlow(name: string): Promise<void> {
    return this.client.delete(kestraFlows, { namespace: this.name, name });
  }

  /** Waits until the flow's condition has this status, and reason where one is given, for its current generation. */
  async waitFor(
    name: string,
    type: string,
    status: "True" | "False",
    reason?: string,
    options?: EventuallyOptions,
  ): Promise<KestraFlow> {
    return eventually(async () => {
      const flow = await this.getFlow(name);
      const condition = findCondition(flow.status?.conditions, type);
      const current = condition?.observedGeneration === flow.metadata.generation && condition?.status === status;
      if (current && (reason === undefined || condition.reason === reason)) return flow;
      throw new Error(`${name}: wanted ${type}=${status} ${reason ?? ""}, status is ${JSON.stringify(flow.status)}`);
    }, options);
  }

  waitReady(name: string, options?: EventuallyOptions): Promise<KestraFlow> {
    return this.waitFor(name, "Ready", "True", undefined, options);
  }

  async waitGone(name: string, options?: EventuallyOptions): Promise<void> {
    await eventually(async () => {
      const flow = await this.getFlow(name).catch(ignoreNotFound);
      if (flow) throw new Error(`${name} is still there: ${JSON.stringify(flow.metadata)}`);
    }, options);
  }

  async putConfigMap(name: string, data: Record<string, string>): Promise<void> {
    const object = { metadata: { name, namespace: this.name }, data };
    await this.client.create(coreTypes.configMap, object).catch(async () => {
      await this.client.mergePatch(coreTypes.configMap, { namespace: this.name, name }, { data });
    });
  }

  deleteConfigMap(name: string): Promise<void> {
    return this.client.delete(coreTypes.configMap, { namespace: this.name, name });
  }

  /** Reasons and messages of the Events about an object, oldest first. */
  async events(name: string): Promise<{ type: string; reason: string; message: string }[]> {
    type Event = AnyObject & { type: string; reason: string; message: string; involvedObject: { name: string } };
    const { items } = await this.client.list<Event>(coreTypes.event, { namespace: this.name });
    return items
      .filter(({ involvedObject }) => involvedObject.name === name)
      .toSorted((a, b) => Number(a.metadata.resourceVersion) - Number(b.metadata.resourceVersion));
  }
}

function ignoreNotFound(error: unknown): undefined {
  if (isNotFound(error)) return undefined;
  throw error;
}
