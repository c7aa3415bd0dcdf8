const INSTANT =
  /^([0-9]{4}-[0-9]{2}-[0-9]{2})T([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]+))?(?:Z|([+-])([0-9]{2}):([0-9]{2}))$/i;

/** A moment in UTC. */
export interface Instant {
  /** Milliseconds since the epoch. */
  ms: number;
  /** Whether the text told more than milliseconds. */
  cut: boolean;
}

/**
 * Reads a date and time with its offset as RFC 3339 has it. Undefined for anything else: a day or a time that does not exist (leap
 * seconds among them), no offset, a year outside of 1 to 9999 in UTC.
 */
export function parseInstant(text: string): Instant | undefined {
  const match = INSTANT.exec(text);
  if (!match) return undefined;
  const [, date = "", time = "", fraction = "", sign, hours, minutes] = match;
  const local = Date.parse(`${date}T${time}.${fraction.slice(0, 3).padEnd(3, "0")}Z`);
  if (Number.isNaN(local) || !new Date(local).toISOString().startsWith(`${date}T${time}`)) return undefined;
  const [offsetHours, offsetMinutes] = [Number(hours ?? 0), Number(minutes ?? 0)];
  if (offsetHours > 23 || offsetMinutes > 59) return undefined;
  const ms = local - (offsetHours * 60 + offsetMinutes) * (sign === "-" ? -60_000 : 60_000);
  return isYear(new Date(ms).toISOString()) ? { ms, cut: /[1-9]/.test(fraction.slice(3)) } : undefined;
}

/** Whether a text is a day of the calendar, from 0001-01-01 to 9999-12-31. */
export function isCalendarDate(text: string): boolean {
  return /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(text) && parseInstant(`${text}T00:00:00Z`) !== undefined;
}

function isYear(iso: string): boolean {
  return /^[0-9]{4}-/.test(iso) && !iso.startsWith("0000");
}
