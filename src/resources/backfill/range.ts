import { isCalendarDate, parseInstant } from "../../lib/rfc3339.ts";
import { endOfDay, isZone, startOfDay } from "../../lib/zone.ts";
import type { Unreadable } from "../model.ts";
import { iso } from "./plan.ts";
import type { BackfillSpec } from "./schema.ts";

/** First and last moment, both included, in milliseconds since the epoch. */
export interface Range {
  start: number;
  end: number;
}

/**
 * The moments that a Backfill means.
 *
 * @param zone in which dates are read
 * @param now end of a range that names none, in milliseconds since the epoch
 */
export function rangeOfSpec(
  { start, end, timeZone }: Pick<BackfillSpec, "start" | "end" | "timeZone">,
  zone: string,
  now: number,
): Range | Unreadable {
  const invalid = (message: string): Unreadable => ({ reason: "RangeInvalid", message });
  if (timeZone !== undefined && !isZone(timeZone))
    return invalid(`timeZone ${timeZone} is no time zone, such as Europe/Paris.`);
  const from = momentOf(start, (date) => startOfDay(date, zone));
  if (from === undefined)
    return invalid(
      `start ${start} is neither a date nor a moment with an offset: write 2019-01-01 or 2019-01-01T00:00:00Z.`,
    );
  const to = end === undefined ? now : momentOf(end, (date) => endOfDay(date, zone));
  if (to === undefined)
    return invalid(
      `end ${end} is neither a date nor a moment with an offset: write 2020-12-31 or 2020-12-31T23:59:59Z.`,
    );
  if (to < from) return invalid(`end (${iso(to)}) lies before start (${iso(from)}).`);
  if (to > now)
    return invalid(
      `end (${iso(to)}) lies in the future, where slots are the live schedule's: leave it out to go as far as now.`,
    );
  return { start: from, end: to };
}

/** In milliseconds since the epoch; undefined for what is neither a moment nor a date. */
function momentOf(text: string, ofDate: (date: string) => number): number | undefined {
  return parseInstant(text)?.ms ?? (isCalendarDate(text) ? ofDate(text) : undefined);
}
