import { jest } from "@jest/globals";
import { dumpYaml } from "../../../src/lib/yaml.ts";
import { Scene } from "../flow/scene.ts";

/** Every command is a process that has to start, next to those of other tests. */
jest.setTimeout(150_000);

/** A scene of flows and entries, for commands. */
export class CliScene extends Scene {
  override startOperator(settings: Record<string, string> = {}): Promise<void> {
    return super.startOperator({ LEASE_NAMESPACE: this.cluster.name, ...settings });
  }

  protected override async emptyInKestra(namespace: string): Promise<void> {
    await super.emptyInKestra(namespace);
    for (const { key } of await this.kestra.entries(namespace)) await this.kestra.deleteEntry(namespace, key);
  }
}

/** A manifest of one of our kinds, in the namespace that commands are given. */
export function manifest(kind: "KestraFlow" | "KestraKV" | "Backfill", name: string, spec: object): string {
  return dumpYaml({ apiVersion: "kestraflow.dev/v1alpha1", kind, metadata: { name }, spec });
}

/** A Secret as people write it. */
export function secret(name: string, stringData: Record<string, string>): string {
  return dumpYaml({ apiVersion: "v1", kind: "Secret", metadata: { name }, stringData });
}
