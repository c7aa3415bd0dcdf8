import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { errorCode, SandboxError } from "../errors.ts";
import { root } from "./options.ts";

/** kubectl, as a person at the project's root would run it. */
export class Kubectl {
  readonly #environment: NodeJS.ProcessEnv;
  readonly #signal: AbortSignal;

  constructor(kubeconfig: string | undefined, signal: AbortSignal) {
    this.#environment = { ...process.env, ...(kubeconfig !== undefined && { KUBECONFIG: kubeconfig }) };
    this.#signal = signal;
  }

  /** Throws, with what to do, where kubectl is not installed. */
  async assertInstalled(): Promise<void> {
    await this.run(["version", "--client"]);
  }

  /** Resolves to its standard output; rejects with its standard error. */
  async run(args: readonly string[]): Promise<string> {
    try {
      const options = { cwd: root, env: this.#environment, signal: this.#signal, maxBuffer: 64 * 1024 ** 2 };
      return (await promisify(execFile)("kubectl", args, options)).stdout;
    } catch (error) {
      this.#signal.throwIfAborted();
      if (errorCode(error) === "ENOENT")
        throw new SandboxError(
          "kubectl is not installed, and the quick start needs it: https://kubernetes.io/docs/tasks/tools/#kubectl",
        );
      const reason = (error as { stderr?: string }).stderr ?? String(error);
      throw new SandboxError(`kubectl ${args[0]} failed:\n${reason.trim()}`);
    }
  }
}
