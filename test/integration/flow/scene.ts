import { afterAll, beforeAll, jest } from "@jest/globals";
import { kestraFlows } from "../../../src/resources/flow/schema.ts";
import type { KestraFlow } from "../../../src/resources/flow/schema.ts";
import { TestNamespace, uniqueName } from "../../support/cluster.ts";
import { eventually } from "../../support/eventually.ts";
import { flowSource } from "../../support/flowSource.ts";
import { TestKestra } from "../../support/kestra.ts";
import type { KestraFlowBody } from "../../support/kestra.ts";
import { OperatorProcess } from "../../support/operator.ts";

/** Longer than anything that is waited for: see {@link eventually}. */
jest.setTimeout(60_000);

/** A flow as Kestra parsed it, besides its text. */
export type StoredFlow = KestraFlowBody & Record<string, unknown> & { deleted?: boolean };

/** What the tests of one topic share: a Kubernetes namespace, a Kestra namespace and an operator that serves them. */
export class Scene {
  readonly kestra = new TestKestra();
  /** The Kestra namespace of this topic. */
  readonly namespace: string;
  readonly #topic: string;
  readonly #settings: Record<string, string>;
  #cluster: TestNamespace | undefined;
  #operator: OperatorProcess | undefined;

  /**
   * Made before the first test of the file and removed after the last.
   *
   * @param settings of the operator, besides those of every test
   */
  constructor(topic: string, settings: Record<string, string> = {}) {
    this.#topic = topic;
    this.#settings = settings;
    this.namespace = uniqueName(topic);
    beforeAll(async () => {
      this.#cluster = await TestNamespace.create(topic);
      await this.startOperator();
    }, 60_000);
    afterAll(async () => {
      await this.#operator?.stop();
      const owned = (await this.resources()).flatMap(({ status }) => status?.flow?.namespace ?? []);
      await this.#cluster?.destroy();
      for (const namespace of new Set([this.namespace, ...owned])) {
        for (const { id } of await this.kestra.flows(namespace)) await this.kestra.delete(namespace, id);
      }
    }, 60_000);
  }

  get cluster(): TestNamespace {
    if (this.#cluster === undefined) throw new Error(`the scene ${this.#topic} is not set up yet`);
    return this.#cluster;
  }

  get operator(): OperatorProcess {
    if (this.#operator === undefined) throw new Error(`no operator serves the scene ${this.#topic}`);
    return this.#operator;
  }

  async startOperator(settings: Record<string, string> = {}): Promise<void> {
    const all = { DRIFT_INTERVAL: "300ms", ...this.#settings, ...settings };
    this.#operator = await OperatorProcess.start(this.cluster.name, { settings: all });
  }

  async stopOperator(): Promise<void> {
    await this.operator.stop();
    this.#operator = undefined;
  }

  /** The operator again, as after a new release. */
  async restartOperator(settings: Record<string, string> = {}): Promise<void> {
    await this.stopOperator();
    await this.startOperator(settings);
  }

  /** A small valid flow in the Kestra namespace of this scene. */
  source(id: string, message?: string): string {
    return flowSource(this.namespace, id, message);
  }

  /** All KestraFlows of this scene. */
  async resources(): Promise<KestraFlow[]> {
    return (await this.cluster.client.list<KestraFlow>(kestraFlows, { namespace: this.cluster.name })).items;
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

  /** Waits until drift was looked for this many times since now, in each of `namespaces` Kestra namespaces. */
  async driftLooks(looks: number, namespaces = 1): Promise<void> {
    const lists = () => this.operator.metric("kestraflow_kestra_calls_total", { operation: "listFlows" });
    const before = await lists();
    await eventually(async () => {
      const more = (await lists()) - before;
      if (more < looks * namespaces) throw new Error(`${more} lists so far`);
    });
  }
}
