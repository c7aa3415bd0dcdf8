import { createHash } from "node:crypto";
import { messageOf, settles } from "../lib/async.ts";
import { systemClock, type Clock } from "../lib/clock.ts";
import type { Logger } from "../lib/log.ts";
import type { KubernetesClient } from "./client.ts";
import { boundedMessage, toSeconds } from "./conditions.ts";
import { coreTypes, type ObjectReference } from "./objects.ts";

export interface EventInput {
  type: "Normal" | "Warning";
  /** One word in CamelCase. */
  reason: string;
  message: string;
}

export interface EventRecorderOptions {
  client: KubernetesClient;
  /** Who reports: the operator's name. */
  component: string;
  /** Which of its replicas. Default: the component. */
  instance?: string | undefined;
  /** The same event about the same object is sent once in this time. Default 10 minutes. */
  windowMs?: number | undefined;
  /** Events about one object that may come in a row; then one per `refillMs`. Default 10, and one every 30 s. */
  burst?: number | undefined;
  refillMs?: number | undefined;
  /** Events that may wait to be sent. Default 1000; more are dropped. */
  capacity?: number | undefined;
  logger: Logger;
  clock?: Clock | undefined;
  /** Called for every event that was not sent, with why. */
  onDropped?: ((why: "duplicate" | "rate" | "full" | "failed") => void) | undefined;
}

/** What is remembered for rates and duplicates; the longest unused is forgotten first. */
const REMEMBERED = 4096;
/** Events are the least important of our writes: one at a time, so that a thousand of them take little from what they tell of. */
const CONCURRENCY = 1;

interface Bucket {
  tokens: number;
  filledAt: number;
}

/**
 * Records Events about objects, in the background.
 *
 * Guarantees: {@link record} never waits, never throws and never fails a reconcile. Events may be lost: duplicates, floods
 * about one object, and whatever the API server refuses are dropped, counted, and not tried again.
 */
export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #clock: Clock;
  readonly #sentAt = new Recent<number>(REMEMBERED);
  readonly #buckets = new Recent<Bucket>(REMEMBERED);
  readonly #waiting: (() => Promise<void>)[] = [];
  readonly #sending = new Set<Promise<void>>();
  #closed = false;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  record(about: ObjectReference, event: EventInput): void {
    const bounded = { ...event, message: boundedMessage(event.message) };
    const why = this.#reasonToDrop(about, bounded);
    if (why !== undefined) {
      this.#options.onDropped?.(why);
      return;
    }
    const at = new Date(this.#clock.now());
    this.#waiting.push(() => this.#send(about, bounded, at));
    this.#drain();
  }

  /** Accepts nothing more and waits for what is on its way, at most `graceMs`; the rest is dropped. */
  async stop(graceMs = 2_000): Promise<void> {
    this.#closed = true;
    const flushed = async () => {
      while (this.#sending.size > 0) await Promise.all(this.#sending);
    };
    await settles(this.#clock, flushed(), graceMs);
    this.#waiting.length = 0;
  }

  #reasonToDrop(about: ObjectReference, event: EventInput): "duplicate" | "rate" | "full" | undefined {
    const now = this.#clock.monotonic();
    const identity = JSON.stringify([about.uid, event.type, event.reason, event.message]);
    const sentAt = this.#sentAt.get(identity);
    if (sentAt !== undefined && now - sentAt < (this.#options.windowMs ?? 600_000)) return "duplicate";
    if (this.#closed || this.#waiting.length >= (this.#options.capacity ?? 1000)) return "full";
    if (!this.#takeToken(about.uid, now)) return "rate";
    this.#sentAt.set(identity, now);
    return undefined;
  }

  #takeToken(uid: string, now: number): boolean {
    const { burst = 10, refillMs = 30_000 } = this.#options;
    const { tokens, filledAt } = this.#buckets.get(uid) ?? { tokens: burst, filledAt: now };
    const filled = Math.min(burst, tokens + (now - filledAt) / refillMs);
    if (filled < 1) return false;
    this.#buckets.set(uid, { tokens: filled - 1, filledAt: now });
    return true;
  }

  #drain(): void {
    while (this.#sending.size < CONCURRENCY) {
      const send = this.#waiting.shift();
      if (send === undefined) return;
      const sending = send().finally(() => {
        this.#sending.delete(sending);
        this.#drain();
      });
      this.#sending.add(sending);
    }
  }

  async #send(about: ObjectReference, event: EventInput, at: Date): Promise<void> {
    const { client, component, instance, logger, onDropped } = this.#options;
    const namespace = about.namespace ?? "default";
    const time = toSeconds(at);
    const digest = createHash("sha256")
      .update(JSON.stringify([about.uid, event, at.getTime()]))
      .digest("hex");
    try {
      await client.create(coreTypes.event, {
        metadata: { name: `${about.name.slice(0, 230)}.${digest.slice(0, 16)}`, namespace },
        involvedObject: about,
        ...event,
        count: 1,
        firstTimestamp: time,
        lastTimestamp: time,
        source: { component },
        reportingComponent: component,
        reportingInstance: instance ?? component,
      });
    } catch (error) {
      logger.warn({ reason: event.reason, about: about.name, cause: messageOf(error) }, "an Event was not recorded");
      onDropped?.("failed");
    }
  }
}

/** A map that forgets what was set longest ago. */
class Recent<V> {
  readonly #entries = new Map<string, V>();
  readonly #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get(key: string): V | undefined {
    return this.#entries.get(key);
  }

  set(key: string, value: V): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size <= this.#capacity) return;
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest);
      return;
    }
  }
}
