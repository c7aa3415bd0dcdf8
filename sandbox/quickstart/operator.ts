import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { Settings } from "../../src/operator/config.ts";
import { SandboxError } from "../errors.ts";
import { answersOk } from "../httpGet.ts";
import { poll } from "../polling.ts";
import type { ProcessIdentity } from "../processIdentity.ts";
import { launch } from "../recordedProcess.ts";
import type { Sandbox } from "../sandbox.ts";
import { sandboxFolder } from "../state.ts";
import { root } from "./options.ts";

/** Drift is looked for more often than the default says, so that nobody has to wait for the demonstration. */
export const DRIFT_INTERVAL_SECONDS = 5;

const READY_WITHIN_MS = 60_000;

export interface Operator {
  identity: ProcessIdentity;
  /** Resolves with its exit code when it has ended; null after a signal. */
  exited: Promise<number | null>;
}

/** Compiles src/ into dist/. Throws with the compiler's output. */
export async function buildOperator(signal: AbortSignal): Promise<void> {
  const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
  try {
    const args = [compiler, "-p", join(root, "tsconfig.build.json")];
    await promisify(execFile)(process.execPath, args, { cwd: root, signal });
  } catch (error) {
    signal.throwIfAborted();
    const output = (error as { stdout?: string }).stdout;
    throw new SandboxError(`The operator cannot be built:\n${output?.trim() ?? String(error)}`);
  }
}

/**
 * Starts the operator as a recorded process of the sandbox, so that `down` ends it too, with no other setting than the ones
 * given here: variables of the user's shell are for an operator of theirs.
 */
export async function startOperator({ name, env }: Sandbox): Promise<Operator> {
  const unset = Object.fromEntries(Object.keys(Settings.shape).map((variable) => [variable, ""]));
  return launch(
    sandboxFolder(name).records,
    "operator",
    {
      command: process.execPath,
      args: [join(root, "dist", "main.js"), "run"],
      env: {
        ...unset,
        ...env,
        LEADER_ELECTION: "false",
        DRIFT_INTERVAL: `${DRIFT_INTERVAL_SECONDS}s`,
        HTTP_HOST: "127.0.0.1",
        HTTP_PORT: "0",
      },
    },
    operatorLog(name),
  );
}

/** Waits until the operator says that it is ready, and returns the URL of its HTTP server. */
export async function operatorReady(sandbox: string, signal: AbortSignal): Promise<string> {
  const look = async () => {
    const port = /"port":(\d+)/.exec(readFileSync(operatorLog(sandbox), "utf8"))?.[1];
    const url = `http://127.0.0.1:${port}`;
    return port !== undefined && (await answersOk(`${url}/readyz`)) && url;
  };
  const url = await poll(look, { timeout: READY_WITHIN_MS, signal });
  if (url === undefined) throw new SandboxError(`The operator is not ready after ${READY_WITHIN_MS / 1000} s.`);
  return url;
}

/** The file with what the operator logs. */
export function operatorLog(sandbox: string): string {
  return sandboxFolder(sandbox).log("operator");
}

/** The last lines of an operator's log as people read them: time, level, message and what else it says. */
export function readableLog(text: string, lines: number): string[] {
  return text
    .trimEnd()
    .split("\n")
    .slice(-lines)
    .map((line) => {
      try {
        const { time, level, msg, ...rest } = JSON.parse(line) as Record<string, string>;
        const facts = Object.keys(rest).length > 0 ? JSON.stringify(rest) : "";
        return `${time?.slice(11, 23)} ${level?.toUpperCase()} ${msg} ${facts}`.trimEnd();
      } catch {
        return line;
      }
    });
}
