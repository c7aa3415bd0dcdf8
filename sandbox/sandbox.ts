import { rmdirSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { ensureReady, PortTakenError, stop, type Component } from "./component.ts";
import { errorCode, SandboxError } from "./errors.ts";
import { cacheFolder, stateRoot } from "./folders.ts";
import { kestraComponent, removeContainer } from "./kestraServer.ts";
import { buildEngine } from "./kestra/engine.ts";
import { buildKubernetes, isKubernetesBuilt } from "./kubernetes/build.ts";
import { controlPlane } from "./kubernetes/controlPlane.ts";
import { withLock } from "./lock.ts";
import { assignPorts, movePort, releasePorts } from "./portAssignment.ts";
import { ownIdentity } from "./processIdentity.ts";
import { closeRecords, launch, openRecords } from "./recordedProcess.ts";
import { describeSandbox, writeFiles, type Sandbox } from "./description.ts";
import { checkName, readState, sandboxFolder, writeState, type ComponentName, type SandboxState } from "./state.ts";
import { runStep, type StepOptions } from "./step.ts";
import { newState, wishedState, type Wishes } from "./wishes.ts";

export type { Sandbox } from "./description.ts";
export { status, type SandboxStatus } from "./status.ts";
export { kestraFromEnvironment } from "./wishes.ts";

export const DEFAULT_NAME = "default";

export interface UpOptions extends Wishes {
  name?: string | undefined;
  /** Gets progress, line by line, a line every few seconds at most. */
  report?: ((line: string) => void) | undefined;
  /** Ties the sandbox to the calling process: it is taken down when that ends without `down`, were it by SIGKILL. */
  tied?: boolean | undefined;
  /** Aborting makes `up` reject with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/**
 * Brings a sandbox up: builds what is missing, starts what does not run, waits until all is ready. Repeatable at any time,
 * also after an earlier call was killed or the machine rebooted; the data of the servers is kept. Rejects with a message that
 * says what to do; a sandbox that this call made is then taken down again.
 */
export async function up(options: UpOptions = {}): Promise<Sandbox> {
  const { name = DEFAULT_NAME, report = ignore, tied = false, signal, ...wishes } = options;
  checkName(name);
  return locked(name, { report, signal }, async () => {
    const before = readState(name);
    const state = before ? wishedState(before, wishes) : newState(name, wishes);
    writeState(state);
    try {
      await openRecords(sandboxFolder(name).records);
      if (tied) await tie(name);
      await bringUp(state, before, { report, signal });
      writeFiles(state);
      return await describeSandbox(state);
    } catch (error) {
      if (!before) await tearDown(name);
      throw error;
    }
  });
}

/** Describes a sandbox that is up. Throws when there is none of that name, or its Kestra does not answer. */
export async function describe(name: string): Promise<Sandbox> {
  return describeSandbox(existing(name));
}

/** Takes a sandbox down: no process and no file of it is left but the cache. Does nothing when there is none. */
export async function down(name = DEFAULT_NAME, options: Partial<StepOptions> = {}): Promise<void> {
  checkName(name);
  await locked(name, { report: ignore, ...options }, () => tearDown(name));
}

export interface StartOverrides {
  /** The folder of plugin jars for Kestra's engine from now on; null for none. */
  plugins?: string | null;
}

/** Starts one server of a sandbox again, on its port and data, and waits until it is ready. One that runs is left alone. */
export async function startComponent(
  name: string,
  component: ComponentName,
  overrides: StartOverrides = {},
): Promise<void> {
  await withComponent(name, component, async (state) => {
    if (overrides.plugins !== undefined && state.kestra?.kind === "engine") {
      const { kind, line } = state.kestra;
      state.kestra = { kind, line, ...(overrides.plugins !== null && { plugins: overrides.plugins }) };
      writeState(state);
    }
    await ensureReady(name, componentOf(state, component), { report: ignore });
  });
}

/** Ends one server of a sandbox: in good order, or at once (SIGKILL) when `kill` is set. Resolves when it is gone. */
export async function stopComponent(name: string, component: ComponentName, { kill = false } = {}): Promise<void> {
  await withComponent(name, component, (state) => stop(name, componentOf(state, component), kill));
}

/** Ends and starts one server of a sandbox. It keeps its port and data. */
export async function restart(
  name: string,
  component: ComponentName,
  { kill = false, ...overrides }: StartOverrides & { kill?: boolean } = {},
): Promise<void> {
  await stopComponent(name, component, { kill });
  await startComponent(name, component, overrides);
}

async function bringUp(state: SandboxState, before: SandboxState | undefined, options: StepOptions): Promise<void> {
  // When one half fails the other is given up at once.
  const failure = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, failure.signal]) : failure.signal;
  const halves = [
    bringUpKubernetes(state, { ...options, signal }),
    bringUpKestra(state, before, { ...options, signal }),
  ];
  for (const half of halves) half.catch((error: unknown) => failure.abort(error));
  await Promise.allSettled(halves);
  signal.throwIfAborted();
}

async function bringUpKubernetes(state: SandboxState, options: StepOptions): Promise<void> {
  const line = state.kubernetes;
  if (line === undefined) return;
  const cacheDir = cacheFolder();
  if (!isKubernetesBuilt(line, cacheDir)) await build(state, "kubernetes", line, options);
  state.binaries = await buildKubernetes({ line, cacheDir, report: options.report });
  if (!state.binaries.controllerManager)
    options.report(
      "KUBEBUILDER_ASSETS has no kube-controller-manager: namespaces will not be deleted, nor service accounts made",
    );
  await startInOrder(state, controlPlane(state), options);
}

async function bringUpKestra(
  state: SandboxState,
  before: SandboxState | undefined,
  options: StepOptions,
): Promise<void> {
  if (state.kestra?.kind === "engine") {
    const { line, plugins } = state.kestra;
    await build(state, "engine", line, options);
    state.engine = await buildEngine({ line, cacheDir: cacheFolder(), report: options.report });
    const pluginsBefore = before?.kestra?.kind === "engine" ? before.kestra.plugins : undefined;
    if (before && plugins !== pluginsBefore) await stop(state.name, componentOf(state, "kestra"));
  }
  const component = kestraComponent(state);
  if (component) await startInOrder(state, [component], options);
}

/** A build is a process of its own: recorded, it can be ended with all its children when this one was killed. */
async function build(state: SandboxState, what: "kubernetes" | "engine", line: string, options: StepOptions) {
  await runStep(
    state.name,
    `${what}-build`,
    { command: process.execPath, args: [programPath("build.ts"), what, line] },
    options,
  );
}

/** Starts components of which each needs the one before. One whose port was taken meanwhile is moved to another. */
async function startInOrder(state: SandboxState, components: Component[], options: StepOptions): Promise<void> {
  await assignPorts(
    state,
    components.map(({ name }) => name),
  );
  for (const [index, component] of components.entries())
    for (let attempt = 1; ; attempt++)
      try {
        await ensureReady(state.name, component, options);
        break;
      } catch (error) {
        if (!(error instanceof PortTakenError) || attempt === 5) throw error;
        // Those that were told the old port have to be started anew.
        for (const later of components.slice(index + 1).reverse()) await stop(state.name, later);
        await movePort(state, component.name);
      }
}

async function tearDown(name: string): Promise<void> {
  const place = sandboxFolder(name);
  const state = readState(name);
  await closeRecords(place.records);
  if (state) {
    await removeContainer(state);
    for (const { path } of state.files) rmSync(path, { force: true });
  }
  await releasePorts(() => rmSync(place.folder, { recursive: true, force: true, maxRetries: 5 }));
}

/** Starts the guard that takes the sandbox down when this process has ended. */
async function tie(name: string): Promise<void> {
  const { records, log } = sandboxFolder(name);
  const { pid, start } = ownIdentity();
  const args = [programPath("guard.ts"), name, String(pid), start];
  await launch(records, "guard", { command: process.execPath, args }, log("guard"));
}

const programPath = (file: string) => fileURLToPath(new URL(file, import.meta.url));

function existing(name: string): SandboxState {
  const state = readState(name);
  if (!state) throw new SandboxError(`there is no sandbox ${name}; npm run sandbox -- status shows those there are`);
  return state;
}

async function withComponent(name: string, component: ComponentName, work: (state: SandboxState) => Promise<void>) {
  await locked(name, { report: ignore }, async () => {
    const state = existing(name);
    componentOf(state, component);
    await work(state);
  });
}

function componentOf(state: SandboxState, name: ComponentName): Component {
  const found = [...controlPlane(state), kestraComponent(state)].find((component) => component?.name === name);
  if (!found) throw new SandboxError(`sandbox ${state.name} runs no ${name} of its own`);
  return found;
}

/** One command at a time works on a sandbox. */
async function locked<T>(name: string, { report, signal }: StepOptions, work: () => Promise<T>): Promise<T> {
  const onWait = ({ pid }: { pid: number }) =>
    report(`another command (process ${pid}) is at work on sandbox ${name}; waiting`);
  try {
    return await withLock(sandboxFolder(name).lock, work, { onWait, signal });
  } finally {
    removeIfEmpty(stateRoot());
  }
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch (error) {
    if (!["ENOTEMPTY", "EEXIST", "ENOENT"].includes(errorCode(error) ?? "")) throw error;
  }
}

function ignore(): void {
  // The caller wants no progress.
}
