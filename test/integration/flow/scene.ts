import type { KestraFlow } from "../../../src/resources/flow/schema.ts";
import { always, eventually } from "../../support/eventually.ts";
import { flowSource } from "../../support/flowSource.ts";
import type { KestraFlowBody } from "../../support/kestra.ts";
import { TestScene } from "../scene.ts";

/** A flow as Kestra parsed it, besides its text. */
export type StoredFlow = KestraFlowBody & Record<string, unknown> & { deleted?: boolean };

/** A scene of flows. */
export class Scene extends TestScene {
  protected override readonly listing = "listFlows";

  /** A small valid flow in the Kestra namespace of this scene. */
  source(id: string, message?: string): string {
    return flowSource(this.namespace, id, message);
  }

  /** All KestraFlows of this scene. */
  resources(): Promise<KestraFlow[]> {
    return this.cluster.flows.list();
  }

  /** The flow as Kestra has it. Throws where there is none. */
  async stored(id: string): Promise<StoredFlow> {
    const flow = await this.kestra.flow(this.namespace, id);
    if (flow === undefined) throw new Error(`Kestra has no flow ${this.namespace}/${id}`);
    return flow as StoredFlow;
  }

  async waitStored(id: string, source: string): Promise<StoredFlow> {
    return eventually(async () => {
      const flow = await this.stored(id);
      if (flow.source !== source) throw new Error(`Kestra holds ${flow.source}\ninstead of ${source}`);
      return flow;
    });
  }

  async waitAbsent(id: string): Promise<void> {
    await eventually(async () => {
      if (await this.kestra.flow(this.namespace, id)) throw new Error(`Kestra still has ${this.namespace}/${id}`);
    });
  }

  /** Waits until Kestra has no flow whose id begins so, and sees that none comes back. */
  async expectNoneLeft(prefix: string): Promise<void> {
    const none = async (): Promise<void> => {
      const left = (await this.kestra.flows(this.namespace)).map(({ id }) => id).filter((id) => id.startsWith(prefix));
      if (left.length > 0) throw new Error(`Kestra still has ${left.join(", ")}`);
    };
    await eventually(none);
    await always(none, 1_000);
  }

  /** All revisions of a flow, those that stand for its deletion included. */
  async revisions(id: string): Promise<StoredFlow[]> {
    const response = await this.kestra.call("GET", `/flows/${this.namespace}/${id}/revisions`);
    if (!response.ok) throw new Error(`${response.url}: ${response.status}`);
    return (await response.json()) as StoredFlow[];
  }

  /** Calls to Kestra about single flows: all but the lists that look for drift and the health check. */
  flowCalls(): Promise<number> {
    return this.operator.metric("kestraflow_kestra_calls_total", {
      operation: /^(getFlow|validate|createFlow|updateFlow|deleteFlow)$/,
    });
  }

  protected override async recordedNamespaces(): Promise<string[]> {
    return (await this.resources()).flatMap(({ status }) => status?.flow?.namespace ?? []);
  }

  protected override async emptyInKestra(namespace: string): Promise<void> {
    for (const { id } of await this.kestra.flows(namespace)) await this.kestra.delete(namespace, id);
  }
}
