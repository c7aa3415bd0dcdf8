import { keyOf } from "../../kubernetes/objects.ts";
import type { CachedResource } from "../model.ts";
import type { Claimant, Title } from "./arbitration.ts";
import { readClaim } from "./claim.ts";
import { identityKey, sameIdentity } from "./identity.ts";
import type { Identity } from "./identity.ts";
import { belongsTo } from "./instance.ts";

/**
 * Who wants which flow, or which entry, over all resources of a kind, by declared, claimed and recorded identity.
 *
 * Fed by the informer, so that it is complete before the first reconcile; only what a ConfigMap declares is added when it is read.
 * Tells whom a change concerns: the others who want what somebody just let go of or took.
 */
export class Claims {
  /** By identity. Rivals are few: an array takes less than a map. */
  readonly #wanted = new Map<string, Claimant[]>();
  readonly #wants = new Map<string, string[]>();
  readonly #instance: string;
  readonly #onChange: (key: string) => void;

  /**
   * @param instance whose resources are meant: resources of other instances want nothing here
   * @param onChange called with the key of every other resource that wants something whose claimants changed
   */
  constructor(instance: string, onChange: (key: string) => void) {
    this.#instance = instance;
    this.#onChange = onChange;
  }

  /** All who want this. */
  of(identity: Identity): Claimant[] {
    return [...(this.#wanted.get(identityKey(identity)) ?? [])];
  }

  /** Replaces what one resource wants. */
  update(object: CachedResource, declared: Identity | undefined): void {
    const { metadata, owned } = object;
    const titles = new Map<string, Title>();
    const claim = readClaim(metadata);
    const ours = belongsTo(this.#instance, object);
    if (ours && declared) titles.set(identityKey(declared), "declared");
    // A claim on something that is no longer declared gives no title: it only has to be cleaned up.
    if (ours && claim && (declared === undefined || sameIdentity(claim, declared)))
      titles.set(identityKey(claim), "claimed");
    if (ours && owned) titles.set(identityKey(owned), "recorded");
    const key = keyOf(object);
    const { uid, creationTimestamp: createdAt = "" } = metadata;
    const leaving = metadata.deletionTimestamp !== undefined;
    for (const identity of this.#wants.get(key) ?? []) {
      if (!titles.has(identity)) this.#drop(identity, key);
    }
    for (const [identity, title] of titles) this.#put(identity, { key, uid, createdAt, title, leaving });
    this.#wants.set(key, [...titles.keys()]);
  }

  /** The resource is gone. */
  remove(key: string): void {
    for (const identity of this.#wants.get(key) ?? []) this.#drop(identity, key);
    this.#wants.delete(key);
  }

  #put(identity: string, claimant: Claimant): void {
    const claimants = this.#wanted.get(identity) ?? [];
    const before = claimants.find(({ key }) => key === claimant.key);
    const others = claimants.filter((other) => other !== before);
    // Arrays that are spread keep room for sixteen more.
    this.#wanted.set(identity, others.concat(claimant));
    const same = before?.uid === claimant.uid && before.title === claimant.title && before.leaving === claimant.leaving;
    if (!same) this.#tell(others);
  }

  #drop(identity: string, key: string): void {
    const others = (this.#wanted.get(identity) ?? []).filter((claimant) => claimant.key !== key);
    if (others.length === 0) this.#wanted.delete(identity);
    else this.#wanted.set(identity, others);
    this.#tell(others);
  }

  #tell(claimants: readonly Claimant[]): void {
    for (const { key } of claimants) this.#onChange(key);
  }
}
