import fc, { type Arbitrary } from "fast-check";
import type { Change, Range } from "./slots.ts";

const MONTHS = ["JAN", "feb", "Mar", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "dec"];
const DAYS = ["MON", "tue", "WED", "Thu", "FRI", "SAT", "SUN"];
const NICKNAMES = ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];

function field(from: number, to: number, names: readonly string[] = []): Arbitrary<string> {
  const number = fc.integer({ min: from, max: to });
  const value = names.length === 0 ? number.map(String) : fc.oneof(number.map(String), fc.constantFrom(...names));
  const step = fc.integer({ min: 1, max: Math.min(to - 1, 30) });
  const range = fc
    .tuple(number, number)
    .map((ends) => ends.sort((a, b) => a - b).join("-"))
    .filter((text) => text !== "");
  const named = names.length === 0 ? range : fc.tuple(value, value).map((ends) => ends.join("-"));
  const element = fc.oneof(
    { weight: 6, arbitrary: value },
    { weight: 2, arbitrary: range },
    { weight: 1, arbitrary: named },
    { weight: 2, arbitrary: step.map((length) => `*/${length}`) },
    { weight: 1, arbitrary: fc.tuple(value, step).map((parts) => parts.join("/")) },
    { weight: 1, arbitrary: fc.tuple(range, step).map((parts) => parts.join("/")) },
  );
  return fc.oneof(
    { weight: 3, arbitrary: fc.constant("*") },
    { weight: 5, arbitrary: element },
    { weight: 2, arbitrary: fc.array(element, { minLength: 2, maxLength: 4 }).map((elements) => elements.join(",")) },
  );
}

/** Hours at which clocks change are what matters. */
const hour = fc.oneof(
  fc.constantFrom("0", "1", "2", "3", "23", "*", "0,1", "1-2", "2,3", "0-4", "*/2", "1/3"),
  field(0, 23),
);
const minute = fc.oneof(fc.constantFrom("0", "30", "*/15", "0,30", "15,45", "59"), field(0, 59));

/** Expressions that are mostly good ones, of five fields or of six. */
const cron = fc.oneof(
  { weight: 12, arbitrary: fc.tuple(fc.constant(false), fields()) },
  {
    weight: 5,
    arbitrary: fc.tuple(
      fc.constant(true),
      fc.tuple(field(0, 59), fields()).map((parts) => parts.join(" ")),
    ),
  },
  { weight: 1, arbitrary: fc.tuple(fc.boolean(), fc.constantFrom(...NICKNAMES)) },
);

function fields(): Arbitrary<string> {
  const usual = fc.constantFrom("* * *", "* * *", "1 * *", "1-7 * *");
  const days = fc.tuple(field(1, 31), field(1, 12, MONTHS), field(0, 7, DAYS)).map((parts) => parts.join(" "));
  return fc.tuple(minute, hour, fc.oneof(usual, days)).map((parts) => parts.join(" "));
}

/** Any text of what expressions are made of: what is refused has to be refused by both. */
const anyCron = fc.tuple(
  fc.boolean(),
  fc.oneof(
    fc
      .array(fc.string({ unit: fc.constantFrom(..."0123456789*/-,?LW#@|+ MONJASU"), minLength: 1, maxLength: 4 }), {
        minLength: 4,
        maxLength: 7,
      })
      .map((parts) => parts.join(" ")),
    fc
      .tuple(fields(), fc.nat(), fc.constantFrom(..."0123456789*/-,?LW#@| "))
      .map(([text, at, character]) => text.slice(0, at % text.length) + character + text.slice((at % text.length) + 1)),
  ),
);

/** A zone with its changes, from `from` to `to`. */
export interface ZoneSpan {
  zone: string;
  from: number;
  to: number;
  changes: readonly Change[];
}

/**
 * Backfills in some of the zones. Half of them begin around a change of the clocks, with few slots or with many; the others
 * somewhere.
 */
export function ranges(zones: readonly ZoneSpan[]): Arbitrary<Range> {
  return backfill(cron, zones);
}

/** The same for any text as an expression. */
export function oddRanges(zones: readonly ZoneSpan[]): Arbitrary<Range> {
  return backfill(anyCron, zones);
}

function backfill(
  expression: Arbitrary<[withSeconds: boolean, cron: string]>,
  zones: readonly ZoneSpan[],
): Arbitrary<Range> {
  return fc
    .record({
      expression,
      place: fc.constantFrom(...zones),
      near: fc.boolean(),
      any: fc.nat(),
      hours: fc.oneof(
        fc.integer({ min: -72, max: 2 }),
        fc.constantFrom(-26, -3, -2, -1, 0, 1),
        // Kestra's way into the next month leads over days that are past.
        fc.integer({ min: -720, max: 720 }),
      ),
      seconds: fc.oneof(fc.constantFrom(0, 1_800, 3_599, 1), fc.nat({ max: 3_599 })),
      days: fc.constantFrom(1, 4, 40, 400, 4_000),
      limit: fc.constantFrom(5, 20, 60),
    })
    .map(({ expression: [withSeconds, text], place, near, any, hours, seconds, days, limit }) => {
      const { zone, from, to, changes } = place;
      const change = near ? changes[any % changes.length]?.[0] : undefined;
      const start = Math.max(from, (change ?? from + (any % (to - from))) + hours * 3_600 + seconds);
      return { cron: text, withSeconds, zone, start, end: Math.min(to, start + days * 86_400), limit };
    });
}
