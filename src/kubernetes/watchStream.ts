import { QuietError, UnreachableError } from "./errors.ts";

/** One line of a watch. A `BOOKMARK` carries little more than a resourceVersion, an `ERROR` a `Status`. */
export interface WatchEvent {
  type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  object: unknown;
}

const TYPES = new Set<unknown>(["ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"] satisfies WatchEvent["type"][]);
const NEWLINE = 0x0a;

/**
 * The events of a watch's body. Ends when the body does. Throws {@link QuietError} when nothing came for too long, and
 * {@link UnreachableError} when the body is cut or a line is not an event: what a lost line said cannot be known.
 */
export async function* watchEvents(call: string, body: AsyncIterable<Uint8Array>): AsyncGenerator<WatchEvent> {
  try {
    for await (const line of lines(body)) {
      if (line.trim() !== "") yield parse(line);
    }
  } catch (error) {
    throw isSilence(error) ? new QuietError(call, error) : new UnreachableError(call, error);
  }
}

function isSilence(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "UND_ERR_BODY_TIMEOUT";
}

/** Complete lines only: a last line that no newline ends was cut. Long lines are joined once, not chunk by chunk. */
async function* lines(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let begun: Uint8Array[] = [];
  for await (const chunk of body) {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      begun.push(chunk.subarray(from, end));
      yield Buffer.concat(begun).toString("utf8");
      begun = [];
      from = end + 1;
    }
    if (from < chunk.length) begun.push(chunk.subarray(from));
  }
  if (begun.length > 0) throw new Error("the watch was cut in the middle of a line");
}

function parse(line: string): WatchEvent {
  let event: unknown;
  try {
    event = JSON.parse(line);
  } catch {
    // The parser's own words quote the line, which may hold a Secret's value.
    throw new Error("the watch sent a line that is not JSON");
  }
  if (!isEvent(event)) throw new Error("the watch sent a line that is not an event");
  return event;
}

function isEvent(value: unknown): value is WatchEvent {
  if (typeof value !== "object" || value === null || !("type" in value) || !("object" in value)) return false;
  return TYPES.has(value.type) && typeof value.object === "object" && value.object !== null;
}
