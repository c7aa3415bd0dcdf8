import { styleText } from "node:util";

const FRAMES = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const FRAME_MS = 100;
/** In a log, a wait is mentioned whenever nothing was said for so long. */
const SILENCE_MS = 10_000;

/**
 * What a person watches: lines that stay, and on a terminal one moving line below them that says what goes on. Elsewhere, as
 * in a log file, there is plain text only. NO_COLOR and FORCE_COLOR are followed.
 */
export class Screen {
  readonly #out: NodeJS.WriteStream;
  readonly #moves: boolean;
  #moving: { text: string; since: number; timer: NodeJS.Timeout } | undefined;
  #lastLine = performance.now();

  constructor(out: NodeJS.WriteStream = process.stdout) {
    this.#out = out;
    this.#moves = out.isTTY && process.env.TERM !== "dumb";
    // A reader that goes away, such as `head` or a closed terminal, must not keep anybody from taking things down.
    out.on("error", () => undefined);
  }

  paint(format: Parameters<typeof styleText>[0], text: string): string {
    return styleText(format, text, { stream: this.#out });
  }

  /** A line that stays. */
  line(text = ""): void {
    this.#erase();
    this.#out.write(`${text}\n`);
    this.#lastLine = performance.now();
    this.#draw();
  }

  title(text: string): void {
    this.rest();
    this.line();
    this.line(this.paint("bold", text));
  }

  /** What is typed to get the same. */
  command(text: string): void {
    this.line(`${this.paint("dim", "$")} ${this.paint("cyan", text)}`);
  }

  /** Something that went well, and how long it took in milliseconds. */
  done(text: string, milliseconds?: number): void {
    this.rest();
    const took = milliseconds === undefined ? "" : `  ${this.paint("dim", secondsText(milliseconds))}`;
    this.line(`${this.paint("green", "✓")} ${text}${took}`);
  }

  failed(text: string): void {
    this.rest();
    this.line(`${this.paint("red", "✗")} ${text}`);
  }

  /** A step's own report: in the moving line, and in a log each on a line of its own. */
  report(text: string): void {
    if (!this.#moves) this.line(`  ${text}`);
    this.waiting(text);
  }

  /** What is waited for: in the moving line; in a log only where nothing else is said for a while. */
  waiting(text: string): void {
    if (this.#moving) this.#moving.text = text;
    else {
      const timer = setInterval(() => this.#tick(), FRAME_MS).unref();
      this.#moving = { text, since: performance.now(), timer };
    }
    this.#draw();
  }

  /** Ends the moving line. */
  rest(): void {
    this.#erase();
    clearInterval(this.#moving?.timer);
    this.#moving = undefined;
  }

  #tick(): void {
    if (this.#moves) this.#draw();
    else if (this.#moving && performance.now() - this.#lastLine >= SILENCE_MS)
      this.line(`  ${this.#moving.text} (${secondsText(performance.now() - this.#moving.since, 0)})`);
  }

  #draw(): void {
    if (!this.#moves || !this.#moving) return;
    const { text, since } = this.#moving;
    const elapsed = performance.now() - since;
    const frame = FRAMES[Math.floor(elapsed / FRAME_MS) % FRAMES.length] ?? "";
    const time = secondsText(elapsed, 0);
    const room = (this.#out.columns || 80) - time.length - 5;
    const shown = text.length > room ? `${text.slice(0, room - 1)}…` : text;
    this.#erase();
    this.#out.write(`${this.paint("cyan", frame)} ${shown} ${this.paint("dim", time)}`);
  }

  #erase(): void {
    if (this.#moves && this.#moving) this.#out.write("\r\u001b[2K");
  }
}

/** Milliseconds for people: "0.4 s", "12.0 s", "3 min 5 s". */
export function secondsText(milliseconds: number, digits = 1): string {
  const seconds = milliseconds / 1000;
  if (seconds < 100) return `${seconds.toFixed(digits)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
