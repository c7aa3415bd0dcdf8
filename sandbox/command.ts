import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { errorCode, SandboxError } from "./errors.ts";

export interface CommandOptions {
  cwd?: string | undefined;
  /** Added to the environment. */
  env?: Record<string, string> | undefined;
  /** Written to its standard input, which is empty unless given. */
  input?: string | undefined;
  /** Gets each line of its standard error as it comes. */
  onLine?: ((line: string) => void) | undefined;
  /** Ends the command when aborted. */
  signal?: AbortSignal | undefined;
}

/** A command ended with another exit code than 0. The message has the end of what it wrote. */
export class CommandFailedError extends SandboxError {
  override name = "CommandFailedError";
  readonly code: number | null;

  constructor(message: string, code: number | null) {
    super(message);
    this.code = code;
  }
}

/** A command is not installed. */
export class CommandMissingError extends SandboxError {
  override name = "CommandMissingError";
}

const KEPT_LINES = 20;

/**
 * Runs a command to its end and returns what it wrote to its standard output. Throws a CommandFailedError, a CommandMissingError, or the
 * reason of the signal.
 */
export async function run(command: string, args: readonly string[], options: CommandOptions = {}): Promise<string> {
  const { cwd, env, input, onLine, signal } = options;
  const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: "pipe", signal });
  const last: string[] = [];
  createInterface(child.stderr).on("line", (line) => {
    last.push(line);
    if (last.length > KEPT_LINES) last.shift();
    onLine?.(line);
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  // One that ends without reading all of it says so by its exit code.
  child.stdin.on("error", () => undefined).end(input);
  try {
    const code = await new Promise<number | null>((resolve, reject) =>
      child.once("close", resolve).once("error", reject),
    );
    if (code === 0) return output;
    const said = last.length > 0 ? last.join("\n") : output.trimEnd().split("\n").slice(-KEPT_LINES).join("\n");
    throw new CommandFailedError(`${[command, ...args.slice(0, 2)].join(" ")} failed:\n${said}`, code);
  } catch (error) {
    signal?.throwIfAborted();
    if (errorCode(error) === "ENOENT") throw new CommandMissingError(`${command} is not installed`);
    throw error;
  }
}
