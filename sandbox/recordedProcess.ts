import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { errorCode, SandboxError } from "./errors.ts";
import { poll } from "./polling.ts";
import { isRunning, SHELL_OWN_START, type ProcessIdentity } from "./processIdentity.ts";

/*
 * Processes that outlive the command that starts them, each recorded in a folder as NAME.pid: "PID START".
 *
 * Nothing leaks, whenever the starting command is killed: a process writes its own record before it becomes the server, and
 * ends if it cannot. `closeRecords` renames the folder, so that after it no process can be recorded, hence none can start.
 */

export interface Launch {
  command: string;
  args: string[];
  env?: Record<string, string>;
}

export interface RecordedProcess extends ProcessIdentity {
  name: string;
  /** When it was started, in milliseconds since 1970. */
  since: number;
}

/** Short, as nothing that a process would still save is kept. */
const CLOSING_GRACE_MS = 2_000;

const RECORD_THEN_BECOME = `echo "$$ ${SHELL_OWN_START}" > "$0.new" && mv "$0.new" "$0" && exec "$@"`;

/**
 * Starts a process of its own session and process group, with output appended to the file `log`, and returns once it is
 * recorded. `exited` resolves with its exit code (null after a signal) as long as the caller lives.
 */
export async function launch(
  records: string,
  name: string,
  { command, args, env = {} }: Launch,
  log: string,
): Promise<{ identity: ProcessIdentity; exited: Promise<number | null> }> {
  const file = join(records, `${name}.pid`);
  rmSync(file, { force: true });
  mkdirSync(dirname(log), { recursive: true, mode: 0o700 });
  const output = openSync(log, "a", 0o600);
  const child = spawn("/bin/sh", ["-c", RECORD_THEN_BECOME, file, command, ...args], {
    detached: true,
    stdio: ["ignore", output, output],
    env: { ...process.env, ...env },
  });
  closeSync(output);
  child.unref();
  const exited = new Promise<number | null>((resolve, reject) => child.once("exit", resolve).once("error", reject));
  let over = false;
  exited.then(
    () => (over = true),
    () => (over = true),
  );
  const identity = await poll(() => readRecord(file) ?? (over && ("gone" as const)), { timeout: 30_000, every: 10 });
  if (identity === undefined || identity === "gone")
    throw new SandboxError(`${name} could not be started: ${command}\nIts output is in ${log}`);
  return { identity, exited };
}

/** The processes recorded in a folder that still run. */
export function runningProcesses(records: string): RecordedProcess[] {
  return recordFiles(records).flatMap((file) => {
    const identity = readRecord(file);
    // Whoever takes the process down meanwhile removes its record.
    const since = statSync(file, { throwIfNoEntry: false })?.mtimeMs;
    if (identity === undefined || since === undefined || !isRunning(identity)) return [];
    return [{ name: basename(file, ".pid"), since, ...identity }];
  });
}

/** Allows processes to be recorded, after it has ended those of a `closeRecords` that was itself killed. */
export async function openRecords(records: string): Promise<void> {
  await endAll(closed(records));
  rmSync(closed(records), { recursive: true, force: true });
  mkdirSync(records, { recursive: true, mode: 0o700 });
}

/** Ends the recording, so that no further process can start, then ends every recorded process. Repeatable. */
export async function closeRecords(records: string): Promise<void> {
  // An earlier, killed call may have left a closed folder, which would be in the way of the renaming.
  await endAll(closed(records));
  rmSync(closed(records), { recursive: true, force: true });
  try {
    renameSync(records, closed(records));
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw error;
  }
  await endAll(closed(records));
}

const closed = (records: string) => `${records}.closed`;

/** The caller may be recorded itself: it goes on. */
async function endAll(records: string): Promise<void> {
  const others = runningProcesses(records).filter(({ pid }) => pid !== process.pid);
  await Promise.all(others.map((found) => end(found, CLOSING_GRACE_MS)));
}

/**
 * Ends a process and its process group: asks, waits up to `grace` milliseconds (10 seconds unless given; 0 kills at once),
 * then kills. Does nothing when the process with that id is not the recorded one. Throws when it survives.
 */
export async function end(identity: ProcessIdentity, grace = 10_000): Promise<void> {
  if (!isRunning(identity)) return;
  const gone = () => !isRunning(identity);
  if (grace > 0) {
    signalGroup(identity.pid, "SIGTERM");
    await poll(gone, { timeout: grace, every: 20 });
  }
  // Also when the leader is gone: its children share its group, and their ids cannot have been reused while the group lives.
  signalGroup(identity.pid, "SIGKILL");
  if (!(await poll(gone, { timeout: 10_000, every: 20 })))
    throw new SandboxError(`process ${identity.pid} cannot be ended; end it by hand and repeat`);
}

function signalGroup(leader: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-leader, signal);
  } catch (error) {
    if (errorCode(error) !== "ESRCH") throw error;
  }
}

function recordFiles(records: string): string[] {
  try {
    return readdirSync(records)
      .filter((file) => file.endsWith(".pid"))
      .map((file) => join(records, file));
  } catch (error) {
    if (errorCode(error) === "ENOENT") return [];
    throw error;
  }
}

function readRecord(file: string): ProcessIdentity | undefined {
  try {
    const [, pid, start] = /^(\d+) (.+)$/m.exec(readFileSync(file, "utf8")) ?? [];
    return pid === undefined || start === undefined ? undefined : { pid: Number(pid), start };
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}
