import { randomUUID } from "node:crypto";
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { errorCode } from "./errors.ts";
import { poll } from "./polling.ts";
import { isRunning, ownIdentity, type ProcessIdentity } from "./processIdentity.ts";

export interface LockOptions {
  /** Called once when another process holds the lock, before waiting for it. */
  onWait?: (holder: ProcessIdentity) => void;
  signal?: AbortSignal | undefined;
}

/**
 * Runs `work` while this process holds the lock `file`, which no two callers do at the same time, in one process or in
 * several on this machine. The lock of a process that no longer runs is taken over. Waits without limit for one that does.
 */
export async function withLock<T>(file: string, work: () => T | Promise<T>, options: LockOptions = {}): Promise<T> {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  let told = false;
  await poll(
    async () => {
      const holder = await take(file, options.signal);
      if (holder && !told) {
        told = true;
        options.onWait?.(holder);
      }
      return holder === undefined;
    },
    { timeout: Infinity, signal: options.signal },
  );
  const release = () => rmSync(file, { force: true });
  process.once("exit", release);
  try {
    return await work();
  } finally {
    process.off("exit", release);
    release();
  }
}

/** Takes the lock, or returns who holds it. */
async function take(file: string, signal: AbortSignal | undefined): Promise<ProcessIdentity | undefined> {
  const own = `${file}.${randomUUID()}`;
  writeFileSync(own, JSON.stringify(ownIdentity()), { mode: 0o600 });
  try {
    for (;;) {
      try {
        linkSync(own, file);
        return undefined;
      } catch (error) {
        if (errorCode(error) !== "EEXIST") throw error;
      }
      const holder = readHolder(file);
      if (holder && isRunning(holder)) return holder;
      if (holder) await removeLeftBehind(file, signal);
    }
  } finally {
    rmSync(own, { force: true });
  }
}

/** Removal of a dead process's lock is itself under a lock: two that find it must not remove the first one's new lock. */
async function removeLeftBehind(file: string, signal: AbortSignal | undefined): Promise<void> {
  const remove = () => {
    const holder = readHolder(file);
    if (holder && !isRunning(holder)) rmSync(file, { force: true });
  };
  await withLock(`${file}.takeover`, remove, { signal });
}

function readHolder(file: string): ProcessIdentity | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as ProcessIdentity;
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}
