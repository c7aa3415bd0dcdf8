import type { ExactJson } from "../../lib/exactJson.ts";
import { parseExactJson } from "../../lib/exactJson.ts";
import type { KvOutcome } from "../rehearsal/kvs.ts";

/** Longer values are shown below the table. */
const MAX_SHOWN = 48;
const HIDDEN = "***";
const NOT_KNOWN = "?";

/** The value in Kestra, for a cell of a table. Undefined where there is none. */
export function shownBefore({ before, secret }: KvOutcome, mask: boolean): string | undefined {
  return before && (secret || mask ? HIDDEN : short(before.stored.json, before.stored.type));
}

/** The value as declared. */
export function shownAfter({ after, secret }: KvOutcome, mask: boolean): string {
  if (after === undefined) return NOT_KNOWN;
  return secret || mask ? HIDDEN : short(after.body, after.type);
}

/** Both values in full, where a cell does not hold them and they may be shown. */
export function valueTexts(
  { before, after, secret }: KvOutcome,
  mask: boolean,
): { before: string; after: string } | undefined {
  if (secret || mask || after === undefined) return undefined;
  const [old, now] = [before && whole(before.stored.json, before.stored.type), whole(after.body, after.type)];
  const fit = (before === undefined || fits(before.stored.json, before.stored.type)) && fits(after.body, after.type);
  if (fit || old === now) return undefined;
  return { before: old === undefined ? "" : `${old}\n`, after: `${now}\n` };
}

function short(json: string, type: string): string {
  const text = textOf(json, type);
  return fits(json, type) ? text : `${text.length} characters, see below`;
}

function fits(json: string, type: string): boolean {
  return textOf(json, type).length <= MAX_SHOWN;
}

/** Dates and durations as they are, everything else as JSON. */
function textOf(json: string, type: string): string {
  const value = parseExactJson(json);
  const bare = type === "DATE" || type === "DATETIME" || type === "DURATION";
  return bare && typeof value === "string" ? value : json;
}

function whole(json: string, type: string): string {
  const value = parseExactJson(json);
  if (type === "STRING" && typeof value === "string") return value;
  return value === undefined ? textOf(json, type) : indented(value);
}

function indented(value: ExactJson): string {
  return typeof value === "string" ? value : JSON.stringify(value, undefined, 2);
}
