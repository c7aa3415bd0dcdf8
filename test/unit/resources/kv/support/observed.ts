import type { Metadata } from "../../../../../src/kubernetes/objects.ts";
import type { KvIdentity } from "../../../../../src/kestra/types.ts";
import { FINALIZER } from "../../../../../src/resources/annotations.ts";
import { projectKv } from "../../../../../src/resources/kv/cache.ts";
import type { CachedKv } from "../../../../../src/resources/kv/cache.ts";
import type { Observed, StoredEntry } from "../../../../../src/resources/kv/model.ts";
import type { KvSpec, KvStatus } from "../../../../../src/resources/kv/schema.ts";
import { declarationDigest } from "../../../../../src/resources/kv/source.ts";
import type { Desired } from "../../../../../src/resources/kv/source.ts";
import { fromLiteral } from "../../../../../src/resources/kv/value.ts";
import type { Encoded } from "../../../../../src/resources/kv/value.ts";
import { writeClaim } from "../../../../../src/resources/ownership/claim.ts";
import { NOW, ready, settings, UID, up } from "../../support/observed.ts";

export * from "../../support/observed.ts";

export const secretKeyRef = { name: "credentials", key: "token" };
/** A spec whose value is that of a Secret. */
export const referring: Partial<KvSpec> = { value: undefined, valueFrom: { secretKeyRef } };

export function identity(id = "key"): KvIdentity {
  return { tenant: "main", namespace: "n", id };
}

/** A time this far from now, as Kestra writes it. */
export function at(milliseconds: number): string {
  return new Date(NOW + milliseconds).toISOString();
}

export function valueOf(literal: unknown): Encoded {
  return fromLiteral(literal) as Encoded;
}

export function object(spec: Partial<KvSpec> = {}, status?: KvStatus, metadata?: Partial<Metadata>): CachedKv {
  const given: Record<string, unknown> = { namespace: "n", key: "key", value: "hi", ...spec };
  if (given.value === undefined) delete given.value;
  return projectKv({
    apiVersion: "kestraflow.dev/v1alpha1",
    kind: "KestraKV",
    metadata: {
      name: "ours",
      namespace: "team",
      uid: UID,
      resourceVersion: "7",
      generation: 1,
      creationTimestamp: "2026-01-02T00:00:00Z",
      ...metadata,
    },
    spec: given,
    ...(status ? { status } : {}),
  } as Parameters<typeof projectKv>[0]);
}

export function digestOfSpec(spec: Partial<KvSpec> = {}): string {
  const literal = spec.valueFrom === undefined ? ("value" in spec ? spec.value : "hi") : undefined;
  return declarationDigest(object(spec), literal);
}

/** What a spec declares, read: of a reference this version of its Secret, with this text. */
export function desired(spec: Partial<KvSpec> = {}, text: unknown = "hi", sourceVersion = "3"): Desired {
  return {
    identity: identity(spec.key),
    digest: digestOfSpec(spec),
    ...(spec.valueFrom === undefined ? {} : { sourceVersion }),
    value: valueOf(spec.valueFrom === undefined && "value" in spec ? spec.value : text),
  };
}

/** The same without its value, as it comes from the status of a resource in sync. */
export function remembered(spec: Partial<KvSpec> = {}): Desired {
  const { identity, digest, sourceVersion } = desired(spec);
  return { identity, digest, ...(sourceVersion === undefined ? {} : { sourceVersion }) };
}

/** An entry in Kestra, written an hour ago. */
export function stored(literal: unknown = "hi", more: Partial<StoredEntry> = {}): StoredEntry {
  const { type, body } = valueOf(literal);
  return {
    namespace: "n",
    key: "key",
    version: 3,
    creationDate: at(-3_600_000),
    updateDate: at(-3_600_000),
    stored: { type, json: body },
    ...more,
  };
}

/** A status that records an entry as ours, made from a spec. */
export function recorded(
  spec: Partial<KvSpec> = {},
  more: Partial<KvStatus> = {},
  entry: Partial<NonNullable<KvStatus["entry"]>> = {},
): KvStatus {
  const { digest, sourceVersion } = desired(spec);
  const { tenant, namespace, id } = identity(spec.key);
  const url = "http://kestra/ui/main/namespaces/edit/n/kv";
  return {
    observedGeneration: 1,
    entry: { tenant, namespace, key: id, type: "STRING", version: 3, url, ...entry },
    applied: { digest, ...(sourceVersion === undefined ? {} : { sourceVersion }) },
    conditions: [ready("True", "Synced")],
    ...more,
  };
}

/** Metadata that claims an entry: before the first write of it, or else by adoption or hand-over. */
export function claiming(id: string, how: "to write" | "as it is" = "as it is"): Partial<Metadata> {
  const digest = how === "to write" ? "sha256:of-a-declaration" : undefined;
  return { finalizers: [FINALIZER], annotations: writeClaim(UID, identity(id), digest) };
}

type Facts = { [fact in keyof Omit<Observed, "object">]?: Observed[fact] | undefined };

export interface Situation extends Facts {
  metadata?: Partial<Metadata>;
  spec?: Partial<KvSpec>;
  status?: KvStatus;
}

/** A resource that declares the entry n/key; its value was read, nothing else was, and nobody else is there. */
export function observed({ metadata, spec, status, ...facts }: Situation = {}): Observed {
  return {
    object: object(spec, status, metadata),
    noun: "entry",
    settings,
    server: up,
    claimantsOf: () => [],
    mustLook: () => false,
    desired: desired(spec),
    leftBehind: new Set(),
    acts: [],
    ...facts,
  } as Observed;
}
