import { existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { SandboxError } from "./errors.ts";
import { poll } from "./polling.ts";
import { isPortFree } from "./ports.ts";
import { isRunning } from "./processIdentity.ts";
import { end, launch, runningProcesses, type Launch, type RecordedProcess } from "./recordedProcess.ts";
import { lastLines, runStep, type StepOptions } from "./step.ts";
import { sandboxFolder, type ComponentName } from "./state.ts";

/** One server of a sandbox. */
export interface Component {
  name: ComponentName;
  /** The loopback port on which it will listen. */
  port(): number;
  /** Milliseconds that a start may take on a slow, busy machine. */
  readyWithin: number;
  /** Milliseconds from the request to end to the kill; 10 seconds unless given. */
  grace?: number;
  /** Done before each start; `run` runs a recorded command to its end. */
  prepare?(run: (name: string, command: Launch) => Promise<void>): Promise<void>;
  launch(): Launch;
  isReady(): Promise<boolean>;
  /** Ends what outlived the process; done after its end, and before a start in case that nobody could then. */
  endRemains?(kill: boolean): Promise<void>;
}

/** A server could not listen on its port because somebody else does. */
export class PortTakenError extends SandboxError {
  override name = "PortTakenError";
}

/** The recorded process of a component, if it runs. */
export function runningComponent(sandbox: string, name: ComponentName): RecordedProcess | undefined {
  return runningProcesses(sandboxFolder(sandbox).records).find((found) => found.name === name);
}

/**
 * Starts a component unless it runs already, and waits until it is ready. When it ends meanwhile or is not ready in time, the
 * error shows the end of its log; it is a PortTakenError where that says so.
 */
export async function ensureReady(sandbox: string, component: Component, options: StepOptions): Promise<void> {
  const { records, log: logOf, data } = sandboxFolder(sandbox);
  const { name, readyWithin } = component;
  const log = logOf(name);
  let process = runningComponent(sandbox, name);
  const logBegin = existsSync(log) ? statSync(log).size : 0;
  if (!process) {
    await component.endRemains?.(false);
    // Otherwise whoever listens there might be taken for the component while that is still on its way to fail.
    if (!(await isPortFree(component.port())))
      throw new PortTakenError(`${name} of sandbox ${sandbox} cannot have its port ${component.port()}: it is taken`);
    mkdirSync(data(name), { recursive: true, mode: 0o700 });
    await component.prepare?.((step, command) => runStep(sandbox, step, command, options));
    options.signal?.throwIfAborted();
    const { identity } = await launch(records, name, component.launch(), log);
    process = { name, since: Date.now(), ...identity };
  }
  const found = process;
  const look = async () => (!isRunning(found) ? "ended" : (await component.isReady()) && isRunning(found) && "ready");
  const outcome = await poll(look, { timeout: readyWithin, signal: options.signal });
  if (outcome === "ready") return;
  const written = existsSync(log) ? readFileSync(log).subarray(logBegin).toString("utf8") : "";
  const what = outcome === "ended" ? "ended while starting" : `is not ready after ${readyWithin / 1000} s`;
  const Failure = outcome === "ended" && saysPortTaken(written) ? PortTakenError : SandboxError;
  throw new Failure(`${name} of sandbox ${sandbox} ${what}. The end of ${log}:\n${lastLines(written)}`);
}

/** Ends a component if it runs: by asking, or at once when `kill` is set. */
export async function stop(sandbox: string, component: Component, kill = false): Promise<void> {
  const found = runningComponent(sandbox, component.name);
  if (found) await end(found, kill ? 0 : component.grace);
  await component.endRemains?.(kill);
}

/** What etcd, Kubernetes (Go), the JVM and Docker say when a port is taken. */
export function saysPortTaken(log: string): boolean {
  return /address already in use|port is already allocated/i.test(log);
}
