import { isDeepStrictEqual } from "node:util";
import type { Recorded } from "./recording.ts";

/** What a server answered. */
export interface Answer {
  status: number;
  headers: Headers;
  text: string;
}

/** How much of a recorded answer is compared. */
export interface Leniency {
  /** The items of the list in any order. */
  anyOrder?: boolean;
  /** Any dates as the slots of trigger rows and executions. */
  anySlot?: boolean;
  /** The number of results and the total, not which results. */
  countsOnly?: boolean;
  /** Only which members the answer has. */
  shapeOnly?: boolean;
}

const recordedSince = 2026;
const timestamp = /\b(\d{4})-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g;
const id = /^([0-9A-Za-z]{20,22}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$/;
const ownToEachServer = new Set(["uuid", "version", "url", "duration"]);
const comeAndGo = new Set(["executionId", "updatedDate"]);
const slots = new Set(["date", "next", "previous", "nextExecutionDate", "currentDate"]);

/** Says in one line where the answer is not the recorded one, or returns undefined. Ids, times and durations do not count. */
export function firstDifference(recorded: Recorded, answer: Answer, leniency: Leniency = {}): string | undefined {
  const expected = recorded.answer;
  if (answer.status !== expected.status) {
    return `status ${answer.status} instead of ${expected.status}: ${answer.text.slice(0, 300)}`;
  }
  for (const header of ["content-type", "www-authenticate"]) {
    const got = answer.headers.get(header)?.split(";")[0];
    if (got !== expected.headers[header]) return `${header} ${got} instead of ${expected.headers[header]}`;
  }
  if (expected.text !== undefined) return difference(expected.text, answer.text, "body");
  if (expected.json === undefined && expected.cut === undefined) return difference("", answer.text, "body");
  const wanted = normal(expected.json ?? closed(expected.cut ?? ""), leniency);
  const got = normal(JSON.parse(answer.text) as unknown, leniency);
  if (leniency.shapeOnly) return difference(shape(wanted), shape(got), "members");
  if (leniency.countsOnly) return difference(counts(wanted), counts(got), "counts");
  return expected.json === undefined ? notWithin(wanted, got, "body") : difference(wanted, got, "body");
}

/** The value without what differs from run to run, errors and listed properties in one order. */
function normal(value: unknown, leniency: Leniency, key = ""): unknown {
  if (Array.isArray(value)) {
    const items = value.map((item) => normal(item, leniency));
    const ordered = key !== "errors" && !leniency.anyOrder;
    return ordered ? items : items.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  }
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(
      Object.entries(value)
        .filter(([name]) => !("triggerId" in value && comeAndGo.has(name)))
        .map(([name, item]) => [name, normal(item, leniency, name)]),
    );
  }
  if (typeof value !== "string") return value;
  if (ownToEachServer.has(key)) return `<${key}>`;
  if (leniency.anySlot && slots.has(key)) return "<slot>";
  if (id.test(value)) return "<id>";
  return value
    .replaceAll(timestamp, (text, year: string) => (Number(year) >= recordedSince ? "<time>" : text))
    .replaceAll(
      /known properties: (.*?)\]/g,
      (_, names: string) => `known properties: ${names.split(", ").sort().join(", ")}]`,
    );
}

function difference(wanted: unknown, got: unknown, path: string): string | undefined {
  if (isDeepStrictEqual(wanted, got)) return undefined;
  if (isObject(wanted) && isObject(got)) {
    for (const name of new Set([...Object.keys(wanted), ...Object.keys(got)])) {
      const inner = difference(wanted[name], got[name], `${path}.${name}`);
      if (inner !== undefined) return inner;
    }
  }
  if (Array.isArray(wanted) && Array.isArray(got) && wanted.length === got.length) {
    return wanted
      .map((item, index) => difference(item, got[index], `${path}[${index}]`))
      .find((text) => text !== undefined);
  }
  return `${path}: ${JSON.stringify(got)} instead of ${JSON.stringify(wanted)}`;
}

/** As difference, for a recording that was cut: what it holds must be there, more may follow. */
function notWithin(wanted: unknown, got: unknown, path: string): string | undefined {
  if (isObject(wanted) && isObject(got)) {
    return Object.keys(wanted)
      .map((name) => notWithin(wanted[name], got[name], `${path}.${name}`))
      .find((text) => text !== undefined);
  }
  if (Array.isArray(wanted) && Array.isArray(got)) {
    return wanted
      .map((item, index) => notWithin(item, got[index], `${path}[${index}]`))
      .find((text) => text !== undefined);
  }
  return difference(wanted, got, path);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A cut recording has no total to compare. */
function shape(value: unknown): unknown {
  return isObject(value) ? Object.keys(value).filter((name) => name !== "total") : typeof value;
}

function counts(value: unknown): unknown {
  return isObject(value) && Array.isArray(value.results)
    ? { results: value.results.length, total: value.total }
    : value;
}

/** The JSON value that a cut text holds up to its last complete member. */
function closed(cut: string): unknown {
  const open: string[] = [];
  let inString = false;
  let complete = { length: 0, closers: "" };
  for (let at = 0; at < cut.length; at++) {
    const character = cut.charAt(at);
    if (inString) {
      if (character === "\\") at++;
      else if (character === '"') inString = false;
      continue;
    }
    if (character === '"') inString = true;
    else if (character === "{") open.push("}");
    else if (character === "[") open.push("]");
    else if (character === "}" || character === "]") open.pop();
    if (",{}[]".includes(character)) {
      complete = { length: character === "," ? at : at + 1, closers: open.toReversed().join("") };
    }
  }
  return JSON.parse(cut.slice(0, complete.length) + complete.closers) as unknown;
}
