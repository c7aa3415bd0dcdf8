import { Zone } from "../../lib/zone.ts";
import { type CronFields, parseCron } from "./cron.ts";

/** What a Schedule trigger of Kestra says about its slots. */
export interface Schedule {
  cron: string;
  withSeconds: boolean;
  zone: string;
}

/**
 * The ticks of a schedule: the slots for which a backfill of Kestra starts executions. Instants are milliseconds since the epoch.
 *
 * Kestra goes from slot to slot. At a change of the clocks it therefore depends on the past what is a slot: a daily 01:30 that comes
 * twice is one if the first was a slot, and is one too for a backfill that begins in between. So, too, here: `after` is the next from
 * where one stands, and `between` is what a backfill from `first` to `last` does.
 */
export interface Ticks {
  /** The first tick after an instant; undefined where there is none within 10 years, or where Kestra finds none. */
  after(instant: number): number | undefined;
  /** The last tick before an instant, of a walk that began ticks and days earlier; undefined where there is none within 10 years. */
  before(instant: number): number | undefined;
  /** Whether a backfill that begins at an instant has it for a slot. */
  includes(instant: number): boolean;
  /** The slots of a backfill from `first` to `last`, both included, computed as they are taken. */
  between(first: number, last: number): Iterable<number>;
}

/** A moment in both of its writings, in seconds. */
interface Moment {
  instant: number;
  /** What the clocks show, see Zone. */
  local: number;
}

interface Unit {
  seconds: number;
  /** How many there are in the next larger one. */
  count: number;
}

const SECOND: Unit = { seconds: 1, count: 60 };
const MINUTE: Unit = { seconds: 60, count: 60 };
const HOUR: Unit = { seconds: 3_600, count: 24 };
const DAY = 86_400;
/** What fires at all fires within 8 years: on the 29th of February. */
const YEARS = 10;
/** As many as Kestra tries. */
const MAX_STEPS = 100_000;

/**
 * @throws {UnsupportedCron} for an expression that is not understood
 * @throws {RangeError} for what is no zone
 */
export function parseSchedule({ cron, withSeconds, zone }: Schedule): Ticks {
  const clocks = new Zone(zone);
  const walk = new Walk(parseCron(cron, withSeconds), clocks);
  /** Kestra starts an execution for a date only when it is the next one, seen from a second earlier (Schedule.evaluate). */
  const runs = (second: number) => walk.next(second - 1) === second;

  function after(instant: number): number | undefined {
    let second = walk.next(Math.floor(instant / 1_000));
    while (second !== undefined && !runs(second)) second = walk.next(second);
    return second === undefined ? undefined : second * 1_000;
  }

  function* between(first: number, last: number): Generator<number> {
    const start = Math.ceil(first / 1_000);
    let tick = runs(start) ? start * 1_000 : after(start * 1_000);
    while (tick !== undefined && tick <= last) {
      yield tick;
      tick = after(tick);
    }
  }

  function before(instant: number): number | undefined {
    const hasTick = (start: number) => (after(start) ?? Infinity) < instant;
    let span = 2 ** 17 * 1_000; // A day and a half, and halves come down to one second.
    while (!hasTick(instant - span)) {
      if (span > YEARS * 366 * DAY * 1_000) return undefined;
      span *= 2;
    }
    // The later half, as long as it has a tick: down to the one second that is left.
    let from = instant - span;
    for (span /= 2; span >= 1_000; span /= 2) if (hasTick(from + span)) from += span;
    const [tick, earlier] = [after(from) ?? from, from - 2 * DAY * 1_000];
    if (clocks.offsetAt(tick / 1_000) === clocks.offsetAt(Math.floor(earlier / 1_000))) return tick;
    // The clocks change shortly before it, so that what is a slot depends on the way there: on the one from the tick before.
    let last: number | undefined;
    for (const slot of between(before(earlier) ?? earlier, instant - 1)) last = slot;
    return last;
  }

  return { after, before, between, includes: (instant) => instant % 1_000 === 0 && runs(instant / 1_000) };
}

/**
 * Goes from one date of a schedule to the next exactly as Kestra 1.1 does, which is what `SingleExecutionTime.nextExecution` of
 * cron-utils 9.2.1 does with a java.time.ZonedDateTime: from an instant it moves on month by month, day by day, and then by whole hours,
 * minutes and seconds of elapsed time, and stops at the first that fits. Where the clocks change, that is neither "every local time
 * that exists" nor any other rule that can be said in a sentence, so the steps are the same here, one by one; test/integration/backfill
 * compares them with Kestra's own class.
 */
class Walk {
  readonly #fields: CronFields;
  readonly #zone: Zone;
  readonly #firstTime: number;
  readonly #days = new Map<number, readonly number[]>();

  constructor(fields: CronFields, zone: Zone) {
    this.#fields = fields;
    this.#zone = zone;
    this.#firstTime =
      Math.min(...fields.hours) * HOUR.seconds +
      Math.min(...fields.minutes) * MINUTE.seconds +
      Math.min(...fields.seconds);
  }

  /** The date after a second; undefined where there is none within 10 years, or where Kestra finds none. */
  next(second: number): number | undefined {
    const found = this.#match(second);
    if (found?.instant !== second) return found?.instant;
    const next = this.#match(second + 1);
    if (!next || offset(next) >= offset(found)) return next?.instant;
    // The clocks were set back in between: the same local time may have come again, which counts only for what is frequent.
    const third = this.#match(next.instant + 1);
    const rare = third !== undefined && third.instant - next.instant >= 2 * HOUR.seconds;
    return rare ? this.#match(second + 1 + HOUR.seconds)?.instant : next.instant;
  }

  /** The first that fits, from a second on. */
  #match(second: number): Moment | undefined {
    let at: Moment | undefined = this.#moment(second);
    const lastYear = calendar(at).year + YEARS;
    const { months, hours, minutes, seconds } = this.#fields;
    for (let step = 0; at && step < MAX_STEPS; step++) {
      const { year, month, day } = calendar(at);
      if (year > lastYear) return undefined;
      if (!months.has(month)) at = this.#toNextMonth(at);
      else if (!this.#daysOf(year, month).includes(day)) at = this.#toNextDay(at);
      else if (!hours.has(shown(HOUR, at))) at = this.#toNext(HOUR, hours, at);
      else if (!minutes.has(shown(MINUTE, at))) at = this.#toNext(MINUTE, minutes, at);
      else if (!seconds.has(shown(SECOND, at))) at = this.#toNext(SECOND, seconds, at);
      else return at;
    }
    return undefined;
  }

  #toNextMonth(at: Moment): Moment {
    const { year, month } = calendar(at);
    const next = [...this.#fields.months].filter((candidate) => candidate > month).sort((a, b) => a - b)[0];
    if (next === undefined) return this.#on(this.#on(this.#midnight(at), { month: 1 }), { day: 1 }, { year: year + 1 });
    const day = this.#daysOf(year, next)[0];
    return day === undefined ? this.#toMonthAfter(at) : this.#firstTimeOf(this.#on(at, { month: next }, { day }));
  }

  #toNextDay(at: Moment): Moment {
    const { year, month, day } = calendar(at);
    const days = this.#daysOf(year, month);
    if (days.length === 0) return this.#toMonthAfter(at);
    const next = days.find((candidate) => candidate > day);
    if (next === undefined) return this.#on(this.#midnight(at), { day: 1 }, { month: month + 1 });
    return this.#firstTimeOf(this.#on(at, { day: next }));
  }

  #toMonthAfter(at: Moment): Moment {
    return this.#on(this.#midnight(at), { month: calendar(at).month + 1 }, { day: 1 });
  }

  /** To the beginning of the next unit that fits, by steps of its length. Kestra gives up after as many as nearly two rounds. */
  #toNext(unit: Unit, fitting: ReadonlySet<number>, at: Moment): Moment | undefined {
    const begin = (moment: Moment) => this.#showing(moment, moment.local - modulo(moment.local, unit.seconds));
    const from = shown(unit, at);
    let steps = 1;
    while (!fitting.has((from + steps) % unit.count)) steps++;
    const direct = this.#moment(at.instant + steps * unit.seconds);
    if (offset(direct) === offset(at)) return begin(direct);
    // The clocks change on the way.
    let next = at;
    for (let step = 0; step < 2 * (unit.count - 1); step++) {
      next = this.#moment(next.instant + unit.seconds);
      if (fitting.has(shown(unit, next))) return begin(next);
    }
    return undefined;
  }

  #midnight(at: Moment): Moment {
    return this.#showing(at, at.local - modulo(at.local, DAY));
  }

  #firstTimeOf(at: Moment): Moment {
    return this.#showing(at, at.local - modulo(at.local, DAY) + this.#firstTime);
  }

  /**
   * The same time on another date, changed part by part. Each change can meet a time that is skipped, which moves it on, and it keeps
   * that time on the next date: Kestra's way to miss a midnight after one that was skipped.
   */
  #on(at: Moment, ...changes: { year?: number; month?: number; day?: number }[]): Moment {
    return changes.reduce((moment, change) => {
      const { year, month, day } = { ...calendar(moment), ...change };
      const date = Math.min(day, daysIn(year, month));
      return this.#showing(moment, Date.UTC(year, month - 1, date) / 1_000 + modulo(moment.local, DAY));
    }, at);
  }

  #showing(at: Moment, local: number): Moment {
    return local === at.local ? at : this.#moment(this.#zone.instantOf(local, offset(at)));
  }

  #moment(instant: number): Moment {
    return { instant, local: instant + this.#zone.offsetAt(instant) };
  }

  /** The days of a month that fit: days of month and days of week are added to each other where both are given. */
  #daysOf(year: number, month: number): readonly number[] {
    const key = year * 12 + month;
    let days = this.#days.get(key);
    if (!days) {
      const { daysOfMonth, daysOfWeek } = this.#fields;
      const every = daysOfMonth === undefined && daysOfWeek === undefined;
      const first = new Date(Date.UTC(year, month - 1, 1)).getUTCDay();
      days = Array.from({ length: daysIn(year, month) }, (_, index) => index + 1).filter(
        (day) => every || daysOfMonth?.has(day) === true || daysOfWeek?.has((first + day - 1) % 7) === true,
      );
      this.#days.set(key, days);
    }
    return days;
  }
}

const offset = ({ local, instant }: Moment) => local - instant;
const shown = ({ seconds, count }: Unit, { local }: Moment) => modulo(Math.floor(local / seconds), count);
const modulo = (dividend: number, divisor: number) => ((dividend % divisor) + divisor) % divisor;
const daysIn = (year: number, month: number) => new Date(Date.UTC(year, month, 0)).getUTCDate();

function calendar({ local }: Moment): { year: number; month: number; day: number } {
  const date = new Date(local * 1_000);
  return { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() };
}
