import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { messageOf, sleep } from "../lib/async.ts";
import { systemClock, type Clock } from "../lib/clock.ts";
import type { Logger } from "../lib/log.ts";
import type { KubernetesClient } from "./client.ts";
import { isAlreadyExists, isConflict, isForbidden, isNotFound } from "./errors.ts";
import { coreTypes, type AnyObject } from "./objects.ts";

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
  /** As we last wrote it; undefined when it has to be read again. */
  lease: LeaseObject | undefined;
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
  readonly #random: () => number;
  readonly #stopped = new AbortController();
  #term: Term | undefined;
  /** What another holder last wrote, and when we first saw it: its clock is not ours. */
  #observed: { resourceVersion: string; at: number } | undefined;
  #running: Promise<void> | undefined;

  constructor(options: LeaseOptions) {
    this.#options = options;
    this.identity = options.identity ?? `${hostname()}_${randomUUID()}`;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
    this.#durationMs = options.durationMs ?? 15_000;
    this.#renewDeadlineMs = options.renewDeadlineMs ?? 10_000;
    this.#retryMs = options.retryMs ?? 2_000;
    if (this.#durationMs <= this.#renewDeadlineMs || this.#renewDeadlineMs <= this.#retryMs) {
      throw new RangeError("A lease needs duration > renew deadline > retry period.");
    }
  }

  /** Right now, by the clock: no timer has to have fired. */
  get isLeader(): boolean {
    return this.#term !== undefined && this.#since(this.#term.renewedAt) < this.#renewDeadlineMs;
  }

  /** To be called at the moment of a write. Throws {@link LeadershipLost} unless we surely lead. */
  fence(): void {
    if (this.isLeader) return;
    throw new LeadershipLost("This replica does not hold the lease: nothing may be written.");
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
    this.#stopped.abort();
    await this.#running?.catch(() => undefined);
    const term = this.#term;
    if (term === undefined) return;
    this.#term = undefined;
    term.cancelExpiry();
    term.aborter.abort(new LeadershipLost("This replica has handed the lease over."));
    await this.#release();
  }

  async #campaign(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      if (this.#term !== undefined && !this.isLeader) this.#endTerm("it was not renewed in time");
      try {
        await this.#acquireOrRenew(signal);
      } catch (error) {
        if (signal.aborted) return;
        this.#attemptFailed(error);
      }
      // Candidates spread, so that they do not all write at the same moment.
      const spread = this.#term === undefined ? this.#random() * 0.2 : 0;
      await sleep(this.#clock, this.#retryMs * (1 + spread), signal);
    }
  }

  async #acquireOrRenew(signal: AbortSignal): Promise<void> {
    const lease = this.#term?.lease ?? (await this.#read(signal));
    const holder = lease?.spec.holderIdentity ?? "";
    if (lease !== undefined && holder !== "" && holder !== this.identity && !this.#hasExpired(lease)) {
      if (this.#term !== undefined) this.#endTerm(`"${holder}" holds it`);
      return;
    }
    const begun = this.#instant();
    this.#hold(await this.#write(lease, this.#claim(lease), signal), begun);
  }

  #attemptFailed(error: unknown): void {
    const { namespace, name, logger } = this.#options;
    // What we know of it may be outdated: read it next time.
    if (this.#term !== undefined) this.#term.lease = undefined;
    else if (isForbidden(error)) {
      const remedy = "allow get, create and update of leases.coordination.k8s.io there, or run without leader election";
      throw new LeaseForbidden(`Leader election is forbidden in namespace "${namespace}": ${remedy}. ${error.message}`);
    }
    // Another candidate was faster.
    if (isConflict(error) || isAlreadyExists(error)) return;
    logger.warn(
      { lease: `${namespace}/${name}`, err: error },
      "the lease could not be acquired or renewed, trying again",
    );
  }

  #hold(lease: LeaseObject, begun: Instant): void {
    // The process may have been frozen while the answer was on its way.
    if (this.#since(begun) >= this.#renewDeadlineMs) return;
    const renewed = this.#term;
    const term: Term = renewed ?? { aborter: new AbortController(), lease, renewedAt: begun, cancelExpiry: noExpiry };
    this.#term = term;
    term.lease = lease;
    term.renewedAt = begun;
    term.cancelExpiry();
    term.cancelExpiry = this.#clock.after(this.#renewDeadlineMs - this.#since(begun), () => {
      this.#endTerm("it was not renewed in time");
    });
    if (renewed !== undefined) return;
    this.#options.logger.info({ identity: this.identity }, "leading");
    this.#options.onAcquired?.(term.aborter.signal);
  }

  #endTerm(why: string): void {
    const term = this.#term;
    if (term === undefined) return;
    this.#term = undefined;
    term.cancelExpiry();
    const reason = new LeadershipLost(`This replica does not hold the lease any more: ${why}.`);
    term.aborter.abort(reason);
    this.#options.logger.warn({ identity: this.identity, why }, "not leading any more");
    this.#options.onLost?.(reason);
  }

  /** The lease as we want it. Only taking it from somebody else counts as a transition. */
  #claim(lease: LeaseObject | undefined): LeaseSpec {
    const now = microTime(this.#clock.now());
    const before = lease?.spec;
    const ours = before?.holderIdentity === this.identity;
    return {
      holderIdentity: this.identity,
      leaseDurationSeconds: Math.ceil(this.#durationMs / 1000),
      acquireTime: ours ? (before.acquireTime ?? now) : now,
      renewTime: now,
      leaseTransitions: (before?.leaseTransitions ?? 0) + (ours || before === undefined ? 0 : 1),
    };
  }

  /** Whether the holder has not renewed for the whole of its own duration, as seen from here by our clock. */
  #hasExpired({ metadata, spec }: LeaseObject): boolean {
    const now = this.#clock.monotonic();
    if (this.#observed?.resourceVersion !== metadata.resourceVersion) {
      this.#observed = { resourceVersion: metadata.resourceVersion, at: now };
    }
    const durationMs = spec.leaseDurationSeconds === undefined ? this.#durationMs : spec.leaseDurationSeconds * 1000;
    return now - this.#observed.at >= durationMs;
  }

  async #release(attempts = 2): Promise<void> {
    try {
      const lease = await this.#read();
      if (lease?.spec.holderIdentity !== this.identity) return;
      const { leaseTransitions = 0 } = lease.spec;
      const renewTime = microTime(this.#clock.now());
      await this.#write(lease, { holderIdentity: "", leaseDurationSeconds: 1, renewTime, leaseTransitions });
      this.#options.logger.info({ identity: this.identity }, "handed the lease over");
    } catch (error) {
      // A renewal that was cut off may have arrived all the same.
      if (isConflict(error) && attempts > 1) return this.#release(attempts - 1);
      this.#options.logger.warn({ cause: messageOf(error) }, "the lease was not handed over; it expires by itself");
    }
  }

  async #read(signal?: AbortSignal): Promise<LeaseObject | undefined> {
    const { client, namespace, name } = this.#options;
    try {
      return await client.get<LeaseObject>(coreTypes.lease, { namespace, name }, this.#limits(signal));
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  #write(lease: LeaseObject | undefined, spec: LeaseSpec, signal?: AbortSignal): Promise<LeaseObject> {
    const { client, namespace, name } = this.#options;
    if (lease !== undefined) return client.replace(coreTypes.lease, { ...lease, spec }, this.#limits(signal));
    return client.create(coreTypes.lease, { metadata: { namespace, name }, spec }, this.#limits(signal));
  }

  /** Reading and writing must both fit before the renew deadline. */
  #limits(signal: AbortSignal | undefined) {
    return { signal, deadlineMs: this.#renewDeadlineMs / 2 };
  }

  #instant(): Instant {
    return { monotonic: this.#clock.monotonic(), wall: this.#clock.now() };
  }

  #since({ monotonic, wall }: Instant): number {
    return Math.max(this.#clock.monotonic() - monotonic, this.#clock.now() - wall);
  }
}

function noExpiry(): void {
  // A new term has no timer yet.
}

/** The API server takes microseconds here and refuses a time without a fraction. */
function microTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace("Z", "000Z");
}
