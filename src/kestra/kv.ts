import { z } from "zod";
import type { ExactJson } from "../lib/exactJson.ts";
import { writeExactJson } from "../lib/exactJson.ts";
import { KestraFailed, KestraProtocolError, KestraRejected } from "./errors.ts";
import { parseBody, parseExactBody } from "./transport.ts";
import type { Request, Transport } from "./transport.ts";
import { KvItem, KvType } from "./types.ts";
import type { KvIdentity } from "./types.ts";

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
  /** See `flawOfDescription` of resources/kv/description.ts for what a header can carry. */
  description?: string;
  /** As java.time.Duration reads it. It starts with the write. */
  ttl?: string;
}

const PAGE_SIZE = 1_000;
/** A namespace with more entries than these pages hold is not read at all, rather than in part. */
const MAX_PAGES = 200;
/** Most entries of all namespaces that are looked at together. */
const MOST_ENTRIES = 100_000;
/** Most rows of a search for one key; where more keys contain it, the list is read. */
const SEARCH_SIZE = 100;

const KvPage = z.object({ results: z.array(KvItem), total: z.number().int() });
const TypedValue = z.object({ type: KvType, value: z.custom<ExactJson>().optional() });

/**
 * Kestra's operations on single key-value entries (kestra-rest §4). Values may be those of Secrets: what carries one is confidential.
 * The bulk operations are deliberately not here.
 */
export class KvStore {
  readonly #transport: Transport;
  readonly #tenant: string;

  constructor(transport: Transport, tenant: string) {
    this.#transport = transport;
    this.#tenant = tenant;
  }

  /**
   * All entries of exactly this namespace, without their values. Expired ones are not among them. Entries that come and go while the
   * pages are read can make it miss others: absence here proves nothing.
   */
  async list(namespace: string, signal?: AbortSignal): Promise<KvItem[]> {
    const items = new Map<string, KvItem>();
    let received = 0;
    for (let page = 1; page <= MAX_PAGES; page += 1) {
      const { results, total } = await this.#page("listKv", namespace, { page, size: PAGE_SIZE }, signal);
      for (const item of results) if (item.namespace === namespace) items.set(item.key, item);
      received += results.length;
      if (received >= total || results.length === 0) return [...items.values()];
    }
    throw new KestraProtocolError(`listKv: more than ${MAX_PAGES * PAGE_SIZE} entries in one namespace`);
  }

  /**
   * The namespaces that have entries.
   *
   * @throws {KestraProtocolError} when there are too many entries to be sure of all
   */
  async namespaces(signal?: AbortSignal): Promise<string[]> {
    const { results, total } = await this.#page("listKv", undefined, { page: 1, size: MOST_ENTRIES }, signal);
    // Kestra sorts by the key alone: the order of those of several namespaces, and so what is on a second page, is not defined.
    if (results.length < total) throw new KestraProtocolError(`listKv: more than ${MOST_ENTRIES} entries`);
    return [...new Set(results.map(({ namespace }) => namespace))];
  }

  /** One entry's row in the list, or undefined where there is none or it has expired. */
  async find(identity: KvIdentity, signal?: AbortSignal): Promise<KvItem | undefined> {
    const found = await this.search(identity, signal);
    return found ?? (await this.list(identity.namespace, signal)).find(({ key }) => key === identity.id);
  }

  /** As {@link find}, by one small call that can miss it: how Kestra searches, and for what, depends on its database. */
  async search({ namespace, id }: KvIdentity, signal?: AbortSignal): Promise<KvItem | undefined> {
    const query = { page: 1, size: SEARCH_SIZE, "filters[q][EQUALS]": id };
    try {
      const { results } = await this.#page("findKv", namespace, query, signal);
      return results.find((item) => item.namespace === namespace && item.key === id);
    } catch (error) {
      if (error instanceof KestraFailed || error instanceof KestraRejected) return undefined;
      throw error;
    }
  }

  /** The value. Assumes that the entry has not expired: reading an expired one deletes it, and the next answer is "missing". */
  async get(identity: KvIdentity, signal?: AbortSignal): Promise<StoredValue | "missing" | "expired"> {
    const request: Request = {
      operation: "getKv",
      method: "GET",
      path: this.#path(identity),
      accept: [404, 410],
      confidential: true,
      signal,
    };
    const { status, body } = await this.#transport.send(request);
    if (status === 404) return "missing";
    if (status === 410) return "expired";
    const { type, value } = parseExactBody(body, TypedValue, request);
    return { type, json: writeExactJson(value ?? null) };
  }

  /**
   * Writes value, description and ttl together.
   *
   * @throws {KestraRejected} when Kestra refuses it; the message has nothing of the body
   */
  async put(identity: KvIdentity, { body, description, ttl }: KvWrite, signal?: AbortSignal): Promise<void> {
    await this.#transport.send({
      operation: "putKv",
      method: "PUT",
      path: this.#path(identity),
      headers: { ...(description === undefined ? {} : { description }), ...(ttl === undefined ? {} : { ttl }) },
      text: body,
      writes: true,
      confidential: true,
      signal,
    });
  }

  /** Deletes an entry; one that is not there counts as deleted. */
  async delete(identity: KvIdentity, signal?: AbortSignal): Promise<void> {
    const request: Request = {
      operation: "deleteKv",
      method: "DELETE",
      path: this.#path(identity),
      writes: true,
      accept: [404],
      signal,
    };
    const { status, body } = await this.#transport.send(request);
    if (status !== 404) parseBody(body, z.boolean(), request);
  }

  #page(
    operation: string,
    namespace: string | undefined,
    query: NonNullable<Request["query"]>,
    signal: AbortSignal | undefined,
  ): Promise<z.infer<typeof KvPage>> {
    const path = `/api/v1/${encodeURIComponent(this.#tenant)}/kv`;
    const filter = namespace === undefined ? {} : { "filters[namespace][EQUALS]": namespace };
    const filtered = { ...query, sort: "key:asc", ...filter };
    return this.#transport.json({ operation, method: "GET", path, query: filtered, signal }, KvPage);
  }

  #path({ namespace, id }: KvIdentity): string {
    const [tenant, ns, key] = [this.#tenant, namespace, id].map(encodeURIComponent);
    return `/api/v1/${tenant}/namespaces/${ns}/kv/${key}`;
  }
}
