import { z } from "zod";
import { parseBody } from "./transport.ts";
import type { Request, Transport } from "./transport.ts";
import { Execution } from "./types.ts";

/** Which executions are meant. */
export interface ExecutionFilter {
  namespace: string;
  flow: string;
  labels?: Record<string, string>;
  /** Only those created at or after this time, in milliseconds since the epoch. */
  from?: number;
}

const ExecutionPage = z.object({ results: z.array(Execution), total: z.number().int() });

/** Kestra's operations on executions: read only, as executions are made by triggers (kestra-rest §6). */
export class Executions {
  readonly #transport: Transport;
  readonly #tenant: string;

  constructor(transport: Transport, tenant: string) {
    this.#transport = transport;
    this.#tenant = tenant;
  }

  /**
   * One page of executions, by when they were created.
   *
   * @param order "newest" first is what to page through to see all: new ones then make it see some twice, and none not at all
   */
  async page(
    { namespace, flow, labels = {}, from }: ExecutionFilter,
    { page, size, order }: { page: number; size: number; order: "oldest" | "newest" },
    signal?: AbortSignal,
  ): Promise<{ results: Execution[]; total: number }> {
    const query = {
      page,
      size,
      sort: `state.startDate:${order === "oldest" ? "asc" : "desc"}`,
      "filters[namespace][EQUALS]": namespace,
      "filters[flowId][EQUALS]": flow,
      ...Object.fromEntries(Object.entries(labels).map(([key, value]) => [`filters[labels][EQUALS][${key}]`, value])),
      ...(from === undefined ? {} : { "filters[startDate][GREATER_THAN_OR_EQUAL_TO]": new Date(from).toISOString() }),
    };
    const path = this.#path("search");
    return this.#transport.json({ operation: "searchExecutions", method: "GET", path, query, signal }, ExecutionPage);
  }

  /** One execution; undefined where there is none, which is so too for a moment after it was made. */
  async get(id: string, signal?: AbortSignal): Promise<Execution | undefined> {
    const path = this.#path(id);
    const request: Request = { operation: "getExecution", method: "GET", path, accept: [404], signal };
    const { status, body } = await this.#transport.send(request);
    return status === 404 ? undefined : parseBody(body, Execution, request);
  }

  #path(last: string): string {
    return `/api/v1/${encodeURIComponent(this.#tenant)}/executions/${encodeURIComponent(last)}`;
  }
}
