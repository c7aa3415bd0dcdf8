import type { Transport } from "./transport.ts";
import type { KvIdentity, KvItem, KvType } from "./types.ts";

/** A value as Kestra gives it back. */
export interface StoredValue {
  type: KvType;
  /** The exact JSON text of the value, with every digit of its numbers; `null` where Kestra holds none. */
  json: string;
}

/** What is written of an entry. What is left out is cleared. */
export interface KvWrite {
  /** The value as Kestra reads it: see `Encoded` of resources/kv/value.ts. */
  body: string;
  description?: string;
  /** As java.time.Duration reads it. It starts with the write. */
  ttl?: string;
}

/** Kestra's operations on single key-value entries (kestra-rest §4). */
export class KvStore {
  readonly #transport: Transport;
  readonly #tenant: string;

  constructor(transport: Transport, tenant: string) {
    this.#transport = transport;
    this.#tenant = tenant;
  }

  /** All entries of exactly this namespace, without their values. Expired ones are not among them. */
  list(namespace: string, signal?: AbortSignal): Promise<KvItem[]> {
    return this.#later(namespace, signal);
  }

  /** One entry's row in the list, or undefined where there is none or it has expired. */
  find(identity: KvIdentity, signal?: AbortSignal): Promise<KvItem | undefined> {
    return this.#later(identity, signal);
  }

  /** The value. Assumes that the entry has not expired: reading an expired one deletes it, and the next answer is "missing". */
  get(identity: KvIdentity, signal?: AbortSignal): Promise<StoredValue | "missing" | "expired"> {
    return this.#later(identity, signal);
  }

  /**
   * Writes value, description and ttl together.
   *
   * @throws {KestraRejected} when Kestra refuses it; the message has nothing of the body
   */
  put(identity: KvIdentity, write: KvWrite, signal?: AbortSignal): Promise<void> {
    return this.#later(identity, write, signal);
  }

  /** Deletes an entry; one that is not there counts as deleted. */
  delete(identity: KvIdentity, signal?: AbortSignal): Promise<void> {
    return this.#later(identity, signal);
  }

  #later(...given: unknown[]): Promise<never> {
    return Promise.reject(new Error(`not yet ${this.#tenant} ${typeof this.#transport} ${given.length}`));
  }
}
