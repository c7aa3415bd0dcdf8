const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** How deep we are inside the list object, inside its `items`, and inside one of these. */
const LIST = 1;
const ITEMS = 2;
const ITEM = 3;

/**
 * Reads a list as it arrives: hands every item to `each`, parsed, and returns the rest, with `items` empty. No more than one
 * item is held at a time, so that a page may be as long as it likes. Throws when the body is not the JSON of a list.
 */
export async function readList(body: AsyncIterable<Uint8Array>, each: (item: unknown) => void): Promise<unknown> {
  let depth = 0;
  let inItems = false;
  let inString = false;
  let escaped = false;
  let envelope = "";
  /** Pieces of the item, or of the envelope, that began in earlier chunks. */
  let begun: Uint8Array[] = [];

  const take = (piece: Uint8Array): string => {
    const text = Buffer.concat([...begun, piece]).toString("utf8");
    begun = [];
    return text;
  };

  for await (const chunk of body) {
    let from = 0;
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at];
      if (inString) {
        if (escaped) escaped = false;
        else if (byte === BACKSLASH) escaped = true;
        else if (byte === QUOTE) inString = false;
      } else if (byte === QUOTE) {
        inString = true;
      } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
        depth += 1;
        if (depth === ITEMS && byte === OPEN_BRACKET) {
          envelope += take(chunk.subarray(from, at + 1));
          from = at + 1;
          inItems = /[{,\s]"items"\s*:\s*\[$/.test(envelope);
        } else if (depth === ITEM && inItems) {
          // What lies between two items is a comma.
          begun = [];
          from = at;
        }
      } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
        depth -= 1;
        if (depth === ITEMS && inItems) {
          each(JSON.parse(take(chunk.subarray(from, at + 1))));
          from = at + 1;
        } else if (depth === LIST && inItems) {
          inItems = false;
          begun = [];
          from = at;
        }
      }
    }
    if (from < chunk.length) begun.push(chunk.subarray(from));
  }
  return JSON.parse(envelope + take(new Uint8Array()));
}
