/**
 * Milliseconds after which a call that changes a trigger is given up. Kestra makes the change under a lock of its database and answers:
 * what has not taken effect by then and some seconds more never will.
 */
export const TRIGGER_WRITE_DEADLINE_MS = 10_000;
