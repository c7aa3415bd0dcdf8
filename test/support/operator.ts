import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { root } from "./cluster.ts";
import { eventually } from "./eventually.ts";

export interface OperatorOptions {
  /** Settings of the operator, by variable. */
  settings?: Record<string, string>;
  /** Resolve only when /readyz says yes. Default: true. */
  ready?: boolean;
}

/** The operator as users run it: a process of its own, built from src. */
export class OperatorProcess {
  readonly #child: ChildProcess;
  #output = "";

  private constructor(child: ChildProcess) {
    this.#child = child;
    // Whoever leaves without stopping it takes it along.
    const end = () => child.kill("SIGKILL");
    process.once("exit", end);
    child.once("exit", () => process.off("exit", end));
    const keep = (chunk: Buffer): void => {
      this.#output += chunk.toString();
    };
    child.stdout?.on("data", keep);
    child.stderr?.on("data", keep);
  }

  /** Starts an operator that looks for drift every second and serves the given Kubernetes namespace only. */
  static async start(
    namespace: string,
    { settings = {}, ready = true }: OperatorOptions = {},
  ): Promise<OperatorProcess> {
    const env = {
      ...process.env,
      WATCH_NAMESPACES: namespace,
      DRIFT_INTERVAL: "1s",
      HTTP_HOST: "127.0.0.1",
      HTTP_PORT: "0",
      LOG_LEVEL: "debug",
      ...settings,
    };
    const child = spawn(process.execPath, [join(root, "dist", "main.js"), "run"], {
      env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const operator = new OperatorProcess(child);
    try {
      if (ready) await eventually(() => operator.assertReady(), { within: 30_000 });
    } catch (error) {
      await operator.kill("SIGKILL");
      const log = operator.output.slice(-4000);
      throw new Error(`the operator did not become ready: ${String(error)}\n${log}`, { cause: error });
    }
    return operator;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Everything it logged so far. */
  get output(): string {
    return this.#output;
  }

  /** The exit code, or undefined while it runs (or was killed). */
  get exitCode(): number | undefined {
    return this.#child.exitCode ?? undefined;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Sends a signal and, unless it only freezes or thaws, waits until the process has ended. */
  async kill(signal: NodeJS.Signals): Promise<number | undefined> {
    if (!this.running) return this.exitCode;
    const ended = once(this.#child, "exit");
    this.#child.kill(signal);
    if (signal !== "SIGSTOP" && signal !== "SIGCONT") await ended;
    return this.exitCode;
  }

  /** Ends it as Kubernetes does. Resolves to the exit code. */
  stop(): Promise<number | undefined> {
    return this.kill("SIGTERM");
  }

  /** What the path of its HTTP server answers. */
  async get(path: string): Promise<{ status: number; body: string }> {
    const port = /"port":(\d+)/.exec(this.#output)?.[1];
    if (port === undefined) throw new Error(`the operator does not listen yet: ${this.#output.slice(-2000)}`);
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    return { status: response.status, body: await response.text() };
  }

  /** The sum of a metric over all its label sets that contain these labels. */
  async metric(name: string, labels: Record<string, string | RegExp> = {}): Promise<number> {
    const { body } = await this.get("/metrics");
    let sum = 0;
    for (const line of body.split("\n")) {
      const [, series, labelText = "", value] = /^([a-z_]+)(?:\{(.*)\})? ([\d.eE+-]+)$/.exec(line) ?? [];
      if (series !== name) continue;
      const found = new Map(
        [...labelText.matchAll(/([a-z]+)="([^"]*)"/g)].map(([, key = "", text = ""]) => [key, text]),
      );
      const matches = Object.entries(labels).every(([key, wanted]) =>
        typeof wanted === "string" ? found.get(key) === wanted : wanted.test(found.get(key) ?? ""),
      );
      if (matches) sum += Number(value);
    }
    return sum;
  }

  /**
   * Calls to the Kubernetes API that change something, Events and leases apart; waits for a moment without a reconcile, as
   * what others see is counted only when its answer has come.
   */
  async kubernetesWrites(): Promise<number> {
    await this.waitSettled();
    return this.metric("kestraflow_kubernetes_calls_total", {
      verb: /^(create|replace|patch|delete)$/,
      resource: /^(?!(events|leases)$)/,
    });
  }

  /** Calls that change something in Kestra; waits like {@link kubernetesWrites}. */
  async kestraWrites(): Promise<number> {
    await this.waitSettled();
    return this.metric("kestraflow_kestra_calls_total", {
      operation: /^((create|update|delete)Flow|(put|delete)Kv|(start|delete)Backfill)$/,
    });
  }

  private waitSettled(): Promise<void> {
    return eventually(async () => {
      const active = await this.metric("kestraflow_reconciles_active");
      if (active > 0) throw new Error(`${active} reconciles are under way`);
    });
  }

  private async assertReady(): Promise<void> {
    if (!this.running) throw new Error(`it ended with ${this.exitCode}`);
    const { status, body } = await this.get("/readyz");
    if (status !== 200) throw new Error(body);
  }
}
