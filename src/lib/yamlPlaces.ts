import { EVENT_ID, getScalarValue, parseEvents, SCALAR_STYLE } from "js-yaml";
import type { Event } from "js-yaml";
import type { Position } from "./yaml.ts";

/** Steps from the root of a document to a value in it: keys of mappings and indexes of sequences. */
export type Path = readonly PropertyKey[];

/** What a walk along a path comes to. */
interface Found {
  /** Index of the value's event; undefined where the path leads out of the document. */
  index?: number;
  /** Offset of the value's key, or of the item; where the path leads out of the document, of the last step within it. */
  offset: number;
}

/** Where the parts of one YAML document stand in its text. Assumes that js-yaml can read it. */
export class YamlPlaces {
  readonly #text: string;
  readonly #events: Event[];
  readonly #lineStarts = [0];

  constructor(text: string) {
    this.#text = text;
    this.#events = parseEvents(text, {});
    for (const { index, 0: lineBreak } of text.matchAll(/\r\n|\n|\r/g)) this.#lineStarts.push(index + lineBreak.length);
  }

  /** Where the key of a member, or an item of a sequence, begins. Of what is not there: where it is missing. */
  of(path: Path): Position {
    return this.#positionAt(this.#find(path).offset);
  }

  /** Where a place within a text value stands. Exact for literal blocks (`|`); of others it is where the value's key begins. */
  within(path: Path, { line, column }: Position): Position {
    const { index, offset } = this.#find(path);
    const event = index === undefined ? undefined : this.#events[index];
    if (event?.type !== EVENT_ID.SCALAR || event.style !== SCALAR_STYLE.LITERAL_BLOCK) return this.#positionAt(offset);
    const first = this.#positionAt(event.valueStart).line;
    return { line: first + line - 1, column: event.indent + column };
  }

  #find(path: Path): Found {
    // The first event opens the document.
    let found: Found = { index: 1, offset: this.#offsetOf(1) };
    for (const step of path) {
      const inside: Found | undefined = found.index === undefined ? undefined : this.#enter(found.index, step);
      if (inside === undefined) return { offset: found.offset };
      found = inside;
    }
    return found;
  }

  /** The member or item of a collection; undefined where it has none of this name. */
  #enter(index: number, step: PropertyKey): Found | undefined {
    const type = this.#events[index]?.type;
    if (type !== EVENT_ID.MAPPING && type !== EVENT_ID.SEQUENCE) return undefined;
    let at = index + 1;
    for (let item = 0; this.#events[at]?.type !== EVENT_ID.POP; item += 1) {
      const value = type === EVENT_ID.MAPPING ? this.#after(at) : at;
      const name = type === EVENT_ID.MAPPING ? this.#keyAt(at) : String(item);
      if (name === String(step)) return { index: value, offset: this.#offsetOf(at) };
      at = this.#after(value);
    }
    return undefined;
  }

  /** Index of the event after a value. */
  #after(index: number): number {
    let depth = 0;
    for (let at = index; ; at += 1) {
      const type = this.#events[at]?.type;
      if (type === undefined) return at;
      if (type === EVENT_ID.MAPPING || type === EVENT_ID.SEQUENCE) depth += 1;
      if (type === EVENT_ID.POP) depth -= 1;
      if (depth === 0) return at + 1;
    }
  }

  #keyAt(index: number): string | undefined {
    const event = this.#events[index];
    return event?.type === EVENT_ID.SCALAR ? getScalarValue(this.#text, event) : undefined;
  }

  #offsetOf(index: number): number {
    const event = this.#events[index];
    if (event?.type === EVENT_ID.MAPPING || event?.type === EVENT_ID.SEQUENCE) return event.start;
    if (event?.type === EVENT_ID.ALIAS) return event.anchorStart;
    if (event?.type !== EVENT_ID.SCALAR || event.valueStart < 0) return 0;
    const quoted = event.style === SCALAR_STYLE.SINGLE_QUOTED || event.style === SCALAR_STYLE.DOUBLE_QUOTED;
    return quoted ? event.valueStart - 1 : event.valueStart;
  }

  #positionAt(offset: number): Position {
    const line = this.#lineStarts.findLastIndex((start) => start <= offset);
    return { line: line + 1, column: offset - (this.#lineStarts[line] ?? 0) + 1 };
  }
}
