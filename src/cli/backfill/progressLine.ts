import type { BackfillStatus } from "../../resources/backfill/schema.ts";
import { moment, shortDuration } from "../duration.ts";
import { rate } from "./pace.ts";

/** How fast it goes, as far as that is known. */
export interface Speed {
  perSecond?: number | undefined;
  /** Milliseconds until the end. */
  leftMs?: number | undefined;
}

type Slots = NonNullable<BackfillStatus["slots"]>;
type Paint = (style: "green" | "red" | "yellow" | "dim" | "bold", text: string) => string;

const LONGEST_BAR = 40;
const SHORTEST_BAR = 8;

/** What is shown of a Backfill that has not been accepted yet, and of its slots afterwards: `61%  732/1200, 2 failed, …`. */
export function counts(status: BackfillStatus, { perSecond, leftMs }: Speed): string {
  const { slots, progress = "" } = status;
  if (slots === undefined) return "";
  const parts = [
    progress,
    ...(slots.failed > 0 ? [`${slots.failed} failed`] : []),
    ...(slots.unproved > 0 ? [`${slots.unproved} unproved`] : []),
    ...(slots.running > 0 ? [`${slots.running} running`] : []),
    ...(slots.remaining > 0 ? [`${slots.remaining} remaining`] : []),
    ...(perSecond === undefined || slots.remaining + slots.running === 0 ? [] : [rate(perSecond)]),
    ...(leftMs === undefined || slots.remaining + slots.running === 0 ? [] : [`ETA ${shortDuration(leftMs)}`]),
  ];
  return parts.join(", ");
}

/**
 * One line with a progress bar, no wider than the terminal.
 *
 * @param width columns of the terminal
 * @param paint colours a text
 */
export function progressLine(
  name: string,
  status: BackfillStatus,
  speed: Speed,
  { width, paint, unicode }: { width: number; paint: Paint; unicode: boolean },
): string {
  const { slots, state = "Waiting" } = status;
  const room = width - 1;
  if (slots === undefined) return cut(`${name}  ${state}`, room);
  const percent = `${status.percent ?? 0}%`.padStart(4);
  const text = counts(status, speed);
  const around = `${name}   ${percent}  ${text}`.length;
  const length = Math.min(LONGEST_BAR, room - around);
  if (length < SHORTEST_BAR) return cut(`${name}  ${percent}  ${text}`, room);
  return `${name}  ${bar(slots, length, paint, unicode)} ${percent}  ${text}`;
}

/** The bar, in the order in which slots are run: what ended, with the failed ones at its end, what runs, and what is left. */
export function bar(slots: Slots, length: number, paint: Paint, unicode: boolean): string {
  const planned = slots.total - slots.present;
  const [full, light] = unicode ? ["█", "░"] : ["#", "."];
  const cells = (count: number) => (planned === 0 ? 0 : Math.floor((count / planned) * length));
  const ended = planned === 0 ? length : cells(slots.done + slots.failed + slots.unproved);
  const bad = Math.min(
    ended,
    slots.failed + slots.unproved > 0 ? Math.max(1, cells(slots.failed + slots.unproved)) : 0,
  );
  const running = Math.min(length - ended, slots.running > 0 ? Math.max(1, cells(slots.running)) : 0);
  const parts = [
    paint("green", full.repeat(ended - bad)),
    paint("red", full.repeat(bad)),
    paint("yellow", (unicode ? "▒" : "+").repeat(running)),
    paint("dim", light.repeat(length - ended - running)),
  ];
  return parts.join("");
}

/** One line for where there is no terminal. */
export function plainLine(at: number, status: BackfillStatus, speed: Speed): string {
  const { state = "Waiting", percent } = status;
  const text = counts(status, speed);
  const share = percent === undefined ? "" : ` ${percent}%`;
  return `${moment(Math.floor(at / 1_000) * 1_000)} ${state}${text === "" ? "" : `${share}, ${text}`}`;
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
}
