import { findCondition } from "../../../src/kubernetes/conditions.ts";
import type { KestraFlow } from "../../../src/resources/flow/schema.ts";
import { uniqueName } from "../../support/cluster.ts";
import type { TestNamespace } from "../../support/cluster.ts";
import type { Exchange } from "../../support/faultProxy.ts";
import { flowSource } from "../../support/flowSource.ts";
import type { TestKestra } from "../../support/kestra.ts";
import type { Story } from "./crashes.ts";

const POLL = { every: 25, within: 30_000 };

/** One telling of the life of a flow, under names that no other telling has: made, edited, renamed, contested, inherited, deleted. */
export class FlowStory implements Story {
  readonly #cluster: TestNamespace;
  readonly #kestra: TestKestra;
  readonly #run = uniqueName("run");
  readonly #namespace: string;

  constructor(cluster: TestNamespace, kestra: TestKestra) {
    this.#cluster = cluster;
    this.#kestra = kestra;
    this.#namespace = `crash.${this.#run}`;
  }

  concerns({ path, body }: Pick<Exchange, "path" | "body">): boolean {
    return path.includes(this.#run) || body.includes(this.#run);
  }

  async tell(onStep: () => Promise<void>): Promise<void> {
    const [first, second] = [`${this.#run}-first`, `${this.#run}-second`];
    // Never: what it made before a crash must be known to be its own, however alike.
    const source = (id: string, message: string) =>
      ({ source: flowSource(this.#namespace, id, message), adoption: "Never" }) as const;
    const cluster = this.#cluster;

    await cluster.createFlow(first, source("early", "made"));
    await cluster.waitReady(first, POLL);
    await onStep();

    await cluster.patchSpec(first, source("early", "edited"));
    await cluster.waitReady(first, POLL);
    await onStep();

    await cluster.patchSpec(first, source("late", "renamed"));
    await cluster.waitReady(first, POLL);
    await onStep();

    await cluster.createFlow(second, source("late", "inherited"));
    await cluster.waitFor(second, "Ready", "False", "Conflict", POLL);
    await onStep();

    await cluster.deleteFlow(first);
    await cluster.waitGone(first, POLL);
    await cluster.waitReady(second, POLL);
    await onStep();

    await cluster.deleteFlow(second);
    await cluster.waitGone(second, POLL);
    await onStep();
  }

  async state(): Promise<unknown> {
    const list = await this.#kestra.flows(this.#namespace);
    const stored = await Promise.all(list.map(({ id }) => this.#kestra.flow(this.#namespace, id)));
    const flows = stored.map((flow) => flow && { revision: flow.revision, source: flow.source });
    const items = await this.#cluster.flows.list();
    const resources = items.filter(({ metadata: { name } }) => name.startsWith(this.#run)).map(summaryOf);
    return JSON.parse(JSON.stringify({ flows, resources }).replaceAll(this.#run, "RUN"));
  }

  /** The flows that were created and deleted. */
  deeds(calls: readonly Exchange[]): string[] {
    return calls.flatMap(({ method, path, body }) => {
      if (path.endsWith("/validate")) return [];
      if (method === "POST") return [`created ${/^id: (.+)$/m.exec(body)?.[1]}`];
      return method === "DELETE" ? [`deleted ${path.split("/").at(-1)}`] : [];
    });
  }
}

function summaryOf({ metadata: { name, finalizers, generation }, status }: KestraFlow) {
  const { status: ready, reason, observedGeneration } = findCondition(status?.conditions, "Ready") ?? {};
  const flow = status?.flow && { id: status.flow.id, revision: status.flow.revision };
  return { name, finalizers, generation, ready, reason, observedGeneration, flow };
}
