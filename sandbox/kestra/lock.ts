import { mkdir, rm, stat, utimes, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const POLL_MS = 500;
const TOUCH_MS = 2_000;
const ABANDONED_MS = 20_000;

/**
 * Runs the work while holding a lock file, so that one process at a time does it; others wait, after one call of `waiting`.
 * The holder touches the file; one that was not touched for 20 seconds is taken over. Assumes that the work does no harm
 * when, after such a take-over, it is done twice.
 */
export async function withLock<T>(file: string, waiting: () => void, work: () => Promise<T>): Promise<T> {
  await mkdir(dirname(file), { recursive: true });
  for (let first = true; !(await take(file)); first = false) {
    if (first) waiting();
    await sleep(POLL_MS);
  }
  const touch = setInterval(() => {
    const now = new Date();
    void utimes(file, now, now).catch(() => undefined);
  }, TOUCH_MS);
  try {
    return await work();
  } finally {
    clearInterval(touch);
    await rm(file, { force: true });
  }
}

async function take(file: string): Promise<boolean> {
  try {
    await writeFile(file, `${process.pid}\n`, { flag: "wx" });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  const lock = await stat(file).catch(() => undefined);
  if (lock !== undefined && Date.now() - lock.mtimeMs > ABANDONED_MS) await rm(file, { force: true });
  return false;
}
