import { join } from "node:path";
import { SandboxError } from "../errors.ts";
import { readState as readCluster } from "../kind/cluster.ts";
import { down as downKind } from "../kind/kind.ts";
import { withLock } from "../lock.ts";
import { end, runningProcesses } from "../recordedProcess.ts";
import { down } from "../sandbox.ts";
import { readState, sandboxFolder } from "../state.ts";
import type { Screen } from "./screen.ts";

/** The sandbox of the quick start, or its kind cluster: there is one at a time. */
export const NAME = "quickstart";

/**
 * Runs `work` unless another quick start runs: then it throws and says so. A sandbox that a killed one left behind is taken
 * down before.
 */
export async function asTheOnlyOne<T>(screen: Screen, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  const refusal = new AbortController();
  const onWait = ({ pid }: { pid: number }) =>
    refusal.abort(
      new SandboxError(
        `A quick start runs already, as process ${pid}. Use that one, or end it first: with Ctrl-C in its terminal, ` +
          `or with npm run sandbox -- down --name ${NAME}`,
      ),
    );
  const options = { onWait, signal: AbortSignal.any([signal, refusal.signal]) };
  // In the sandbox's folder, so that whatever takes the sandbox down removes it too.
  const lock = join(sandboxFolder(NAME).folder, "session.lock");
  await withLock(
    lock,
    async () => {
      if (!isThere()) return;
      screen.line("An earlier quick start was killed and left its cluster behind: taking that down.");
      await downAll(screen);
    },
    options,
  );
  return withLock(lock, work, options);
}

/** Ends the operator in good order, then all else, and removes every file of it. */
export async function takeDown(screen: Screen): Promise<void> {
  const begin = performance.now();
  const started = isThere();
  if (started) {
    screen.line();
    screen.report("taking everything down");
  }
  const operator = recorded().find(({ name }) => name === "operator");
  if (operator) await end(operator);
  await downAll(screen);
  if (started) screen.done("everything is down, and nothing left behind", performance.now() - begin);
}

function isThere(): boolean {
  return readState(NAME) !== undefined || readCluster(NAME) !== undefined;
}

async function downAll(screen: Screen): Promise<void> {
  if (readCluster(NAME) !== undefined) await downKind({ name: NAME, report: (line) => screen.report(line) });
  await down(NAME);
}

/** Kills what still runs, at once, so that taking it down need not wait for it. */
export function killAll(): void {
  for (const found of recorded()) void end(found, 0).catch(() => undefined);
}

/** Also those whose recording has ended because they are being taken down. */
function recorded() {
  const { records } = sandboxFolder(NAME);
  return [...runningProcesses(records), ...runningProcesses(`${records}.closed`)];
}
