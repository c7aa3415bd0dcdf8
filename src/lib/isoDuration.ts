const PATTERN =
  /^([+-]?)P(?:([+-]?[0-9]+)D)?(?:T(?=[+-]?[0-9])(?:([+-]?[0-9]+)H)?(?:([+-]?[0-9]+)M)?(?:([+-]?)([0-9]+)(?:[.,]([0-9]{0,9}))?S)?)?$/i;
const SECOND = 1_000_000_000n;
/** Java counts the seconds of a duration in a long. */
const MAX_SECONDS = 2n ** 63n;

/**
 * Reads what java.time.Duration.parse reads, which is ISO 8601 of days (of 24 hours), hours, minutes and seconds with up to nine
 * decimals, e.g. `P1DT2H3M4.5S`: in nanoseconds. Undefined for anything else, weeks, months and years among it.
 */
export function isoDurationNanos(text: string): bigint | undefined {
  const match = PATTERN.exec(text);
  if (!match) return undefined;
  const [, sign, days, hours, minutes, sign2, seconds, fraction = ""] = match;
  if (days === undefined && hours === undefined && minutes === undefined && seconds === undefined) return undefined;
  const ofSeconds = integer(seconds) * SECOND + integer(fraction.padEnd(9, "0"));
  const size =
    (integer(days) * 86_400n + integer(hours) * 3_600n + integer(minutes) * 60n) * SECOND +
    (sign2 === "-" ? -ofSeconds : ofSeconds);
  if (size >= MAX_SECONDS * SECOND || size < -MAX_SECONDS * SECOND) return undefined;
  return sign === "-" ? -size : size;
}

/** The same in milliseconds, rounded down. */
export function isoDurationMs(text: string): number | undefined {
  const nanos = isoDurationNanos(text);
  return nanos === undefined ? undefined : Math.floor(Number(nanos) / 1_000_000);
}

function integer(text: string | undefined): bigint {
  return BigInt((text ?? "0").replace("+", "") || "0");
}
