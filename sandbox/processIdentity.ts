import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/**
 * A process, known by its id and its start. The start is opaque: two readings are equal exactly when they are of the same
 * process, also across reboots, so a recycled id is never taken for the process that had it before.
 */
export interface ProcessIdentity {
  pid: number;
  start: string;
}

/** The start of a process that runs now; undefined for one that is gone or a zombie. */
export function startOf(pid: number): string | undefined {
  return process.platform === "linux" ? startFromProc(pid) : startFromPs(pid);
}

export function ownIdentity(): ProcessIdentity {
  const start = startOf(process.pid);
  if (start === undefined) throw new Error("the start time of this process cannot be read");
  return { pid: process.pid, start };
}

export function isRunning({ pid, start }: ProcessIdentity): boolean {
  return startOf(pid) === start;
}

/** Resident memory in bytes; undefined for a process that is gone. */
export function memoryOf(pid: number): number | undefined {
  try {
    const kilobytes =
      process.platform === "linux"
        ? /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]
        : ps(pid, "rss=");
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  } catch {
    return undefined;
  }
}

/** Shell text that prints the start of the shell itself as `startOf` reads it; `exec` keeps it. */
export const SHELL_OWN_START =
  process.platform === "linux"
    ? `$(cat /proc/sys/kernel/random/boot_id)/$(cut -d ' ' -f 22 /proc/$$/stat)`
    : `$(LC_ALL=C ps -o lstart= -p $$ | xargs)`;

function startFromProc(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field, the command in parentheses, may hold anything: count from behind it.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [state, threads, ticks] = [fields[0], fields[17], fields[19]];
    // While other threads live, the process does too, with its memory and its ports: a JVM ends its first thread first.
    const gone = (state === "Z" && threads === "1") || state === "X";
    if (gone || ticks === undefined) return undefined;
    return `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()}/${ticks}`;
  } catch {
    return undefined;
  }
}

function startFromPs(pid: number): string | undefined {
  try {
    const [state, ...start] = ps(pid, "stat=,lstart=").split(/\s+/);
    return state === undefined || state.startsWith("Z") || start.length === 0 ? undefined : start.join(" ");
  } catch {
    return undefined;
  }
}

function ps(pid: number, columns: string): string {
  const env = { ...process.env, LC_ALL: "C" };
  return execFileSync("ps", ["-o", columns, "-p", String(pid)], {
    encoding: "utf8",
    env,
    stdio: ["ignore", "pipe", "ignore"],
  }).trim();
}
