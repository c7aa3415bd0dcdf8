import { z } from "zod";
import { TRIGGER_WRITE_DEADLINE_MS } from "./deadlines.ts";
import { KestraProtocolError } from "./errors.ts";
import { parseBody } from "./transport.ts";
import type { Request, Transport } from "./transport.ts";
import { TriggerRow } from "./types.ts";

/** Which trigger of which flow. */
export interface TriggerIdentity {
  namespace: string;
  flow: string;
  trigger: string;
}

/** A backfill to be started. Dates are milliseconds since the epoch. */
export interface BackfillRequest {
  start: number;
  end: number;
  inputs?: Record<string, unknown>;
  labels: Record<string, string>;
  /** It starts nothing until it is resumed. */
  paused?: boolean;
}

const PAGE_SIZE = 100;

const TriggerPage = z.object({ results: z.array(TriggerRow), total: z.number().int() });

/**
 * Kestra's operations on the state of single triggers, as the 1.x line has them (kestra-rest §5). The by-query operations are
 * deliberately not here.
 */
export class Triggers {
  readonly #transport: Transport;
  readonly #tenant: string;

  constructor(transport: Transport, tenant: string) {
    this.#transport = transport;
    this.#tenant = tenant;
  }

  /** The state of a trigger; undefined where there is none, which is so too for some 200 ms after its flow was made. */
  async get({ namespace, flow, trigger }: TriggerIdentity, signal?: AbortSignal): Promise<TriggerRow | undefined> {
    for (let page = 1; ; page += 1) {
      const { results, total } = await this.#transport.json(
        {
          operation: "listTriggers",
          method: "GET",
          path: this.#path(namespace, flow),
          query: { page, size: PAGE_SIZE, sort: "triggerId:asc" },
          signal,
        },
        TriggerPage,
      );
      const found = results.find(({ triggerId }) => triggerId === trigger);
      if (found !== undefined || results.length === 0 || page * PAGE_SIZE >= total) return found;
    }
  }

  /**
   * Starts a backfill. One that the trigger has already is replaced without a word, and its next slot kept as the date at which the live
   * schedule goes on: look before. Unknown inputs, an empty range and a disabled trigger are accepted.
   *
   * @returns the trigger's state with the backfill in it; `previousNextExecutionDate` tells what it replaced
   * @throws {KestraRejected} when there is no such flow or trigger
   */
  startBackfill(identity: TriggerIdentity, backfill: BackfillRequest, signal?: AbortSignal): Promise<TriggerRow> {
    const { start, end, inputs, labels, paused } = backfill;
    const native = {
      start: new Date(start).toISOString(),
      end: new Date(end).toISOString(),
      labels: Object.entries(labels).map(([key, value]) => ({ key, value })),
      ...(inputs === undefined ? {} : { inputs }),
      ...(paused === undefined ? {} : { paused }),
    };
    return this.#transport.json(
      {
        operation: "startBackfill",
        method: "PUT",
        path: this.#path(),
        json: { ...this.#row(identity), backfill: native },
        writes: true,
        deadline: TRIGGER_WRITE_DEADLINE_MS,
        signal,
      },
      TriggerRow,
    );
  }

  /**
   * Ends the trigger's backfill, whoever's it is: what has started goes on, and the live schedule goes on at
   * `previousNextExecutionDate`. "none" is an answer, not an error.
   */
  async deleteBackfill(identity: TriggerIdentity, signal?: AbortSignal): Promise<TriggerRow | "none"> {
    const request: Request = {
      operation: "deleteBackfill",
      method: "POST",
      path: this.#path("backfill", "delete"),
      json: this.#row(identity),
      writes: true,
      deadline: TRIGGER_WRITE_DEADLINE_MS,
      accept: [400, 404],
      signal,
    };
    const { status, body } = await this.#transport.send(request);
    if (status === 404) return "none";
    if (status !== 400) return parseBody(body, TriggerRow, request);
    if (body.includes("No backfill found")) return "none";
    throw new KestraProtocolError("deleteBackfill: Kestra could not read the request");
  }

  /** The row's key: without the tenant, 1.x finds no row (kestra-rest §5). */
  #row({ namespace, flow, trigger }: TriggerIdentity): Record<string, string> {
    return { tenantId: this.#tenant, namespace, flowId: flow, triggerId: trigger };
  }

  #path(...segments: string[]): string {
    return ["/api/v1", this.#tenant, "triggers", ...segments.map(encodeURIComponent)].join("/");
  }
}
