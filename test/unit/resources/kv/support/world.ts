import type { KestraClient } from "../../../../../src/kestra/client.ts";
import type { KvWrite } from "../../../../../src/kestra/kv.ts";
import type { KvIdentity } from "../../../../../src/kestra/types.ts";
import { canonicalJson, digestOf } from "../../../../../src/lib/digest.ts";
import { isoDurationMs } from "../../../../../src/lib/isoDuration.ts";
import { controlledKvs } from "../../../../../src/operator/kvs.ts";
import { projectKv } from "../../../../../src/resources/kv/cache.ts";
import type { CachedKv } from "../../../../../src/resources/kv/cache.ts";
import type { KvContext } from "../../../../../src/resources/kv/observe.ts";
import { kestraKvs } from "../../../../../src/resources/kv/schema.ts";
import type { KvSpec, KvStatus } from "../../../../../src/resources/kv/schema.ts";
import { readClaim } from "../../../../../src/resources/ownership/claim.ts";
import { identityKey, sameIdentity } from "../../../../../src/resources/ownership/identity.ts";
import { isReady, readyReason } from "../../../../../src/resources/decisions.ts";
import { findCondition } from "../../../../../src/kubernetes/conditions.ts";
import type { Resource } from "../../support/kubernetesInMemory.ts";
import { Violation, World } from "../../support/world.ts";
import { KvInMemory } from "./kvInMemory.ts";

export type KvResource = Resource<KvSpec, KvStatus>;

/** Every value in these tests has this in it, and nothing else has. */
export const CANARY = "canary";

/**
 * A world of entries. Besides what every world watches over: nothing is written that holds already, unless it is to be renewed; what
 * is to be made once is not made again; no value leaves the process but to Kestra, nor the digest of one that a reference gave.
 */
export class KvWorld extends World<CachedKv, KvSpec, KvStatus> {
  readonly kestra = new KvInMemory((identity, entry, effect) => {
    if (entry === undefined) return this.change("delete", identity, effect);
    this.#mustBeNeeded(identity, entry);
    return this.change("put", identity, effect);
  }, this.clock);
  readonly client = { kv: this.kestra } as unknown as KestraClient;
  override readonly inspect = (text: string): void => {
    if (text.includes(CANARY)) throw new Violation(`a value is told: ${text}`);
    for (const { data } of [...this.kubernetes.secrets.values(), ...this.kubernetes.configMaps.values()])
      for (const value of Object.values(data))
        for (const form of [value, JSON.stringify(value), textOf(value), JSON.stringify(textOf(value))])
          if (text.includes(digestOf(form))) throw new Violation(`the digest of a value is told: ${text}`);
  };

  constructor() {
    super({ type: kestraKvs, project: projectKv, control: controlledKvs });
  }

  get kvContext(): KvContext {
    return { ...this.context, secrets: this.process.secrets };
  }

  /** Somebody makes or changes an entry. Whoever claimed the place before has the right to what is made there: claims have no proof. */
  edit(identity: KvIdentity, entry: KvWrite): void {
    const { rights } = this.kestra.save(identity, entry);
    for (const { metadata } of this.kubernetes.resources.values())
      if (sameIdentity(readClaim(metadata), identity)) rights.add(metadata.uid);
  }

  /** A Secret as it is sent: without data it is deleted. */
  changeSecret(name: string, text: string | undefined): void {
    const data = text === undefined ? undefined : { value: Buffer.from(text).toString("base64") };
    this.kubernetes.applyData("Secret", name, data);
  }

  /** Whether a resource may not have what it declares. */
  refuses(name: string): boolean {
    return readyReason(this.kubernetes.resources.get(`team/${name}`)?.status ?? {}) === "AdoptionRefused";
  }

  /** What is wrong at rest, with a Kestra that can be reached: each resource's entry is as declared, or its status says why not. */
  flaws(): string[] {
    return [...this.kubernetes.resources.values()].flatMap((resource) => {
      const { metadata, status } = resource;
      if (metadata.annotations?.["kestraflow.dev/paused"] === "true") return [];
      const flaw = metadata.deletionTimestamp === undefined ? this.#flawOf(resource) : "is still there";
      const conditions = (status?.conditions ?? []).map(
        ({ type, status: value, reason }) => `${type}=${value} ${reason}`,
      );
      return flaw === undefined ? [] : [`${metadata.name} ${flaw}: ${conditions.join(", ")}`];
    });
  }

  protected override wanted({ spec: { namespace = "", key = "" } }: KvResource): KvIdentity {
    return { tenant: "main", namespace, id: key };
  }

  protected override isIdentical(resource: KvResource, identity: KvIdentity): boolean {
    const entry = this.kestra.living(identity);
    const { description, ttl } = resource.spec;
    const declared = this.#declared(resource);
    if (entry === undefined || declared === undefined) return false;
    const sameEnd = lifeOf(entry) === (ttl === undefined ? undefined : isoDurationMs(ttl));
    return sameJson(entry.stored.json, declared) && (entry.description ?? "") === (description ?? "") && sameEnd;
  }

  protected override shown(): object {
    const living = [...this.kestra.stored].filter(([, entry]) => this.kestra.isAlive(entry));
    const entries = living.map(([key, entry]) => [key, entry.stored, entry.description, lifeOf(entry)] as const);
    return entries.toSorted(([a], [b]) => (a < b ? -1 : 1));
  }

  /** JSON of the declared value; undefined while it is missing. */
  #declared({ spec: { value, valueFrom } }: KvResource): string | undefined {
    if (valueFrom === undefined) return JSON.stringify(value);
    const { secretKeyRef, configMapKeyRef } = valueFrom;
    if (secretKeyRef) {
      const data = this.kubernetes.secrets.get(`team/${secretKeyRef.name}`)?.data[secretKeyRef.key];
      return data === undefined ? undefined : JSON.stringify(textOf(data));
    }
    const { name = "", key = "" } = configMapKeyRef ?? {};
    const text = this.kubernetes.configMaps.get(`team/${name}`)?.data[key];
    return text === undefined ? undefined : JSON.stringify(text);
  }

  #flawOf(resource: KvResource): string | undefined {
    const { metadata, spec, status = {} } = resource;
    if (status.observedGeneration !== metadata.generation) return "does not speak of its spec";
    const ready = findCondition(status.conditions, "Ready");
    if (ready === undefined || ready.message === "") return "says nothing";
    const identity = this.wanted(resource);
    const there = this.kestra.living(identity);
    if (!isReady(status)) return ready.reason === "Synced" ? "contradicts itself" : undefined;
    if (findCondition(status.conditions, "Drifted"))
      return this.isIdentical(resource, identity) ? "has not drifted" : undefined;
    if (ready.reason === "OptionalMissing") return this.#declared(resource) ? "misses nothing" : undefined;
    if (ready.reason === "Expired") return there && spec.ttlPolicy !== "Once" ? "has not expired" : undefined;
    if (ready.reason === "CreatedOnce") return spec.writePolicy === "CreateOnce" ? undefined : "is to be kept";
    if (ready.reason !== "Synced") return "gives a reason that nobody knows";
    return this.isIdentical(resource, identity) ? undefined : "is not in sync";
  }

  #mustBeNeeded(identity: KvIdentity, write: KvWrite): void {
    const actor = this.actingResource("put");
    const { policy, owned } = this.kind.project(actor);
    const name = `${identityKey(identity)} of ${actor.metadata.name}`;
    if (policy.writePolicy === "CreateOnce" && sameIdentity(owned, identity))
      throw new Violation(`${name} is made again`);
    const entry = this.kestra.living(identity);
    const life = entry && lifeOf(entry);
    const ttl = write.ttl === undefined ? undefined : isoDurationMs(write.ttl);
    const same =
      entry && sameJson(entry.stored.json, write.body) && entry.description === write.description && life === ttl;
    if (!same) return;
    const left = entry.expirationDate === undefined ? Infinity : Date.parse(entry.expirationDate) - this.kestra.now();
    if (policy.ttlPolicy !== "Renew" || left > (life ?? 0) / 2)
      throw new Violation(`${name} is written though it holds`);
  }
}

/** Milliseconds from an entry's last write to its end. */
function lifeOf({ updateDate, expirationDate }: { updateDate: string; expirationDate?: string }): number | undefined {
  return expirationDate === undefined ? undefined : Date.parse(expirationDate) - Date.parse(updateDate);
}

function sameJson(a: string, b: string): boolean {
  return canonicalJson(JSON.parse(a)) === canonicalJson(JSON.parse(b));
}

function textOf(base64: string): string {
  return Buffer.from(base64, "base64").toString();
}
