import { KestraRejected, KestraUnreachable } from "../../../../../src/kestra/errors.ts";
import type { KvStore, KvWrite, StoredValue } from "../../../../../src/kestra/kv.ts";
import type { KvIdentity, KvItem, KvType } from "../../../../../src/kestra/types.ts";
import type { Clock } from "../../../../../src/lib/clock.ts";
import { isoDurationMs } from "../../../../../src/lib/isoDuration.ts";
import { identityKey } from "../../../../../src/resources/ownership/identity.ts";

/** Wraps a write that the operator asks for. Without an entry it is a deletion. */
export type KvChange = <T>(identity: KvIdentity, entry: KvWrite | undefined, effect: () => T) => T;

/** An entry from its creation to its end. */
export interface Entry extends KvItem {
  stored: StoredValue;
  /** Uids of the resources that made it, took it over by their policy, or were handed it. None: a person made it. */
  rights: Set<string>;
}

/** A body with this in it is refused. */
export const REFUSED = "refused";

/** What Kestra does with entries, as far as reconciling depends on it. */
export class KvInMemory implements Pick<KvStore, "list" | "find" | "search" | "get" | "put" | "delete"> {
  readonly stored = new Map<string, Entry>();
  down = false;
  /** How far Kestra's clock is ahead of ours, in milliseconds. */
  ahead = 0;
  readonly #versions = new Map<string, number>();
  readonly #change: KvChange;
  readonly #clock: Clock;

  constructor(change: KvChange, clock: Clock) {
    this.#change = change;
    this.#clock = clock;
  }

  list(namespace: string): Promise<KvItem[]> {
    return this.#answer(() =>
      this.#living()
        .filter((entry) => entry.namespace === namespace)
        .map(rowOf),
    );
  }

  search({ namespace, id }: KvIdentity): Promise<KvItem | undefined> {
    return this.#answer(() => this.#living().find((entry) => entry.namespace === namespace && entry.key === id)).then(
      (found) => found && rowOf(found),
    );
  }

  find(identity: KvIdentity): Promise<KvItem | undefined> {
    return this.search(identity);
  }

  get(identity: KvIdentity): Promise<StoredValue | "missing" | "expired"> {
    return this.#answer(() => {
      const found = this.stored.get(identityKey(identity));
      if (found === undefined) return "missing";
      if (this.isAlive(found)) return { ...found.stored };
      this.remove(identity);
      return "expired";
    });
  }

  put(identity: KvIdentity, entry: KvWrite): Promise<void> {
    return this.#answer(() => {
      if (entry.body.includes(REFUSED)) throw new KestraRejected(422, "putKv: Kestra refused the request (422)");
      this.#change(identity, entry, () => this.save(identity, entry));
    });
  }

  delete(identity: KvIdentity): Promise<void> {
    return this.#answer(() => {
      if (!this.stored.has(identityKey(identity))) return;
      this.#change(identity, undefined, () => {
        this.remove(identity);
      });
    });
  }

  /** Saves an entry as Kestra does, whoever asks. */
  save(identity: KvIdentity, { body, description, ttl }: KvWrite): Entry {
    const key = identityKey(identity);
    const former = this.stored.get(key);
    const before = former && this.isAlive(former) ? former : undefined;
    const version = (this.#versions.get(key) ?? 0) + 1;
    const now = this.now();
    const milliseconds = ttl === undefined ? undefined : isoDurationMs(ttl);
    const entry: Entry = {
      namespace: identity.namespace,
      key: identity.id,
      version,
      creationDate: before?.creationDate ?? dateOf(now),
      updateDate: dateOf(now),
      ...(description === undefined ? {} : { description }),
      ...(milliseconds === undefined ? {} : { expirationDate: dateOf(now + milliseconds) }),
      stored: readBody(body),
      rights: before?.rights ?? new Set(),
    };
    this.stored.set(key, entry);
    this.#versions.set(key, version);
    return entry;
  }

  remove(identity: KvIdentity): void {
    this.stored.delete(identityKey(identity));
  }

  /** The entry that Kestra would show. */
  living(identity: KvIdentity): Entry | undefined {
    const found = this.stored.get(identityKey(identity));
    return found && this.isAlive(found) ? found : undefined;
  }

  rightsTo(identity: KvIdentity): Set<string> | undefined {
    return this.living(identity)?.rights;
  }

  isAlive({ expirationDate }: KvItem): boolean {
    return expirationDate === undefined || Date.parse(expirationDate) > this.now();
  }

  /** By Kestra's clock. */
  now(): number {
    return this.#clock.now() + this.ahead;
  }

  #living(): Entry[] {
    return [...this.stored.values()].filter((entry) => this.isAlive(entry));
  }

  async #answer<T>(effect: () => T): Promise<T> {
    await Promise.resolve();
    if (this.down) throw new KestraUnreachable("refused");
    return effect();
  }
}

function rowOf({ namespace, key, version, description, creationDate, updateDate, expirationDate }: Entry): KvItem {
  const item = { namespace, key, version, creationDate, updateDate };
  return {
    ...item,
    ...(description === undefined ? {} : { description }),
    ...(expirationDate === undefined ? {} : { expirationDate }),
  };
}

function dateOf(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

/** What Kestra reads in the bodies that these tests write. */
function readBody(body: string): StoredValue {
  const value: unknown = JSON.parse(body);
  const types: Record<string, KvType> = { number: "NUMBER", boolean: "BOOLEAN", string: "STRING" };
  return { type: value === null ? "STRING" : (types[typeof value] ?? "JSON"), json: body };
}
