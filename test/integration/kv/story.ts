import { findCondition } from "../../../src/kubernetes/conditions.ts";
import type { KestraKv } from "../../../src/resources/kv/schema.ts";
import { uniqueName } from "../../support/cluster.ts";
import type { TestNamespace } from "../../support/cluster.ts";
import type { Exchange } from "../../support/faultProxy.ts";
import type { TestKestra } from "../../support/kestra.ts";
import type { Story } from "../process/crashes.ts";
import { fromSecret } from "./scene.ts";

const POLL = { every: 25, within: 30_000 };

/** The life of an entry: made from a Secret, rotated, edited, renamed, contested, inherited, deleted. */
export class KvStory implements Story {
  readonly #cluster: TestNamespace;
  readonly #kestra: TestKestra;
  readonly #run = uniqueName("run");
  readonly #namespace = `crash.${this.#run}`;

  constructor(cluster: TestNamespace, kestra: TestKestra) {
    this.#cluster = cluster;
    this.#kestra = kestra;
  }

  concerns({ path, body }: Pick<Exchange, "path" | "body">): boolean {
    return path.includes(this.#run) || body.includes(this.#run);
  }

  async tell(onStep: () => Promise<void>): Promise<void> {
    const [first, second] = [`${this.#run}-first`, `${this.#run}-second`];
    const { kvs } = this.#cluster;
    // Never: what it made before a crash must be known to be its own, however alike.
    const spec = { namespace: this.#namespace, ttl: "PT1H", adoption: "Never" } as const;

    await this.#cluster.putSecret(first, { value: "made" });
    await kvs.create(first, { ...spec, key: "early", ...fromSecret(first) });
    await kvs.waitReady(first, POLL);
    await onStep();

    const version = (await kvs.get(first)).status?.applied?.sourceVersion;
    await this.#cluster.putSecret(first, { value: "rotated" });
    await kvs.waitUntil(first, ({ status }) => status?.applied?.sourceVersion !== version, POLL);
    await onStep();

    await kvs.patchSpec(first, { description: "edited" });
    await kvs.waitReady(first, POLL);
    await onStep();

    await kvs.patchSpec(first, { key: "late" });
    await kvs.waitReady(first, POLL);
    await onStep();

    await kvs.create(second, { ...spec, key: "late", value: { inherited: true } });
    await kvs.waitFor(second, "Ready", "False", "Conflict", POLL);
    await onStep();

    await kvs.delete(first);
    await kvs.waitGone(first, POLL);
    await kvs.waitReady(second, POLL);
    await onStep();

    await kvs.delete(second);
    await kvs.waitGone(second, POLL);
    await onStep();
  }

  async state(): Promise<unknown> {
    const entries = await Promise.all(
      (await this.#kestra.entries(this.#namespace)).map(async ({ key, version, description, expirationDate }) => {
        const { type, value } = (await this.#kestra.value(this.#namespace, key)) ?? {};
        return { key, version, description, ends: expirationDate !== undefined, type, value };
      }),
    );
    const resources = (await this.#cluster.kvs.list())
      .filter(({ metadata: { name } }) => name.startsWith(this.#run))
      .map(summaryOf);
    return JSON.parse(JSON.stringify({ entries, resources }).replaceAll(this.#run, "RUN"));
  }

  /** What was written; a deletion may be repeated. */
  deeds(calls: readonly Exchange[]): string[] {
    return calls.flatMap(({ method, path, body }) =>
      method === "PUT" ? [`wrote ${path.split("/").at(-1)}: ${body}`] : [],
    );
  }
}

function summaryOf({ metadata: { name, finalizers, generation }, status }: KestraKv) {
  const { status: ready, reason, observedGeneration } = findCondition(status?.conditions, "Ready") ?? {};
  const entry = status?.entry && { key: status.entry.key, type: status.entry.type, version: status.entry.version };
  return { name, finalizers, generation, ready, reason, observedGeneration, entry };
}
