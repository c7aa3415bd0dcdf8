import type { Clock } from "../../lib/clock.ts";
import { UNANSWERED_MS } from "./timing.ts";

/**
 * Who hands slots of a trigger over in this moment. Several Backfills of one trigger are reconciled at the same time, and between the look
 * at the trigger and the call each of them finds it free.
 *
 * Assumes that one process reconciles at a time, which the lease sees to. A turn ends by itself when the call it was for is settled.
 */
export class Turns {
  readonly #taken = new Map<string, { uid: string; until: number }>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether it is this resource's turn. */
  take(trigger: string, uid: string): boolean {
    const now = this.#clock.monotonic();
    for (const [key, { until }] of this.#taken) if (until <= now) this.#taken.delete(key);
    const taken = this.#taken.get(trigger);
    if (taken !== undefined && taken.uid !== uid) return false;
    this.#taken.set(trigger, { uid, until: now + UNANSWERED_MS });
    return true;
  }

  /** It is done, and whoever looks now sees what came of it. */
  end(trigger: string, uid: string): void {
    if (this.#taken.get(trigger)?.uid === uid) this.#taken.delete(trigger);
  }
}
