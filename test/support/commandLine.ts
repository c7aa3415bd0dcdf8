import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { root } from "./cluster.ts";
import { eventually } from "./eventually.ts";

/** What a command came to. */
export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

interface RunOptions {
  stdin?: string;
  /** Variables besides those of the test run; undefined takes one away. */
  env?: Record<string, string | undefined>;
}

/** Runs the command line as users do, in a process of its own, built from src. It knows the run's cluster and Kestra by environment. */
export function kestraflow(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  return new RunningCommand(args, options).ended();
}

/** A command that has not ended. */
export class RunningCommand {
  readonly #child: ChildProcess;
  readonly #exit: Promise<unknown>;
  stdout = "";
  stderr = "";

  constructor(args: readonly string[], { stdin, env = {} }: RunOptions = {}) {
    const stdio = [stdin === undefined ? "ignore" : "pipe", "pipe", "pipe"] as const;
    this.#child = spawn(process.execPath, [join(root, "dist", "main.js"), ...args], {
      env: { ...process.env, NO_COLOR: "1", FORCE_COLOR: undefined, ...env },
      stdio: [...stdio],
    });
    this.#exit = once(this.#child, "close");
    this.#child.stdin?.end(stdin);
    this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => (this.stdout += text));
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => (this.stderr += text));
  }

  async ended(): Promise<Ended> {
    await this.#exit;
    return { code: this.#child.exitCode, stdout: this.stdout, stderr: this.stderr };
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Waits until it has printed something. */
  async waitFor(text: RegExp | string): Promise<void> {
    await eventually(() => {
      const found = typeof text === "string" ? this.stdout.includes(text) : text.test(this.stdout);
      if (!found) throw new Error(`printed so far: ${this.stdout}\n${this.stderr}`);
    });
  }
}

/** A folder of manifests, by file name. */
export class Files {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async write(files: Readonly<Record<string, string>>): Promise<Files> {
    const folder = new Files(await mkdtemp(join(tmpdir(), "kestraflow-cli-")));
    for (const [name, text] of Object.entries(files)) await folder.put(name, text);
    return folder;
  }

  async put(name: string, text: string): Promise<void> {
    const file = join(this.path, name);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  }

  async remove(): Promise<void> {
    await rm(this.path, { recursive: true });
  }
}

/** An output with what differs between runs taken out: each text is replaced by its name. */
export function normalised(output: string, names: Readonly<Record<string, string>>): string {
  return Object.entries(names)
    .reduce((text, [name, found]) => text.replaceAll(found, name), output)
    .replace(/[ \t]+$/gm, "");
}

/** Cells of a table, without the blanks between them, so that the width of a name does not matter. */
export function cellsOf(table: string): string[] {
  return table
    .trimEnd()
    .split("\n")
    .map((line) => line.split(/ {2,}/).join(" | ").trim());
}
