import { mkdirSync, readlinkSync, rmSync, symlinkSync } from "node:fs";
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

/** Takes the lock, or returns who holds it. A symbolic link is made whole in one step, with the holder as its target. */
async function take(file: string, signal: AbortSignal | undefined): Promise<ProcessIdentity | undefined> {
  const { pid, start } = ownIdentity();
  for (;;) {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    try {
      symlinkSync(`${pid} ${start}`, file);
      return undefined;
    } catch (error) {
      // ENOENT: somebody removed the folder just now, as it was empty.
      if (!["EEXIST", "ENOENT"].includes(errorCode(error) ?? "")) throw error;
    }
    const holder = readHolder(file);
    if (holder && isRunning(holder)) return holder;
    if (holder) await removeLeftBehind(file, signal);
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
    const [pid, ...start] = readlinkSync(file).split(" ");
    return { pid: Number(pid), start: start.join(" ") };
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}
