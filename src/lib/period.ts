/** A length of time in calendar units, as ISO 8601 has it. */
export interface Period {
  months: number;
  /** Everything below a month, in milliseconds. */
  ms: number;
}

const PERIOD = /^P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?)?$/;
const MINUTE = 60_000;

/** Reads `P1M`, `P2W`, `P1DT12H`. Undefined for anything else, and for nothing at all. */
export function parsePeriod(text: string): Period | undefined {
  const match = PERIOD.exec(text);
  if (!match) return undefined;
  const [years, months, weeks, days, hours, minutes] = match.slice(1).map((digits) => Number(digits ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const period = {
    months: years * 12 + months,
    ms: ((weeks * 7 + days) * 24 + hours) * 60 * MINUTE + minutes * MINUTE,
  };
  return period.months + period.ms > 0 ? period : undefined;
}

/**
 * Time is cut into slices of one period each, the first of which begins at `start`: the last millisecond of the slice that a moment lies
 * in. Months are those of UTC.
 */
export function endOfSlice(start: number, period: Period, moment: number): number {
  const longest = period.months * 31 * 24 * 60 * MINUTE + period.ms;
  let index = Math.max(0, Math.floor((moment - start) / longest));
  while (boundary(start, period, index + 1) <= moment) index += 1;
  return boundary(start, period, index + 1) - 1;
}

/** Where the slice with this index begins. The 31st is followed by the last day of a shorter month. */
function boundary(start: number, { months, ms }: Period, index: number): number {
  const from = new Date(start);
  const month = from.getUTCMonth() + months * index;
  const lastDay = new Date(Date.UTC(from.getUTCFullYear(), month + 1, 0)).getUTCDate();
  const moved = new Date(start);
  moved.setUTCFullYear(from.getUTCFullYear(), month, Math.min(from.getUTCDate(), lastDay));
  return moved.getTime() + ms * index;
}
