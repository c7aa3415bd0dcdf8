const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** Reads durations like `500ms`, `60s`, `10m` or `1h` into milliseconds; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text.trim());
  if (!match) return undefined;
  return Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS];
}
