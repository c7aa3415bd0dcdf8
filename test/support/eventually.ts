export interface EventuallyOptions {
  /** Milliseconds after which the last failure is thrown. */
  within?: number;
  /** Milliseconds between two attempts. */
  every?: number;
}

/** Tries until `attempt` does not throw, and returns what it returned. Throws its last error when the time is up. */
export async function eventually<T>(attempt: () => Promise<T> | T, options: EventuallyOptions = {}): Promise<T> {
  const { within = 20_000, every = 100 } = options;
  const deadline = performance.now() + within;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() >= deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, every));
    }
  }
}

/** Checks again and again that something stays true; throws as soon as it does not. Use only for what must NOT happen. */
export async function always(check: () => Promise<void> | void, forMs: number, every = 200): Promise<void> {
  const end = performance.now() + forMs;
  while (performance.now() < end) {
    await check();
    await new Promise((resolve) => setTimeout(resolve, every));
  }
}
