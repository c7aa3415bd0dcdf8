import type { TestNamespace } from "../../support/cluster.ts";
import { eventually } from "../../support/eventually.ts";
import { FaultProxy } from "../../support/faultProxy.ts";
import type { Exchange } from "../../support/faultProxy.ts";
import { OperatorProcess } from "../../support/operator.ts";
import type { OperatorOptions } from "../../support/operator.ts";
import { apiServerOf } from "./access.ts";
import type { ServiceAccount } from "./access.ts";

/** An operator that talks to Kubernetes and Kestra through proxies of its own: they tell what it did, whatever it says itself. */
export class Replica {
  readonly operator: OperatorProcess;
  readonly kubernetes: FaultProxy;
  readonly kestra: FaultProxy;

  private constructor(operator: OperatorProcess, kubernetes: FaultProxy, kestra: FaultProxy) {
    this.operator = operator;
    this.kubernetes = kubernetes;
    this.kestra = kestra;
  }

  static async start(
    cluster: TestNamespace,
    account: ServiceAccount,
    { settings = {}, ...options }: OperatorOptions = {},
  ): Promise<Replica> {
    const kubernetes = await FaultProxy.before(apiServerOf(cluster));
    const kestraUrl = process.env.KESTRA_URL ?? "";
    const kestra = await FaultProxy.before({ url: kestraUrl });
    const kubeconfig = await account.kubeconfig({ url: kubernetes.url });
    const operator = await OperatorProcess.start(cluster.name, {
      settings: { KUBECONFIG: kubeconfig, KESTRA_URL: kestra.url, KESTRA_UI_URL: kestraUrl, ...settings },
      ...options,
    });
    return new Replica(operator, kubernetes, kestra);
  }

  /** Everything it asked to be changed, Leases and Events included, in the order of arrival. */
  get changes(): Exchange[] {
    const kestra = this.kestra.log.filter(({ method, path }) => method !== "GET" && !path.endsWith("/validate"));
    const kubernetes = this.kubernetes.log.filter(({ method }) => method !== "GET");
    return [...kubernetes, ...kestra].toSorted((a, b) => a.at - b.at);
  }

  async leads(): Promise<boolean> {
    return (await this.operator.metric("kestraflow_leader")) === 1;
  }

  async waitLeading(within: number): Promise<void> {
    const lead = async () => {
      if (!(await this.leads())) throw new Error("this replica does not lead");
    };
    await eventually(lead, { within, every: 20 });
  }

  /** Ends it at once and takes its proxies away. */
  async end(): Promise<void> {
    await this.operator.kill("SIGKILL");
    await Promise.all([this.kubernetes.close(), this.kestra.close()]);
  }
}
