import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "@jest/globals";
import { inParallel } from "../../../src/lib/async.ts";
import { isTrue } from "../../../src/kubernetes/conditions.ts";
import type { AnyObject } from "../../../src/kubernetes/objects.ts";
import { kestraFlows } from "../../../src/resources/flow/schema.ts";
import { kestraKvs } from "../../../src/resources/kv/schema.ts";
import { kubectl } from "../../support/cluster.ts";
import { eventually } from "../../support/eventually.ts";
import type { EventuallyOptions } from "../../support/eventually.ts";
import { kestraflow } from "../../support/commandLine.ts";
import type { Ended } from "../../support/commandLine.ts";
import { TestScene } from "../scene.ts";

/** An entry as it is written to Kestra. */
export interface Entry {
  key: string;
  ion: string;
  headers?: Record<string, string>;
}

/** A scene of export and convert: flows and entries in Kestra that nobody declares yet. */
export class ExportScene extends TestScene {
  protected override readonly listing = "listFlows";
  readonly folder = mkdtempSync(join(tmpdir(), "kestraflow-cli-"));

  constructor(topic: string) {
    super(topic);
    afterAll(() => {
      rmSync(this.folder, { recursive: true });
    });
  }

  /** A second Kestra namespace of this scene. */
  get other(): string {
    return `${this.namespace}.sub_1`;
  }

  async seedFlows(sources: readonly string[]): Promise<void> {
    await inParallel(sources, 6, async (source) => {
      await this.kestra.create(source);
    });
  }

  async seedEntries(namespace: string, entries: readonly Entry[]): Promise<void> {
    await inParallel(entries, 6, ({ key, ion, headers }) => this.kestra.putEntry(namespace, key, ion, headers));
  }

  /** Exports the namespaces of this scene into a folder of the scene's. */
  async export(name: string, ...args: string[]): Promise<Ended & { folder: string }> {
    const folder = join(this.folder, name);
    const flags = ["--output", folder, "--kestra-namespace", `${this.namespace}*`, "-n", this.cluster.name, ...args];
    return { ...(await kestraflow(["export", ...flags])), folder };
  }

  /** Applies a folder as users do. */
  apply(folder: string): Promise<string> {
    return kubectl(["apply", "--server-side", "-k", folder]);
  }

  /** Revisions of the flows and versions of the entries in Kestra, by name. */
  async versions(): Promise<Record<string, number>> {
    const found: Record<string, number> = {};
    for (const namespace of [this.namespace, this.other]) {
      for (const { id, revision } of await this.kestra.flows(namespace)) found[`flow ${namespace}/${id}`] = revision;
      for (const { key, version } of await this.kestra.entries(namespace)) found[`entry ${namespace}/${key}`] = version;
    }
    return found;
  }

  /** Waits until so many flows and entries are Ready, and none else is there. */
  async allReady(flows: number, entries: number, options: EventuallyOptions = { within: 120_000 }): Promise<void> {
    await eventually(async () => {
      const [all, kvs] = [await this.cluster.flows.list(), await this.cluster.kvs.list()];
      const waiting = [...all, ...kvs].filter(({ status }) => !isTrue(status?.conditions, "Ready"));
      if (waiting.length === 0 && all.length === flows && kvs.length === entries) return;
      const first = JSON.stringify(waiting[0]?.status?.conditions);
      throw new Error(`${all.length} flows, ${kvs.length} entries, ${waiting.length} not Ready, the first: ${first}`);
    }, options);
  }

  /** Lets go of everything in the cluster and empties Kestra, many at a time. The operator has to be stopped. */
  async forget(): Promise<void> {
    for (const type of [kestraFlows, kestraKvs]) {
      const { items } = await this.cluster.client.list<AnyObject>(type, { namespace: this.cluster.name });
      await inParallel(items, 6, async ({ metadata }) => {
        await this.cluster.client.mergePatch(type, metadata, { metadata: { finalizers: null } });
        await this.cluster.client.delete(type, metadata);
      });
    }
    for (const namespace of [this.namespace, this.other]) await this.emptyInKestra(namespace);
  }

  protected override recordedNamespaces(): Promise<string[]> {
    return Promise.resolve([this.other]);
  }

  protected override async emptyInKestra(namespace: string): Promise<void> {
    await inParallel(await this.kestra.flows(namespace), 6, ({ id }) => this.kestra.delete(namespace, id));
    await inParallel(await this.kestra.entries(namespace), 6, ({ key }) => this.kestra.deleteEntry(namespace, key));
  }
}

/** All files of a folder with their texts. */
export function filesOf(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".yaml"));
  return Object.fromEntries(files.toSorted().map((file) => [file, readFileSync(join(folder, file), "utf8")]));
}
