import { readFileSync, rmSync } from "node:fs";
import { SandboxError } from "./errors.ts";
import { poll } from "./polling.ts";
import { end, launch, runningProcesses, type Launch } from "./recordedProcess.ts";
import { sandboxFolder } from "./state.ts";

export interface StepOptions {
  /** Gets what happens, line by line. */
  report: (line: string) => void;
  signal?: AbortSignal | undefined;
}

/**
 * Runs a command of a sandbox to its end, recorded like a server so that `down` can end it, and reports each line that it
 * prints. Throws with the end of its output when it fails, and the signal's reason, after ending it, when aborted.
 */
export async function runStep(
  sandbox: string,
  name: string,
  command: Launch,
  { report, signal }: StepOptions,
): Promise<void> {
  const { records, log: logOf } = sandboxFolder(sandbox);
  const log = logOf(name);
  rmSync(log, { force: true });
  // One whose starter was killed may still be at it.
  const earlier = runningProcesses(records).find((found) => found.name === name);
  if (earlier) await end(earlier);

  const { identity, exited } = await launch(records, name, command, log);
  let code: number | null | undefined;
  void exited.then((exit) => (code = exit));
  let reported = 0;
  const look = () => {
    const finished = code !== undefined;
    const lines = readFileSync(log, "utf8").split("\n").slice(0, -1);
    for (const line of lines.slice(reported)) report(line);
    reported = lines.length;
    return finished;
  };
  try {
    await poll(look, { timeout: Infinity, signal });
  } catch (error) {
    await end(identity);
    throw error;
  }
  if (code !== 0) throw new SandboxError(`${name} failed:\n${lastLines(readFileSync(log, "utf8"))}`);
}

export function lastLines(text: string, lines = 30): string {
  return text.trimEnd().split("\n").slice(-lines).join("\n");
}
