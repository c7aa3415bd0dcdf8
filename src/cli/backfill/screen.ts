import type { BackfillStatus } from "../../resources/backfill/schema.ts";
import { paint } from "../paint.ts";
import { plainLine, progressLine } from "./progressLine.ts";
import type { Speed } from "./progressLine.ts";

/** Where the course of a Backfill is shown. */
export interface Screen {
  /** Shows how far it is. */
  show(name: string, status: BackfillStatus, speed: Speed): void;
  /** Says something that stays. */
  note(text: string): void;
  /** Leaves the cursor on a line of its own. */
  end(): void;
}

type Output = Pick<NodeJS.WriteStream, "write" | "isTTY" | "columns">;

/** A line that is drawn anew on a terminal; elsewhere a line for every change. */
export function screenFor(output: Output): Screen {
  return output.isTTY && process.env.TERM !== "dumb" ? new Terminal(output) : new Lines(output);
}

/** Back to the beginning of the line, and erase it. */
const ERASE = "\r\u001b[2K";
const DEFAULT_WIDTH = 80;

class Terminal implements Screen {
  readonly #output: Output;
  #line = "";

  constructor(output: Output) {
    this.#output = output;
  }

  show(name: string, status: BackfillStatus, speed: Speed): void {
    // A terminal of no columns is one that does not tell.
    const width = this.#output.columns || DEFAULT_WIDTH;
    const line = progressLine(name, status, speed, {
      width,
      paint: (style, text) => paint(style, text),
      unicode: isUnicode(),
    });
    if (line === this.#line) return;
    this.#line = line;
    this.#output.write(ERASE + line);
  }

  note(text: string): void {
    this.#output.write(`${ERASE}${text}\n${this.#line}`);
  }

  end(): void {
    if (this.#line !== "") this.#output.write("\n");
    this.#line = "";
  }
}

class Lines implements Screen {
  readonly #output: Output;
  #shown = "";

  constructor(output: Output) {
    this.#output = output;
  }

  show(_name: string, status: BackfillStatus, speed: Speed): void {
    const { state, slots } = status;
    const shown = JSON.stringify([state, slots]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#output.write(`${plainLine(Date.now(), status, speed)}\n`);
  }

  note(text: string): void {
    this.#output.write(`${text}\n`);
  }

  end(): void {
    // Every line is complete.
  }
}

/** Whether the locale has more characters than ASCII. */
function isUnicode(): boolean {
  const { LC_ALL, LC_CTYPE, LANG } = process.env;
  const locale = [LC_ALL, LC_CTYPE, LANG].find((value) => value !== undefined && value !== "");
  return /utf-?8/i.test(locale ?? "");
}
