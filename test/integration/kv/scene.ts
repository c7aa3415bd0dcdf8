import { findCondition } from "../../../src/kubernetes/conditions.ts";
import type { KestraKv, KvSpec } from "../../../src/resources/kv/schema.ts";
import type { TestResources } from "../../support/resources.ts";
import { eventually } from "../../support/eventually.ts";
import type { EventuallyOptions } from "../../support/eventually.ts";
import type { KestraEntry, KestraValue } from "../../support/kestra.ts";
import { TestScene } from "../scene.ts";

/** Often enough to tell by it how soon something happened. */
const CLOSELY = { every: 20, within: 10_000 };

/** A scene of key-value entries. A resource has the name of its entry's key, unless a test says otherwise. */
export class KvScene extends TestScene {
  protected override readonly listing = "listKv";

  get kvs(): TestResources<KvSpec, KestraKv> {
    return this.cluster.kvs;
  }

  /** Makes a resource; the entry is in the Kestra namespace of this scene. */
  create(name: string, spec: Partial<KvSpec>, annotations?: Record<string, string>): Promise<KestraKv> {
    return this.kvs.create(name, { namespace: this.namespace, key: name, ...spec }, annotations);
  }

  /** The same, in sync. */
  async inSync(name: string, spec: Partial<KvSpec>): Promise<KestraKv> {
    await this.create(name, spec);
    return this.kvs.waitReady(name);
  }

  /** A resource in sync with the key `value` of the Secret of its name. */
  async following(name: string, text: string, spec: Partial<KvSpec> = {}): Promise<KestraKv> {
    await this.cluster.putSecret(name, { value: text });
    return this.inSync(name, { ...fromSecret(name), ...spec });
  }

  /** The value in Kestra. Throws where there is none. */
  async stored(key: string, namespace = this.namespace): Promise<KestraValue> {
    const value = await this.kestra.value(namespace, key);
    if (value === undefined) throw new Error(`Kestra has no entry ${namespace}/${key}`);
    return value;
  }

  /** What Kestra's list tells of the entry. Throws where it has none. */
  async entry(key: string, namespace = this.namespace): Promise<KestraEntry> {
    const entry = (await this.kestra.entries(namespace)).find((listed) => listed.key === key);
    if (entry === undefined) throw new Error(`Kestra lists no entry ${namespace}/${key}`);
    return entry;
  }

  async version(key: string): Promise<number> {
    return (await this.entry(key)).version;
  }

  async waitValue(key: string, value: unknown, options?: EventuallyOptions): Promise<KestraValue> {
    return eventually(async () => {
      const stored = await this.stored(key);
      if (JSON.stringify(stored.value) === JSON.stringify(value)) return stored;
      throw new Error(`Kestra holds ${stored.text.slice(0, 300)}`);
    }, options);
  }

  async waitAbsent(key: string, namespace = this.namespace): Promise<void> {
    await eventually(async () => {
      if (await this.kestra.value(namespace, key)) throw new Error(`Kestra still has ${namespace}/${key}`);
    });
  }

  /** Milliseconds from the end of a change until Kestra holds the value. */
  async timeUntil(key: string, value: unknown, change: () => Promise<void>): Promise<number> {
    await change();
    const changed = performance.now();
    await this.waitValue(key, value, CLOSELY);
    return performance.now() - changed;
  }

  /** Calls to Kestra about single entries: all but the lists that look for drift. */
  entryCalls(): Promise<number> {
    return this.operator.metric("kestraflow_kestra_calls_total", { operation: /^(find|get|put|delete)Kv$/ });
  }

  protected override async recordedNamespaces(): Promise<string[]> {
    return (await this.kvs.list()).flatMap(({ status }) => status?.entry?.namespace ?? []);
  }

  protected override async emptyInKestra(namespace: string): Promise<void> {
    for (const { key } of await this.kestra.entries(namespace)) await this.kestra.deleteEntry(namespace, key);
  }
}

export function fromSecret(name: string, key = "value"): Pick<KvSpec, "valueFrom"> {
  return { valueFrom: { secretKeyRef: { name, key } } };
}

export function fromConfigMap(name: string, key = "value"): Pick<KvSpec, "valueFrom"> {
  return { valueFrom: { configMapKeyRef: { name, key } } };
}

/** What the condition Ready says. */
export function messageOf({ status }: Pick<KestraKv, "status">): string {
  return findCondition(status?.conditions, "Ready")?.message ?? "";
}
