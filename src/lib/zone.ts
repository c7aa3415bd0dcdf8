import { isCalendarDate } from "./rfc3339.ts";

const DAY = 86_400;
const STRETCH = 5 * DAY;
/** What java.time.ZoneId.of takes besides names: an offset of at most 18 hours, alone or after UTC, GMT or UT. */
const FIXED = /^(?:Z|(UTC|GMT|UT)?(?:([+-])(\d\d?|\d\d:?[0-5]\d|\d\d:[0-5]\d:[0-5]\d|\d\d[0-5]\d[0-5]\d))?)$/;
const MAX_FIXED = 18 * 3_600;

/** A stretch of time within which the clocks change once at most. */
interface Stretch {
  index: number;
  before: number;
  /** The first instant with the offset `after`; infinite where they do not change. */
  change: number;
  after: number;
}

/**
 * The clocks of a time zone. Instants are whole seconds since the epoch, offsets the seconds by which the clocks are ahead of UTC, and
 * a local time is what the clocks show, counted as if they showed UTC.
 *
 * The rules are those of Node's own data (`process.versions.tz`). Assumed, and true of all zones from 1970 on, where the shortest time
 * is a week less one hour (America/Boa_Vista in 2000): between two changes lie more than five days.
 */
export class Zone {
  readonly #stretches = new Map<number, Stretch>();
  #latest: Stretch | undefined;
  readonly #read: (instant: number) => number;

  /** Throws a RangeError for what is no zone, see isZone. */
  constructor(name: string) {
    const fixed = fixedOffset(name);
    this.#read = fixed === undefined ? reader(name) : () => fixed;
  }

  offsetAt(instant: number): number {
    const { before, change, after } = this.#stretch(Math.floor(instant / STRETCH));
    return instant < change ? before : after;
  }

  /**
   * The instant at which the clocks show a local time, by the rules of java.time.ZonedDateTime.ofLocal: a time that is skipped is
   * moved on by as much as is skipped; of a time that comes twice the one with the offset `preferred` is taken, else the first.
   */
  instantOf(local: number, preferred?: number): number {
    const { early, late } = this.#candidates(local);
    return late.exists && (!early.exists || preferred === late.offset) ? late.instant : early.instant;
  }

  /** The first instant at or after the given local time; not moved on where it is skipped. */
  firstInstantFrom(local: number): number {
    const { early, late } = this.#candidates(local);
    if (early.exists) return early.instant;
    return late.exists ? late.instant : this.#change(late.instant, early.instant);
  }

  /** The instants at which the clocks would show a local time by the offsets of the day before and of the day after. */
  #candidates(local: number) {
    const [before, after] = [this.offsetAt(local - DAY), this.offsetAt(local + DAY)];
    return { early: this.#candidate(local, before), late: this.#candidate(local, after) };
  }

  #candidate(local: number, offset: number) {
    const instant = local - offset;
    return { instant, offset, exists: this.offsetAt(instant) === offset };
  }

  #stretch(index: number): Stretch {
    if (this.#latest?.index === index) return this.#latest;
    let stretch = this.#stretches.get(index);
    if (!stretch) {
      const [start, end] = [index * STRETCH, (index + 1) * STRETCH];
      const [before, after] = [this.#read(start), this.#read(end)];
      stretch = { index, before, change: before === after ? Infinity : this.#change(start, end), after };
      this.#stretches.set(index, stretch);
    }
    this.#latest = stretch;
    return stretch;
  }

  /** When the offset of `end` begins, somewhere after `start`. */
  #change(start: number, end: number): number {
    const after = this.#read(end);
    let [old, changed] = [start, end];
    while (changed - old > 1) {
      const middle = Math.floor((old + changed) / 2);
      if (this.#read(middle) === after) changed = middle;
      else old = middle;
    }
    return changed;
  }
}

/**
 * Whether a text names a time zone: one of the IANA database as Node knows it, or an offset as java.time.ZoneId.of reads it (`Z`,
 * `+05:30`, `UTC+2`). Wider than Java's: upper and lower case are one, and short names such as `PST` are taken.
 */
export function isZone(name: string): boolean {
  try {
    new Zone(name);
    return true;
  } catch {
    return false;
  }
}

/**
 * When a day (a calendar date as in isCalendarDate) begins in a zone, in milliseconds since the epoch: at midnight, at the first of two
 * midnights, or where midnight is skipped at the first moment that there is. Of a day that is skipped as a whole, the moment at which it
 * is. Throws a RangeError for what is no date or no zone.
 */
export function startOfDay(date: string, zone: string): number {
  return startOf(midnight(date), zone);
}

/** The last millisecond of a day in a zone: the next day begins after it. See startOfDay. */
export function endOfDay(date: string, zone: string): number {
  return startOf(midnight(date) + DAY, zone) - 1;
}

const startOf = (local: number, zone: string) => new Zone(zone).firstInstantFrom(local) * 1_000;

function midnight(date: string): number {
  if (!isCalendarDate(date)) throw new RangeError(`${JSON.stringify(date)} is not a date such as 2026-01-31`);
  return Date.parse(`${date}T00:00:00Z`) / 1_000;
}

function fixedOffset(name: string): number | undefined {
  const match = FIXED.exec(name);
  if (!match || name === "") return undefined;
  const [, , sign = "+", text = ""] = match;
  const digits = text.replaceAll(":", "");
  const [hours, minutes, seconds] = [digits.slice(0, 2), digits.slice(2, 4), digits.slice(4)].map(Number);
  const offset = (hours ?? 0) * 3_600 + (minutes ?? 0) * 60 + (seconds ?? 0);
  if (offset > MAX_FIXED) throw new RangeError(`The offset ${name} is larger than 18 hours`);
  return sign === "-" ? -offset : offset;
}

function reader(name: string): (instant: number) => number {
  const format = new Intl.DateTimeFormat("en-US", { timeZone: name, timeZoneName: "longOffset" });
  return (instant) => {
    const [, sign, hours, minutes, seconds] =
      /GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/.exec(format.format(instant * 1_000)) ?? [];
    const offset = Number(hours ?? 0) * 3_600 + Number(minutes ?? 0) * 60 + Number(seconds ?? 0);
    return sign === "-" ? -offset : offset;
  };
}
