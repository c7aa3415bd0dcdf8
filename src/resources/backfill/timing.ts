import { TRIGGER_WRITE_DEADLINE_MS } from "../../kestra/deadlines.ts";

/** Milliseconds between two looks at slots that run: at least, once they have run for a while, and at most. */
export const POLL = { least: 2_000, usual: 12_000, most: 15_000 };
/** Kestra 1.x runs one slot of a trigger at a time, and looks for the next once in this time. */
export const SLOT_MS = 1_000;
/** Between two looks at something that will be over in a moment. */
export const SOON_MS = 1_000;
/** Between two looks at a queue, or at what a person has to change. */
export const QUEUE_MS = 5_000;
/** How long a backfill must have vanished, or been taken back, before it is counted: an execution that was made just before may not be listed yet. */
export const LISTED_MS = 2_000;
/** How long after a call without an answer it is clear that it will have no effect any more. */
export const UNANSWERED_MS = TRIGGER_WRITE_DEADLINE_MS + 10_000;
/** How long Kestra may take to start a slot that is due, before it is found out why it does not: it starts one a second. */
export const IDLE_MS = 10_000;
/** How often in a row Kestra may drop what was handed over before that is taken for a person's doing. */
export const MOST_LOST = 3;
