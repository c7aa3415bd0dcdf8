import { backoff, messageOf, sleep } from "../lib/async.ts";
import type { Clock } from "../lib/clock.ts";
import type { Logger } from "../lib/log.ts";
import type { KestraClient } from "./client.ts";
import { KestraUnauthorized } from "./errors.ts";
import type { ServerInfo } from "./types.ts";

/** What is known of the server at this moment. `lost` is out of reach for so long that users must be told. */
export type ServerState =
  | { kind: "unknown" }
  | { kind: "up"; info: ServerInfo }
  | { kind: "down" | "lost"; since: number; message: string }
  | { kind: "unauthorized"; message: string };

export interface ServerMonitorOptions {
  client: KestraClient;
  clock: Clock;
  logger: Logger;
  /** Milliseconds between two looks at a healthy server. */
  intervalMs: number;
  /** Milliseconds out of reach after which the server counts as lost. */
  lostAfterMs?: number;
  random?: () => number;
}

const LOST_AFTER_MS = 120_000;
const UNAUTHORIZED_RETRY_MS = 30_000;
const DOWN_BACKOFF = { baseMs: 500, capMs: 15_000 };

/**
 * Watches whether one Kestra can be reached, lets us in, and is still the one that was there before.
 *
 * Guaranteed: `epoch` grows whenever what was known of the server's content may be void: at the first contact, after being out of
 * reach, and when its uuid, version or plugins change. Listeners are told of every change of state or epoch.
 */
export class ServerMonitor {
  #state: ServerState = { kind: "unknown" };
  #epoch = 0;
  #lastContact = 0;
  readonly #listeners: (() => void)[] = [];
  readonly #options: ServerMonitorOptions;
  #wake = new AbortController();
  #suspected = false;

  constructor(options: ServerMonitorOptions) {
    this.#options = options;
  }

  get state(): ServerState {
    return this.#state;
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** Wall-clock time of the last answer, in milliseconds; 0 before the first. */
  get lastContact(): number {
    return this.#lastContact;
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Somebody's call failed in a way that says something of the server, or its login changed: look now. */
  suspect(): void {
    this.#suspected = true;
    this.#wake.abort();
  }

  /** Looks at the server until the signal is aborted, however often it is suspected at most twice a second. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    let failures = 0;
    while (!signal.aborted) {
      this.#wake = new AbortController();
      const lookedAt = clock.monotonic();
      await this.#look(signal);
      failures = this.#state.kind === "down" || this.#state.kind === "lost" ? failures + 1 : 0;
      await sleep(clock, this.#pause(failures), AbortSignal.any([signal, this.#wake.signal]));
      const early = lookedAt + DOWN_BACKOFF.baseMs - clock.monotonic();
      if (early > 0) await sleep(clock, early, signal);
    }
  }

  #pause(failures: number): number {
    const { intervalMs, random } = this.#options;
    if (failures > 0) return backoff(DOWN_BACKOFF, failures, random ?? Math.random);
    return this.#state.kind === "unauthorized" ? UNAUTHORIZED_RETRY_MS : intervalMs;
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { client, clock } = this.#options;
    const suspected = this.#suspected;
    this.#suspected = false;
    try {
      const info = await client.info(signal);
      if (this.#state.kind !== "up" || suspected) await client.checkLogin(signal);
      this.#lastContact = clock.now();
      this.#enter({ kind: "up", info });
    } catch (error) {
      if (signal.aborted) return;
      this.#enter(this.#troubled(error));
    }
  }

  #troubled(error: unknown): ServerState {
    const message = messageOf(error);
    if (error instanceof KestraUnauthorized) return { kind: "unauthorized", message };
    const { clock, lostAfterMs } = this.#options;
    const before = this.#state;
    const since = before.kind === "down" || before.kind === "lost" ? before.since : clock.now();
    const lost = clock.now() - since >= (lostAfterMs ?? LOST_AFTER_MS);
    return { kind: lost ? "lost" : "down", since, message };
  }

  #enter(next: ServerState): void {
    const before = this.#state;
    this.#state = next;
    const renewed = next.kind === "up" && (before.kind !== "up" || fingerprint(before.info) !== fingerprint(next.info));
    if (renewed) this.#epoch += 1;
    if (!renewed && before.kind === next.kind) return;
    const { logger } = this.#options;
    if (next.kind === "up") logger.info({ version: next.info.version, epoch: this.#epoch }, "Kestra is in reach");
    else if (next.kind !== "unknown") logger.warn({ state: next.kind, reason: next.message }, "Kestra cannot be used");
    for (const listener of this.#listeners) listener();
  }
}

function fingerprint({ uuid, version, pluginsHash }: ServerInfo): string {
  return `${uuid} ${version} ${pluginsHash ?? ""}`;
}
