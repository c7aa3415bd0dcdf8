import { afterAll, beforeAll, jest } from "@jest/globals";
import { TestNamespace, uniqueName } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { TestKestra } from "../support/kestra.ts";
import { OperatorProcess } from "../support/operator.ts";

/** Longer than anything that is waited for: see {@link eventually}. */
jest.setTimeout(60_000);

/** What the tests of one topic share: a Kubernetes namespace, a Kestra namespace and an operator that serves them. */
export abstract class TestScene {
  readonly kestra = new TestKestra();
  /** The Kestra namespace of this topic. */
  readonly namespace: string;
  /** The operation that looks for drift. */
  protected abstract readonly listing: string;
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
    }, 120_000);
    afterAll(async () => {
      await this.#operator?.stop();
      const recorded = await this.recordedNamespaces();
      await this.#cluster?.destroy();
      for (const namespace of new Set([this.namespace, ...recorded])) await this.emptyInKestra(namespace);
    }, 120_000);
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

  /** Waits until drift was looked for this many times since now, in each of `namespaces` Kestra namespaces. */
  async driftLooks(looks: number, namespaces = 1): Promise<void> {
    const lists = () => this.operator.metric("kestraflow_kestra_calls_total", { operation: this.listing });
    const before = await lists();
    await eventually(async () => {
      const more = (await lists()) - before;
      if (more < looks * namespaces) throw new Error(`${more} lists so far`);
    });
  }

  /** The Kestra namespaces in which resources of this scene have something. */
  protected abstract recordedNamespaces(): Promise<string[]>;

  /** Deletes what a Kestra namespace has. */
  protected abstract emptyInKestra(namespace: string): Promise<void>;
}
