import { Executions } from "./executions.ts";
import { Flows } from "./flows.ts";
import { KvStore } from "./kv.ts";
import { Transport } from "./transport.ts";
import type { TransportOptions } from "./transport.ts";
import { Triggers } from "./triggers.ts";
import { ServerInfo } from "./types.ts";

export interface KestraClientOptions extends TransportOptions {
  /** `main` in the open-source edition. */
  tenant: string;
}

/** One Kestra server, by noun. */
export class KestraClient {
  readonly tenant: string;
  readonly flows: Flows;
  readonly kv: KvStore;
  readonly triggers: Triggers;
  readonly executions: Executions;
  readonly #transport: Transport;

  constructor(options: KestraClientOptions) {
    this.tenant = options.tenant;
    this.#transport = new Transport(options);
    this.flows = new Flows(this.#transport, options.tenant);
    this.kv = new KvStore(this.#transport, options.tenant);
    this.triggers = new Triggers(this.#transport, options.tenant);
    this.executions = new Executions(this.#transport, options.tenant);
  }

  /** Who answers. Open: it says nothing of whether our login is good. */
  info(signal?: AbortSignal): Promise<ServerInfo> {
    const deadline = 10_000;
    return this.#transport.json(
      { operation: "configs", method: "GET", path: "/api/v1/configs", deadline, signal },
      ServerInfo,
    );
  }

  /** Makes the cheapest call that needs a login; throws KestraUnauthorized when it is refused. */
  async checkLogin(signal?: AbortSignal): Promise<void> {
    const path = `/api/v1/${encodeURIComponent(this.tenant)}/flows/search`;
    await this.#transport.send({ operation: "checkLogin", method: "GET", path, query: { page: 1, size: 1 }, signal });
  }
}
