import { truncate } from "../lib/text.ts";
import { ErrorBody } from "./types.ts";

const MAX_MESSAGE = 700;

/** Kestra's error body as one line for a person: its message, with the path of the offending property where it names one. */
export function describeRejection(body: string): string {
  const error = parseError(body);
  if (error === undefined) return "no message";
  const message = error.message.trim();
  const path = error._embedded?.errors?.map((error) => flowPath(error.path ?? "")).find((found) => found !== "");
  const text = path === undefined || message.includes(path) ? message : `${path}: ${message}`;
  return truncate(text, MAX_MESSAGE);
}

/** Whether an error's body is Kestra's own, and not that of something in front of it. */
export function isErrorOfKestra(body: string): boolean {
  return parseError(body) !== undefined;
}

function parseError(body: string): ErrorBody | undefined {
  try {
    return ErrorBody.safeParse(JSON.parse(body)).data;
  } catch {
    return undefined;
  }
}

/**
 * Turns Jackson's reference chain into the path a person sees in the flow:
 * `…FlowWithSource["tasks"]->java.util.ArrayList[0]->…Log["metadata"]` becomes `tasks[0].metadata`. Other paths stay.
 */
export function flowPath(path: string): string {
  if (!path.includes("[")) return path === "yaml" ? "" : path;
  const steps = [...path.matchAll(/\["([^"]*)"\]|\[(\d+)\]/g)];
  return steps
    .map(([, name, index]) => (name === undefined ? `[${index}]` : `.${name}`))
    .join("")
    .replace(/^\./, "");
}

/**
 * Where a message of Kestra's validation points to, found in the parsed flow: 1.x names the task type or the property it does not
 * know, but not where it stands. Empty when that cannot be told.
 */
export function locateComplaint(message: string, flow: unknown): string {
  const type = /Invalid type: (\S+)/.exec(message)?.[1];
  if (type !== undefined) return findPath(flow, (object) => object.type === type, "type");
  const [, field, owner] = /Unrecognized field "([^"]+)" \(class ([^)]+)\)/.exec(message) ?? [];
  if (field === undefined) return "";
  const ofFlow = owner?.startsWith("io.kestra.core.models.flows.Flow") ?? false;
  if (ofFlow) return field;
  return findPath(flow, (object) => object.type === owner && Object.hasOwn(object, field), field);
}

function findPath(
  value: unknown,
  matches: (object: Record<string, unknown>) => boolean,
  last: string,
  at = "",
): string {
  if (typeof value !== "object" || value === null) return "";
  if (!Array.isArray(value) && matches(value as Record<string, unknown>)) return `${at}.${last}`.replace(/^\./, "");
  for (const [key, child] of Object.entries(value)) {
    const found = findPath(child, matches, last, Array.isArray(value) ? `${at}[${key}]` : `${at}.${key}`);
    if (found !== "") return found;
  }
  return "";
}
