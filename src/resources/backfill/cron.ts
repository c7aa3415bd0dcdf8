/** An expression that cannot be understood; the message says what of it, and is fit for a condition. */
export class UnsupportedCron extends Error {
  override readonly name = "UnsupportedCron";
}

/** What the clocks have to show at a tick. */
export interface CronFields {
  seconds: ReadonlySet<number>;
  minutes: ReadonlySet<number>;
  hours: ReadonlySet<number>;
  /** Undefined where every day of the month will do. */
  daysOfMonth: ReadonlySet<number> | undefined;
  /** 1 to 12. */
  months: ReadonlySet<number>;
  /** 0 is Sunday. Undefined where every day of the week will do. */
  daysOfWeek: ReadonlySet<number> | undefined;
}

interface Field {
  name: string;
  from: number;
  to: number;
  names?: readonly string[];
}

const SECOND: Field = { name: "second", from: 0, to: 59 };
const MINUTE: Field = { name: "minute", from: 0, to: 59 };
const HOUR: Field = { name: "hour", from: 0, to: 23 };
const DAY_OF_MONTH: Field = { name: "day of month", from: 1, to: 31 };
const MONTH: Field = {
  name: "month",
  from: 1,
  to: 12,
  names: ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
};
const DAY_OF_WEEK: Field = {
  name: "day of week",
  from: 0,
  to: 7,
  names: ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"],
};

const NICKNAMES = new Map([
  ["@yearly", "0 0 1 1 *"],
  ["@annually", "0 0 1 1 *"],
  ["@monthly", "0 0 1 * *"],
  ["@weekly", "0 0 * * 0"],
  ["@daily", "0 0 * * *"],
  ["@midnight", "0 0 * * *"],
  ["@hourly", "0 * * * *"],
]);

const ELEMENT = /^(?:\*|([0-9]+|[A-Z]{3})(?:-([0-9]+|[A-Z]{3}))?)?(?:\/([0-9]+))?$/;

/**
 * Reads an expression of five fields, or of six with seconds, as Kestra 1.1 reads it (the definition at the top of its
 * `io.kestra.plugin.core.trigger.Schedule`, with cron-utils 9.2.1). What is Kestra's own:
 *
 * - 7 and 0 are both Sunday, but `SUN` is 7 in a range: `SAT-SUN` is one, `SUN-MON` is not. No range goes backwards.
 * - `5/10` begins at 5 and goes to the end of the field. A step of a day of the week goes through 0 to 7.
 * - Days of month and days of week are added to each other, unless one of the fields is only a star, or a star with the step 1.
 * - There is no `?`, `L`, `W` and `#`.
 *
 * Taken by Kestra and refused here, as nobody writes it on purpose: several expressions joined with `|`, a plus before a step, names as
 * steps, and what it does not read at the end of a range or step (`1-9-`, `1-9/2/`, `1-9/2/3`).
 *
 * @throws {UnsupportedCron} for any other text
 */
export function parseCron(cron: string, withSeconds: boolean): CronFields {
  const nickname = NICKNAMES.get(cron);
  const parts = nickname?.split(" ") ?? cron.split(/[ \t\n\v\f\r]+/).filter((part) => part !== "");
  if (nickname !== undefined && withSeconds) parts.unshift("0");
  const wanted = withSeconds ? 6 : 5;
  if (cron.includes("|")) throw new UnsupportedCron(`the cron expression ${quoted(cron)} joins several with "|"`);
  if (parts.length !== wanted) {
    throw new UnsupportedCron(`the cron expression ${quoted(cron)} has ${parts.length} fields instead of ${wanted}`);
  }
  const [second = "", minute = "", hour = "", dayOfMonth = "", month = "", dayOfWeek = ""] = withSeconds
    ? parts
    : ["0", ...parts];
  return {
    seconds: values(SECOND, second),
    minutes: values(MINUTE, minute),
    hours: values(HOUR, hour),
    daysOfMonth: isOpen(dayOfMonth) ? undefined : values(DAY_OF_MONTH, dayOfMonth),
    months: values(MONTH, month),
    daysOfWeek: isOpen(dayOfWeek)
      ? undefined
      : new Set([...values(DAY_OF_WEEK, dayOfWeek)].map((day) => (day === 7 ? 0 : day))),
  };
}

const isOpen = (text: string) => text === "*" || text === "*/1";

function values(field: Field, text: string): Set<number> {
  return new Set(
    text
      .toUpperCase()
      .split(",")
      .flatMap((element) => elementValues(field, element)),
  );
}

function elementValues(field: Field, element: string): number[] {
  const [all, first, last, step] = ELEMENT.exec(element) ?? [];
  if (!all) throw new UnsupportedCron(`${quoted(element)} is no ${field.name}`);
  let [from, to, period] = [field.from, field.to, 1];
  if (first !== undefined) {
    from = value(field, first);
    if (last !== undefined) to = value(field, last);
    else if (field === DAY_OF_WEEK && from === 7) from = 0;
    if (last === undefined && step === undefined) to = from;
  }
  if (from > to) throw new UnsupportedCron(`${quoted(element)} in the ${field.name} goes backwards`);
  if (step !== undefined) {
    period = Number(step);
    const longest = field === DAY_OF_WEEK && last !== undefined ? 6 : Math.min(field.to, field.to - field.from + 1);
    if (period < 1 || period > longest) {
      throw new UnsupportedCron(`the step of ${quoted(element)} in the ${field.name} is not from 1 to ${longest}`);
    }
  }
  return Array.from({ length: Math.floor((to - from) / period) + 1 }, (_, index) => from + index * period);
}

function value(field: Field, text: string): number {
  const named = field.names?.indexOf(text) ?? -1;
  const number = named >= 0 ? named + 1 : Number(text);
  if (number >= field.from && number <= field.to) return number;
  throw new UnsupportedCron(`${quoted(text)} is no ${field.name}, which goes from ${field.from} to ${field.to}`);
}

const quoted = (text: string) => JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
