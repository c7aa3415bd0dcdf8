import { sleep } from "../../lib/async.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Logger } from "../../lib/log.ts";
import { identityKey, parseIdentityKey } from "../ownership/identity.ts";
import type { Identity } from "../ownership/identity.ts";

/** What a list of Kestra tells of one flow or entry. */
export interface Listed {
  id: string;
  /** Grows with every change, a deletion included. */
  revision: number;
  /** Of everything else that the list tells: enough to notice a change, small enough to keep ten thousand. */
  digest: string;
}

export interface DriftMonitorOptions {
  /** For log lines, e.g. `flows`. */
  nouns: string;
  list: (namespace: string, signal: AbortSignal) => Promise<Listed[]>;
  /** Lists only while this says true: there is no point in asking a server that is out of reach. */
  ready: () => boolean;
  /** Grows when all that is known of the server's content may be void. */
  epoch: () => number;
  /** Called with the resource's key when what it owns must be read again. */
  onSuspect: (key: string) => void;
  clock: Clock;
  logger: Logger;
  /** Milliseconds between two lists of a Kestra namespace. */
  intervalMs: number;
  /** Milliseconds after which a source is read again although nothing looks different. */
  rereadMs: number;
  random?: () => number;
}

/** What the last look at a flow or entry showed. */
interface Sighting {
  owner: string;
  epoch: number;
  /** Revision seen, or undefined where it was missing. */
  revision: number | undefined;
  /** Digest in the first list after the look. */
  item: string | undefined;
  seenAt: number;
  rereadAt: number;
  suspect: boolean;
}

/**
 * Finds out which flows, or which entries, changed in Kestra by one list per Kestra namespace and interval.
 *
 * A list never decides anything: what differs from the last look, or is absent, becomes suspect and its owner reads it. Guaranteed:
 * everything is read once after start and after every new epoch, and again within about an hour, since a restored database can show
 * the same revision with another content.
 */
export class DriftMonitor {
  /** By identity, as text alone: V8 may keep a whole source in memory for an id that was read from it. */
  readonly #sightings = new Map<string, Sighting>();
  readonly #options: DriftMonitorOptions;

  constructor(options: DriftMonitorOptions) {
    this.#options = options;
  }

  /** Whether it must be read before anything is said of it. */
  mustLook(identity: Identity, owner: string): boolean {
    const sighting = this.#sightings.get(identityKey(identity));
    return sighting?.owner !== owner || sighting.suspect || sighting.epoch !== this.#options.epoch();
  }

  /** The owner read or wrote it: this is what lists are compared with from now on. */
  saw(identity: Identity, owner: string, revision: number | undefined): void {
    const { clock, rereadMs, random, epoch } = this.#options;
    const seenAt = clock.monotonic();
    const jitter = 0.75 + (random ?? Math.random)() / 2;
    this.#sightings.set(identityKey(identity), {
      owner,
      epoch: epoch(),
      revision,
      item: undefined,
      seenAt,
      rereadAt: seenAt + rereadMs * jitter,
      suspect: false,
    });
  }

  /** The resource no longer has it. */
  forget(identity: Identity, owner: string): void {
    const key = identityKey(identity);
    if (this.#sightings.get(key)?.owner === owner) this.#sightings.delete(key);
  }

  /** Lists every interval until the signal is aborted. What was seen before is forgotten: another replica may have written since. */
  async run(signal: AbortSignal): Promise<void> {
    this.#sightings.clear();
    const { clock, intervalMs, ready } = this.#options;
    while (!signal.aborted) {
      await sleep(clock, intervalMs, signal);
      if (!signal.aborted && ready()) await this.look(signal);
    }
  }

  /** One round over all namespaces that have something of ours. Failures are logged: the next round comes. */
  async look(signal: AbortSignal): Promise<void> {
    const namespaces = Map.groupBy(this.#sightings.keys(), (key) => parseIdentityKey(key).namespace);
    for (const [namespace, keys] of namespaces) {
      if (signal.aborted) return;
      const startedAt = this.#options.clock.monotonic();
      try {
        this.#compare(keys, await this.#options.list(namespace, signal), startedAt);
      } catch (error) {
        const { logger, nouns } = this.#options;
        logger.warn({ namespace, err: error }, `listing the ${nouns} of a Kestra namespace failed`);
      }
    }
  }

  /** @param keys of what the list can tell of, as far as it was known when the list began */
  #compare(keys: readonly string[], items: readonly Listed[], startedAt: number): void {
    const found = new Map(items.map((item) => [item.id, item]));
    for (const key of keys) {
      const sighting = this.#sightings.get(key);
      // A look that came after the list began knows better than the list.
      if (sighting === undefined || sighting.suspect || sighting.seenAt >= startedAt) continue;
      const item = found.get(parseIdentityKey(key).id);
      const digest = item?.digest;
      const changed = item?.revision !== sighting.revision || (sighting.item !== undefined && sighting.item !== digest);
      if (changed || startedAt >= sighting.rereadAt) {
        sighting.suspect = true;
        this.#options.onSuspect(sighting.owner);
      } else if (digest !== undefined) {
        sighting.item = digest;
      }
    }
  }
}
