/** How long what was seen counts for how fast it goes, in milliseconds. */
const WINDOW_MS = 5 * 60_000;

interface Sight {
  at: number;
  ended: number;
}

/** How fast slots end, from what was seen lately. Times are milliseconds of any clock that never runs backwards. */
export class Pace {
  /** Changes that were seen to happen. When those before the first look happened is not known. */
  #changes: Sight[] = [];
  #ended: number | undefined;

  /** Takes in how many slots have ended by now. */
  see(ended: number, at: number): void {
    const before = this.#ended;
    this.#ended = ended;
    if (before === undefined || ended === before) return;
    // Fewer than before: it is counted anew.
    if (ended < before) this.#changes = [];
    this.#changes.push({ at, ended });
    while (this.#changes.length > 2 && at - (this.#changes[0]?.at ?? at) > WINDOW_MS) this.#changes.shift();
  }

  /** Slots a second; undefined before the second change was seen. */
  get perSecond(): number | undefined {
    const [first, last] = [this.#changes[0], this.#changes.at(-1)];
    if (first === undefined || last === undefined || last.at <= first.at) return undefined;
    return ((last.ended - first.ended) / (last.at - first.at)) * 1_000;
  }

  /** Milliseconds until so many more have ended, going on as they did; undefined where that cannot be told. */
  timeFor(more: number, now: number): number | undefined {
    const [rate, last] = [this.perSecond, this.#changes.at(-1)];
    if (rate === undefined || last === undefined) return undefined;
    return Math.max(0, (more / rate) * 1_000 - (now - last.at));
  }
}

/** A rate in the unit that shows digits before the point. */
export function rate(perSecond: number): string {
  if (perSecond >= 1) return `${perSecond.toFixed(1)}/s`;
  return perSecond * 60 >= 1 ? `${(perSecond * 60).toFixed(1)}/min` : `${(perSecond * 3_600).toFixed(1)}/h`;
}
