import { E_TIMEOUT, Semaphore, withTimeout } from "async-mutex";
import type { SemaphoreInterface } from "async-mutex";
import { z } from "zod";
import { KestraProtocolError, KestraRejected } from "./errors.ts";
import { describeRejection } from "./rejection.ts";
import { parseBody } from "./transport.ts";
import type { Answer, Request, Transport } from "./transport.ts";
import { FlowDefinition, FlowItem, FlowValidation, StoredFlow } from "./types.ts";
import type { FlowIdentity } from "./types.ts";

/** 2.0 installs missing plugins while it saves, within a limit of 30 s of its own (kestra-rest §3). */
const SAVE_DEADLINE_MS = 45_000;
/** How long a change waits for its turn. Then it is made beside others: one that hangs must not hold up all flows. */
const TURN_MS = 2_000;
/** More changes than are ever made at a time. */
const ALL = 1_000;

/**
 * Kestra's operations on single flows (kestra-rest §3). The bulk, by-query and namespace-sync operations are deliberately not here:
 * they delete what they are not told about.
 */
export class Flows {
  readonly #transport: Transport;
  readonly #tenant: string;
  readonly #turns = withTimeout(new Semaphore(ALL), TURN_MS);

  constructor(transport: Transport, tenant: string) {
    this.#transport = transport;
    this.#tenant = tenant;
  }

  /** The flow with its source, or undefined where there is none. */
  get(identity: FlowIdentity, signal?: AbortSignal): Promise<StoredFlow | undefined> {
    return this.#read(identity, StoredFlow, signal);
  }

  /** The flow as Kestra parsed it, with its source, or undefined where there is none. */
  definition(identity: FlowIdentity, signal?: AbortSignal): Promise<FlowDefinition | undefined> {
    return this.#read(identity, FlowDefinition, signal);
  }

  /** The namespaces that have flows. */
  async namespaces(signal?: AbortSignal): Promise<string[]> {
    const path = this.#path("distinct-namespaces");
    return this.#transport.json({ operation: "listNamespaces", method: "GET", path, signal }, z.array(z.string()));
  }

  /** All flows of exactly this namespace, parsed, without their sources, in one call. */
  async list(namespace: string, signal?: AbortSignal): Promise<FlowItem[]> {
    const path = this.#path(namespace);
    return this.#transport.json({ operation: "listFlows", method: "GET", path, signal }, z.array(FlowItem));
  }

  /** What Kestra thinks of a source, without saving it: one verdict, as the source is one document. */
  async validate(source: string, signal?: AbortSignal): Promise<FlowValidation> {
    const request = {
      operation: "validate",
      method: "POST",
      path: `${this.#path()}/validate`,
      yaml: source,
      signal,
    } as const;
    const verdicts = await this.#transport.json(request, z.array(FlowValidation));
    const [verdict, ...more] = verdicts;
    if (verdict === undefined) throw new KestraProtocolError("validate: Kestra gave no verdict");
    if (more.length > 0)
      throw new KestraRejected(422, "Kestra reads more than one document; give each flow a resource of its own");
    return verdict;
  }

  /**
   * Creates a flow from its source. "exists" is an answer, not an error (422 with path `flow.id` on 1.x, 409 on 2.0).
   *
   * @throws {KestraRejected} when the source is invalid
   */
  async create(source: string, signal?: AbortSignal): Promise<StoredFlow | "exists"> {
    const request: Request = {
      operation: "createFlow",
      method: "POST",
      path: this.#path(),
      yaml: source,
      writes: true,
      deadline: SAVE_DEADLINE_MS,
      accept: [409, 422],
      signal,
    };
    const { status, body } = await this.#change(/\btriggers\b/.test(source) ? ALL : 1, request);
    if (status === 409 || (status === 422 && body.includes("Flow id already exists"))) return "exists";
    if (status === 422) throw new KestraRejected(status, describeRejection(body));
    return parseBody(body, StoredFlow, request);
  }

  /**
   * Replaces a flow's source. Assumes that the flow was just seen: a PUT that answers 404 has hung servers (facts).
   * Kestra keeps the revision when nothing but a `revision:` line differs.
   */
  async update({ namespace, id }: FlowIdentity, source: string, signal?: AbortSignal): Promise<StoredFlow | "missing"> {
    const request: Request = {
      operation: "updateFlow",
      method: "PUT",
      path: this.#path(namespace, id),
      yaml: source,
      writes: true,
      deadline: SAVE_DEADLINE_MS,
      accept: [404],
      signal,
    };
    const { status, body } = await this.#change(ALL, request);
    return status === 404 ? "missing" : parseBody(body, StoredFlow, request);
  }

  /** Deletes a flow; one that is not there counts as deleted. */
  async delete({ namespace, id }: FlowIdentity, signal?: AbortSignal): Promise<void> {
    const { status } = await this.#change(ALL, {
      operation: "deleteFlow",
      method: "DELETE",
      path: this.#path(namespace, id),
      writes: true,
      accept: [404],
      signal,
    });
    if (status !== 204 && status !== 404) throw new KestraProtocolError(`deleteFlow: unexpected status ${status}`);
  }

  /**
   * Makes a change in its turn: what can concern a trigger goes alone, only creations without one go beside each other. Of changes that
   * Kestra commits in another order than it numbered them its scheduler may miss one for good, as it reads its queue from the highest
   * number on that it has seen (JdbcQueue.receive, 1.1): a new trigger would then never fire, and one of a deleted flow would go on.
   *
   * @param share of {@link ALL}
   */
  async #change(share: number, request: Request): Promise<Answer> {
    let release: SemaphoreInterface.Releaser | undefined;
    try {
      [, release] = await this.#turns.acquire(share);
    } catch (error) {
      if (error !== E_TIMEOUT) throw error;
    }
    try {
      return await this.#transport.send(request);
    } finally {
      release?.();
    }
  }

  async #read<T extends z.ZodType>(
    { namespace, id }: FlowIdentity,
    schema: T,
    signal: AbortSignal | undefined,
  ): Promise<z.infer<T> | undefined> {
    const request: Request = {
      operation: "getFlow",
      method: "GET",
      path: this.#path(namespace, id),
      query: { source: true },
      accept: [404],
      signal,
    };
    const { status, body } = await this.#transport.send(request);
    return status === 404 ? undefined : parseBody(body, schema, request);
  }

  #path(...segments: string[]): string {
    return ["/api/v1", this.#tenant, "flows", ...segments.map(encodeURIComponent)].join("/");
  }
}
