import { inParallel } from "../../src/lib/async.ts";
import type { KubernetesClient } from "../../src/kubernetes/client.ts";
import { coreTypes } from "../../src/kubernetes/objects.ts";
import type { ResourceType } from "../../src/kubernetes/objects.ts";
import { kestraFlows } from "../../src/resources/flow/schema.ts";
import type { FlowSpec } from "../../src/resources/flow/schema.ts";
import { kestraKvs } from "../../src/resources/kv/schema.ts";
import type { KvSpec } from "../../src/resources/kv/schema.ts";

/** What is measured: resources of one kind. */
export interface Subject {
  type: ResourceType;
  /** What they have in Kestra, in words. */
  nouns: string;
  /** Kestra's operations that read one and list a namespace's, as the metrics name them. */
  read: string;
  list: string;
  /** What one of them declares, in some version. */
  spec: (place: Place, version: number) => Partial<FlowSpec> | Partial<KvSpec>;
  /** Makes what so many of them refer to. */
  prepare?: (client: KubernetesClient, namespace: string, size: number) => Promise<void>;
}

export interface Place {
  kestraNamespace: string;
  name: string;
  index: number;
}

/** About the size of a tutorial flow, in bytes of source. */
const SOURCE_BYTES = 4_000;
/** Between a setting and a service account's key. */
const VALUE_BYTES = 1_000;
export const ENTRIES_PER_SECRET = 10;
const SECRET_KEY = "value";
const CONCURRENCY = 16;

export const flows: Subject = {
  type: kestraFlows,
  nouns: "flows",
  read: "getFlow",
  list: "listFlows",
  spec: ({ kestraNamespace, name }, version) => ({ source: sourceOf(kestraNamespace, name, version) }),
};

/** Entries with a literal. */
export const entries: Subject = {
  type: kestraKvs,
  nouns: "entries",
  read: "getKv",
  list: "listKv",
  spec: ({ kestraNamespace, name }, version) => ({
    namespace: kestraNamespace,
    key: name,
    value: valueOf(name, version),
  }),
};

/** Entries that follow Secrets, ten of them each. */
export const followers: Subject = {
  ...entries,
  spec: ({ kestraNamespace, name, index }) => ({
    namespace: kestraNamespace,
    key: name,
    valueFrom: { secretKeyRef: { name: secretName(Math.floor(index / ENTRIES_PER_SECRET)), key: SECRET_KEY } },
  }),
  prepare: async (client, namespace, size) => {
    const secrets = Array.from({ length: Math.ceil(size / ENTRIES_PER_SECRET) }, (_, index) => index);
    await inParallel(secrets, CONCURRENCY, async (index) => {
      await client.create(coreTypes.secret, {
        metadata: { name: secretName(index), namespace },
        ...secretData(index, 0),
      });
    });
  },
};

export function secretName(index: number): string {
  return `secret-${String(index).padStart(4, "0")}`;
}

/** What a Secret of {@link followers} holds, in some version. */
export function secretData(index: number, version: number): { data: Record<string, string> } {
  return { data: { [SECRET_KEY]: Buffer.from(valueOf(secretName(index), version)).toString("base64") } };
}

function valueOf(name: string, version: number): string {
  return `version ${version} of ${name} `.padEnd(VALUE_BYTES, "x");
}

function sourceOf(kestraNamespace: string, id: string, version: number): string {
  let source = `id: ${id}\nnamespace: ${kestraNamespace}\ntasks:\n`;
  for (let number = 1; source.length < SOURCE_BYTES; number++) {
    const message = `step ${number} of version ${version}, {{ execution.startDate }}`;
    source += `  - id: step_${number}\n    type: io.kestra.plugin.core.log.Log\n    message: "${message}"\n`;
  }
  return source;
}
