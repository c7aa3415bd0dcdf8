const UNITS = [
  ["d", 86_400],
  ["h", 3_600],
  ["m", 60],
  ["s", 1],
] as const;

/** A length of time for people, in its two largest units: `45s`, `7m 46s`, `2h 5m`, `3d 4h`. */
export function shortDuration(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1_000));
  const largest = UNITS.findIndex(([, size]) => seconds >= size);
  if (largest < 0) return "0s";
  let left = seconds;
  const parts = UNITS.slice(largest, largest + 2).map(([unit, size]) => {
    const count = Math.floor(left / size);
    left -= count * size;
    return { unit, count };
  });
  return parts
    .filter(({ count }, n) => n === 0 || count > 0)
    .map(({ unit, count }) => `${count}${unit}`)
    .join(" ");
}

/** How long ago something was, in its largest unit, as in the column AGE of kubectl. */
export function age(since: string | undefined, now: number): string | undefined {
  return since === undefined ? undefined : shortDuration(now - Date.parse(since)).split(" ")[0];
}

/** A moment as people read it, in UTC; its milliseconds only where there are any. */
export function moment(iso: string | number): string {
  return new Date(iso).toISOString().replace(".000Z", "Z");
}
