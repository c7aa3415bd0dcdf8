/** Time as the program sees it. Injected everywhere, so that tests need not wait. */
export interface Clock {
  /** Wall-clock time in milliseconds since the epoch. May jump; use it for what people and other machines read. */
  now(): number;
  /** Milliseconds that never run backwards and go on while the process is frozen. Use it to measure how long. */
  monotonic(): number;
  /** Calls back once, `milliseconds` from now. Returns what cancels it. */
  after(milliseconds: number, callback: () => void): () => void;
}

/** Node rounds longer timers down to one millisecond. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(milliseconds, callback) {
    const timer = setTimeout(callback, Math.min(Math.max(0, milliseconds), LONGEST_TIMER_MS));
    return () => {
      clearTimeout(timer);
    };
  },
};
