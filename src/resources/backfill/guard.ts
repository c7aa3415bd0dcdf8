import { TRIGGER_WRITE_DEADLINE_MS } from "../../kestra/deadlines.ts";
import type { TriggerRow } from "../../kestra/types.ts";
import type { Decision, Observed } from "./model.ts";
import { holderOf, runsAway } from "./native.ts";
import { iso } from "./plan.ts";
import { ticksOf } from "./source.ts";
import { POLL, UNANSWERED_MS } from "./timing.ts";

/**
 * The next step towards a trigger that does not replay the past: a backfill that was replaced leaves its own next slot behind as the date
 * at which the live schedule goes on (kestra#18249, #19013). Measured (ADR 11): a paused backfill that begins at the tick before the right
 * date, submitted twice and then deleted, leaves exactly that date behind, and starts nothing.
 *
 * @param row of the trigger. What went with its trigger does not come back with it, and must not keep others waiting.
 * @param live where the live schedule has to go on, in milliseconds since the epoch
 * @param now in milliseconds since the epoch
 */
export function putRight(seen: Observed, row: TriggerRow | "missing", live: number, now: number): Decision {
  const { status, metadata } = seen.object;
  const { by } = row === "missing" ? { by: "nobody" } : holderOf(row, metadata.uid);
  const ours = by === "guard" || (by === "nobody" && row !== "missing" && runsAway(row, live, now));
  const calledAt = Date.parse(status.guard?.calledAt ?? "") || 0;
  if (ours) {
    // Recorded before a call, so that a guard is never left behind, whenever that call takes effect.
    if (now - calledAt > TRIGGER_WRITE_DEADLINE_MS)
      return { do: "write", write: { op: "record", status: { guard: { live: iso(live), calledAt: iso(now) } } } };
    const previous = ticksOf(status).before(live) ?? live;
    return { do: "write", write: { op: "guard", previous, live } };
  }
  const left = calledAt + UNANSWERED_MS - now;
  // The end of the execution that holds the trigger may bring back what was put right (ADR 11).
  const free = by === "nobody" && (row === "missing" || !row.executionId);
  if (free && left <= 0) return { do: "write", write: { op: "record", status: { guard: undefined } } };
  const retryAfterMs = free ? left : POLL.least;
  return { do: "settle", verdict: { state: "unchanged", retryAfterMs } };
}
