import type { KvType } from "../../kestra/types.ts";
import type { ExactJson } from "../../lib/exactJson.ts";
import { isExactNumber, parseExactJson, repeatsKey, sameExactJson, writeExactJson } from "../../lib/exactJson.ts";
import { isoDurationNanos } from "../../lib/isoDuration.ts";
import { isCalendarDate, parseInstant } from "../../lib/rfc3339.ts";
import { flawOfLiteral, flawOfNumber, flawOfString, flawOfTree } from "./flaw.ts";

/** A value as it is sent to Kestra. */
export interface Encoded {
  type: KvType;
  /** The Ion text from which Kestra makes exactly this value, of exactly this type. It is JSON too, except for dates. */
  body: string;
}

/** Why Kestra cannot keep a value. The message says what to do, and has nothing of the value. */
export interface Refused {
  reason: "InvalidValue";
  message: string;
}

/** The texts that Kestra takes for durations when it reads them (InternalKVStore, 1.1 to 2.0). It then fails on some, `PD` for one. */
const READ_AS_DURATION = /^P(?=[^T]|T.)(?:[0-9]*D)?(?:T(?=.)(?:[0-9]*H)?(?:[0-9]*M)?(?:[0-9]*S)?)?$/;
const DAY_MS = 86_400_000;
/** 1582-10-15, the first day of the Gregorian calendar: Kestra shifts every earlier one each time it reads or writes it. */
const FIRST_DAY_MS = -12_219_292_800_000;
const TOO_EARLY = "Kestra shifts days before 1582-10-15: keep the value as a STRING.";

/** Encodes a literal of any JSON type. Without `type` it is the literal's own; a string with another type is text of that type. */
export function fromLiteral(literal: unknown, type?: KvType): Encoded | Refused {
  if (typeof literal === "string") return fromText(literal, type);
  const [own, name] = kindOf(literal);
  if (type !== undefined && type !== own)
    return refused(
      `The literal is ${name}, which is no ${type}: write it in quotes, as text of that type, or change the type.`,
    );
  return checked(own, flawOfLiteral(literal), () => JSON.stringify(literal));
}

/** Encodes a text, as references give it. Blanks around it count for a STRING only: a Secret's text often ends in a newline. */
export function fromText(text: string, type: KvType = "STRING"): Encoded | Refused {
  const value = text.trim();
  switch (type) {
    case "STRING":
      return checked(type, flawOfString(text) ?? flawOfLikeness(text), () => JSON.stringify(text));
    case "NUMBER":
      return checked(type, flawOfNumber(value), () => value);
    case "BOOLEAN":
      if (value === "true" || value === "false") return { type, body: value };
      return refused("The value is not a BOOLEAN: write true or false, in lower case.");
    case "DATE":
      return fromDate(value);
    case "DATETIME":
      return fromInstant(value);
    case "DURATION":
      if (READ_AS_DURATION.test(value) && isoDurationNanos(value) !== undefined)
        return { type, body: JSON.stringify(value) };
      return refused(
        "The value is not a DURATION as Kestra has it: write PnDTnHnMnS, with whole numbers and capitals.",
      );
    case "JSON":
      return fromJson(value);
  }
}

/** Whether what Kestra gave back means what was asked for, whatever the way it is written. */
export function holds({ type, body }: Encoded, stored: { type: string; json: string }): boolean {
  const value = parseExactJson(stored.json);
  if (stored.type !== type || value === undefined) return false;
  if (type === "DATE") return value === body;
  if (type === "DATETIME") return sameMeasure(instantOf, body, value);
  const wanted = parseExactJson(body);
  if (type === "DURATION") return sameMeasure(isoDurationNanos, wanted, value);
  return wanted !== undefined && sameExactJson(withoutNulls(wanted), withoutNulls(value));
}

function fromDate(text: string): Encoded | Refused {
  if (!isCalendarDate(text)) return refused("The value is not a DATE: write an existing day as YYYY-MM-DD.");
  return Date.parse(text) < FIRST_DAY_MS ? refused(TOO_EARLY) : { type: "DATE", body: text };
}

function fromInstant(text: string): Encoded | Refused {
  const instant = parseInstant(text);
  if (instant === undefined)
    return refused(
      "The value is not a DATETIME: write an existing day and time with its offset as YYYY-MM-DDThh:mm:ssZ or, in place of Z, ±hh:mm.",
    );
  if (instant.ms < FIRST_DAY_MS) return refused(TOO_EARLY);
  if (instant.cut) return refused("The DATETIME is finer than the milliseconds that Kestra keeps: round it.");
  if (instant.ms % DAY_MS === 0)
    return refused("Kestra 1.x makes a DATE of a DATETIME that is midnight in UTC: use type DATE, or STRING.");
  return { type: "DATETIME", body: new Date(instant.ms).toISOString() };
}

function fromJson(text: string): Encoded | Refused {
  const tree = parseExactJson(text);
  if (tree === undefined || !/^[[{]/.test(text)) return refused("The value is not JSON: write an object or a list.");
  const repeated = "An object in the JSON has the same key twice, of which Kestra keeps one: remove the other.";
  const flaw = flawOfTree(tree) ?? (repeatsKey(text, tree) ? repeated : undefined);
  return checked("JSON", flaw, () => writeExactJson(tree));
}

/** Why Kestra would not give a STRING back as such. */
function flawOfLikeness(text: string): string | undefined {
  if (!READ_AS_DURATION.test(text)) return undefined;
  return "Kestra takes a text like this for a duration: use type DURATION, or change the text.";
}

function kindOf(literal: unknown): [KvType, string] {
  if (literal === null) return ["STRING", "null"];
  if (typeof literal === "number") return ["NUMBER", "a number"];
  if (typeof literal === "boolean") return ["BOOLEAN", "a boolean"];
  return ["JSON", Array.isArray(literal) ? "a list" : "an object"];
}

/** Kestra keeps the members of an object that are null, and leaves them out when it is asked. */
function withoutNulls(tree: ExactJson): ExactJson {
  if (typeof tree !== "object" || tree === null || isExactNumber(tree)) return tree;
  if (Array.isArray(tree)) return tree.map(withoutNulls);
  const members = Object.entries(tree).filter(([, member]) => member !== null);
  return Object.fromEntries(members.map(([key, member]) => [key, withoutNulls(member)]));
}

function sameMeasure(measure: (text: string) => number | bigint | undefined, a: unknown, b: unknown): boolean {
  const [left, right] = [a, b].map((text) => (typeof text === "string" ? measure(text) : undefined));
  return left !== undefined && left === right;
}

function instantOf(text: string): number | undefined {
  const instant = parseInstant(text);
  return instant?.cut === false ? instant.ms : undefined;
}

function checked(type: KvType, flaw: string | undefined, body: () => string): Encoded | Refused {
  return flaw === undefined ? { type, body: body() } : refused(flaw);
}

function refused(message: string): Refused {
  return { reason: "InvalidValue", message };
}
