import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { messageOf, sleep } from "../lib/async.ts";
import { systemClock, type Clock } from "../lib/clock.ts";
import type { Logger } from "../lib/log.ts";
import type { KubernetesClient } from "./client.ts";
import { isAlreadyExists, isForbidden, isNotFound } from "./errors.ts";
import { coreTypes, type AnyObject, type ObjectName } from "./objects.ts";

export interface LeaseOptions {
  /** Must not be fenced by this lease. Needs get, create and update of leases in the namespace. */
  client: KubernetesClient;
  namespace: string;
  name: string;
  /** Must differ between replicas. Default: host name and a random part. */
  identity?: string | undefined;
  /** How long others leave a lease alone that is not renewed. Default 15 s. */
  durationMs?: number | undefined;
  /** How long after its last renewal a leader may act. Default 10 s; the rest is for writes on their way. */
  renewDeadlineMs?: number | undefined;
  /** Between attempts to acquire or renew. Default 2 s. */
  retryMs?: number | undefined;
  logger: Logger;
  clock?: Clock | undefined;
  random?: (() => number) | undefined;
  /** We lead. `signal` is aborted before anybody else can. */
  onAcquired?: ((signal: AbortSignal) => void) | undefined;
  /** We do not lead any more; called after the signal was aborted. The lease is applied for again. */
  onLost?: ((reason: LeadershipLost) => void) | undefined;
}

/** Nothing may be written: another replica may be leading by now. */
export class LeadershipLost extends Error {
  override readonly name = "LeadershipLost";
  readonly code = "LeadershipLost";
}

/** The API server forbids what leader election needs. Waiting does not help. */
export class LeaseForbidden extends Error {
  override readonly name = "LeaseForbidden";
  readonly code = "LeaseForbidden";
}

interface LeaseSpec {
  holderIdentity?: string | null;
  leaseDurationSeconds?: number;
  acquireTime?: string | null;
  renewTime?: string | null;
  leaseTransitions?: number;
}

interface LeaseObject extends AnyObject {
  spec: LeaseSpec;
}

/** One leadership, from its acquisition to its loss. */
interface Term {
  /** When the last successful renewal was begun: the others count from later than that. */
  renewedAt: Instant;
  aborter: AbortController;
  cancelExpiry: () => void;
}

/** Both clocks: one goes on while the process is stopped, the other also while the machine sleeps. */
interface Instant {
  monotonic: number;
  wall: number;
}

/**
 * Leader election on a Lease, with a fence.
 *
 * Guarantees: while {@link fence} does not throw, no other candidate that keeps the same rules leads, however long this
 * process was frozen in between; the term's signal is aborted `durationMs - renewDeadlineMs` before another can take over.
 * Assumes: a write reaches the server within that margin after its fence was asked; clocks of different machines may be set
 * as they like, but run at the same speed.
 */
export class Lease {
  readonly identity: string;
  readonly #options: LeaseOptions;
  readonly #clock: Clock;
  readonly #durationMs: number;
  readonly #renewDeadlineMs: number;
  readonly #retryMs: number;
  readonly #stopped = new AbortController();
  #term: Term | undefined;
  /** What another holder last wrote, and when we first saw it: its clock is not ours. */
  #observed: { resourceVersion: string; at: number } | undefined;
  #running: Promise<void> | undefined;

  constructor(options: LeaseOptions) {
    this.#options = options;
    this.identity = options.identity ?? `${hostname()}_${randomUUID()}`;
    this.#clock = options.clock ?? systemClock;
    this.#durationMs = options.durationMs ?? 15_000;
    this.#renewDeadlineMs = options.renewDeadlineMs ?? 10_000;
    this.#retryMs = options.retryMs ?? 2_000;
    if (this.#durationMs <= this.#renewDeadlineMs || this.#renewDeadlineMs <= this.#retryMs) {
      throw new RangeError("A lease needs duration > renew deadline > retry period.");
    }
  }

  /** Right now, by the clock: no timer has to have fired. */
  get isLeader(): boolean {
    return this.#term !== undefined && this.#age(this.#term) < this.#renewDeadlineMs;
  }

  /** To be called at the moment of a write. Throws {@link LeadershipLost} unless we surely lead. */
  fence(): void {
    if (this.isLeader) return;
    throw this.#lost();
  }

  /** Applies for the lease until {@link stop}. Rejects, at any time, only with {@link LeaseForbidden}. */
  run(): Promise<void> {
    return (this.#running ??= this.#campaign());
  }

  /**
   * Ends the candidacy and hands the lease over at once if it is ours. Call it when all work has ended: nothing can be
   * written any more after it. Never rejects.
   */
  async stop(): Promise<void> {
    const term = this.#term;
    this.#stopped.abort();
    await this.#running?.catch(() => undefined);
    this.#term = undefined;
    if (term === undefined) return;
    term.cancelExpiry();
    term.aborter.abort(new LeadershipLost("the lease was handed over"));
    await this.#release();
  }
}
