import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { CommandMissingError, run } from "../command.ts";
import { SandboxError } from "../errors.ts";
import { withLock } from "../lock.ts";
import { poll } from "../polling.ts";
import { isRunning } from "../processIdentity.ts";
import { end, launch, openRecords, runningProcesses } from "../recordedProcess.ts";
import { lastLines, type StepOptions } from "../step.ts";
import { docker, type Docker } from "./docker.ts";
import { engineFolder } from "./folders.ts";

/** There is no Docker engine, and none can be started here. The message says why. */
export class NoDockerError extends SandboxError {
  override name = "NoDockerError";
}

const ANSWERS_WITHIN_MS = 15_000;
const READY_WITHIN_MS = 90_000;
/** Containers are stopped in good order, each of which may take ten seconds. */
const STOP_WITHIN_MS = 60_000;

/**
 * A Docker engine: the one that the environment names, if it answers; else one of ours, which is started unless it runs. Where Docker is
 * not installed, root on Debian installs it. Throws a NoDockerError when there is none in the end.
 */
export async function ensureDocker(options: StepOptions): Promise<Docker> {
  if (await answers(GIVEN)) return GIVEN;
  const { lock } = engineFolder();
  // Under the lock: one that answers may be about to be stopped.
  return withLock(lock, async () => (await runningDocker()) ?? (await start(options)), { signal: options.signal });
}

/** The engine that answers, if any: that of the environment before one of ours. */
export async function runningDocker(): Promise<Docker | undefined> {
  if (await answers(GIVEN)) return GIVEN;
  const own = ownDocker();
  return existsSync(engineFolder().socket) && (await answers(own)) ? own : undefined;
}

/** Ends the engine that we started, unless it is in use; its images stay. Does nothing when there is none. */
export async function stopDocker(isInUse: () => boolean): Promise<void> {
  const { records, folder, lock } = engineFolder();
  await withLock(lock, async () => {
    if (isInUse()) return;
    const running = runningProcesses(records);
    // The network of clusters, whose bridge would outlive the engine.
    if (running.length > 0) await docker(ownDocker(), ["network", "rm", "kind"]).catch(() => undefined);
    for (const found of running) await end(found, STOP_WITHIN_MS);
    for (const place of mountsBelow(folder)) await run("umount", [place]);
    rmSync(folder, { recursive: true, force: true });
  });
}

/** What dockerd leaves mounted, the innermost first. */
function mountsBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[4] ?? "")
    .filter((place) => place.startsWith(`${folder}/`))
    .reverse();
}

/** The engine that the environment names, or the client's own default. */
const GIVEN: Docker = { env: {}, own: false };

const ownDocker = (): Docker => ({ env: { DOCKER_HOST: `unix://${engineFolder().socket}` }, own: true });

async function answers(engine: Docker): Promise<boolean> {
  const signal = AbortSignal.timeout(ANSWERS_WITHIN_MS);
  return docker(engine, ["version", "--format", "{{.Server.Version}}"], { signal }).then(
    () => true,
    () => false,
  );
}

async function start({ report, signal }: StepOptions): Promise<Docker> {
  const cannot = (why: string) =>
    new NoDockerError(`No Docker engine answers, and none can be started here: ${why}. Start Docker and repeat.`);
  if (process.platform !== "linux") throw cannot(`that takes Linux, and this is ${process.platform}`);
  if (process.getuid?.() !== 0) throw cannot("that takes root");
  if (!(await isInstalled("dockerd", signal)) || !(await isInstalled("docker", signal))) {
    if (!existsSync("/etc/debian_version")) throw cannot("Docker is not installed, and this is not Debian");
    await install({ report, signal }).catch((error: unknown) => {
      throw cannot(`Docker is not installed, and ${error instanceof Error ? error.message : String(error)}\n`);
    });
    // Where there is an init system, the package has started it.
    const started = await runningDocker();
    if (started) return started;
  }
  return startOwn(cannot, { report, signal });
}

async function startOwn(cannot: (why: string) => NoDockerError, { report, signal }: StepOptions): Promise<Docker> {
  const { folder, records, log, socket, pidfile, execRoot, runcWrapper, data } = engineFolder();
  for (const place of [folder, data]) mkdirSync(place, { recursive: true, mode: 0o700 });
  await openRecords(records);
  for (const left of [log, pidfile, socket]) rmSync(left, { force: true });
  const args = [
    `--host=unix://${socket}`,
    `--pidfile=${pidfile}`,
    `--exec-root=${execRoot}`,
    `--data-root=${data}`,
    // The default, -500, takes a capability that containers with Docker in them may not have.
    "--oom-score-adjust=0",
  ];
  if (!mayRaiseLimits()) {
    writeFileSync(runcWrapper, RUNC_WRAPPER);
    chmodSync(runcWrapper, 0o755);
    args.push(`--add-runtime=kestraflow=${runcWrapper}`, "--default-runtime=kestraflow");
  }
  report("Docker engine: starting dockerd");
  const { identity } = await launch(records, "dockerd", { command: "dockerd", args }, log);
  const own = ownDocker();
  const look = async () => (!isRunning(identity) ? "ended" : (await answers(own)) && "ready");
  const outcome = await poll(look, { timeout: READY_WITHIN_MS, signal });
  if (outcome === "ready") return own;
  await end(identity);
  const what = outcome === "ended" ? "dockerd ended" : `dockerd does not answer after ${READY_WITHIN_MS / 1000} s`;
  throw cannot(`${what}. The end of its log:\n${lastLines(readFileSync(log, "utf8"))}\n`);
}

async function install({ report, signal }: StepOptions): Promise<void> {
  report("Docker engine: installing Debian's docker.io");
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  const apt = (...args: string[]) => run("apt-get", args, { env, signal });
  const add = (name: string) => apt("install", "--yes", "--no-install-recommends", name);
  await add("docker.io").catch(async () => {
    await apt("update");
    await add("docker.io");
  });
  // Newer Debian has the client in a package of its own.
  if (!(await isInstalled("docker", signal))) await add("docker-cli");
}

async function isInstalled(command: string, signal: AbortSignal | undefined): Promise<boolean> {
  try {
    await run(command, ["--version"], { signal });
    return true;
  } catch (error) {
    if (error instanceof CommandMissingError) return false;
    throw error;
  }
}

const CAP_SYS_RESOURCE = 24n;

/** Whether privileged containers can be given what Docker wants to give them: all capabilities there are. */
function mayRaiseLimits(): boolean {
  const bounding = /^CapBnd:\s+([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
  return bounding === undefined || ((BigInt(`0x${bounding}`) >> CAP_SYS_RESOURCE) & 1n) === 1n;
}

/**
 * A runc that asks for no CAP_SYS_RESOURCE, which this machine does not have: otherwise nothing privileged starts. The capabilities stand
 * in config.json of the bundle of a new container, and in the process file of one that is entered.
 */
export const RUNC_WRAPPER = `#!/bin/sh
drop() { [ ! -f "$1" ] || sed -i 's/"CAP_SYS_RESOURCE",//g; s/,"CAP_SYS_RESOURCE"//g' "$1"; }
previous=
for argument; do
  case "$previous" in
    --bundle | -b) drop "$argument/config.json" ;;
    --process | -p) drop "$argument" ;;
  esac
  previous=$argument
done
exec runc "$@"
`;
