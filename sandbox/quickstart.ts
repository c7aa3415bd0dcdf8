// Everything in one command: a cluster with Kestra, the operator, and the tutorial's flows on their way from kubectl apply to
// a running Kestra. Usage: npm run quickstart -- --help
import { aborted } from "../src/lib/async.ts";
import type { KestraFlow } from "../src/resources/flow/schema.ts";
import { SandboxError } from "./errors.ts";
import { announceBackfills, showBackfills } from "./quickstart/backfills.ts";
import { bringUp } from "./quickstart/bringUp.ts";
import { greets, showChanges } from "./quickstart/changes.ts";
import { executeGreeting } from "./quickstart/execution.ts";
import { showEntries } from "./quickstart/entries.ts";
import { applyFlows } from "./quickstart/flows.ts";
import { Interruption, interruption } from "./quickstart/interruption.ts";
import { readLogOfSandbox } from "./quickstart/inSandbox.ts";
import { showNext } from "./quickstart/next.ts";
import { asTheOnlyOne, killAll, takeDown } from "./quickstart/only.ts";
import { readableLog } from "./quickstart/operator.ts";
import { manifestArguments, parseOptions } from "./quickstart/options.ts";
import { toSeconds, writeOutcome, type Outcome } from "./quickstart/outcome.ts";
import { Screen, secondsText } from "./quickstart/screen.ts";
import type { World } from "./quickstart/world.ts";

const LOG_LINES = 15;

const options = parseOptions(process.argv);
const screen = new Screen();
const interrupted = interruption(killAll);
let world: World | undefined;
const outcome: Outcome = {
  cluster: null,
  kestra: null,
  seconds: 0,
  flows: [],
  entries: [],
  backfills: [],
  execution: null,
};
process.exit(await asTheOnlyOne(screen, interrupted, quickstart).catch(refused));

/** Returns the exit code, when all is down again. */
async function quickstart(): Promise<number> {
  try {
    world = await untilAborted(interrupted, bringUp(options, screen, interrupted));
    Object.assign(outcome, { cluster: world.cluster, kestra: world.kestraTitle });
    const example = await untilAborted(world.signal, show(world));
    record();
    return options.exit ? 0 : await stayUp(world, example);
  } catch (error) {
    const code = failed(error);
    if (code === 1) await showOperatorLog();
    record(error);
    return code;
  } finally {
    await takeDown(screen);
  }
}

/**
 * Shows what the operator makes of the manifests, and returns one of the flows. Throws when one is not Ready, or anything else
 * is not as promised.
 */
async function show(world: World): Promise<KestraFlow> {
  const manifests = manifestArguments(options.flows);
  screen.title("3. The flows, from files to the engine");
  screen.command(`kubectl apply ${manifests.join(" ")}`);
  const flows = await applyFlows(world, manifests, outcome.flows);
  screen.line(
    `${flows.length} of ${flows.length} Ready, ${secondsText(performance.now())} after the start of this command.`,
  );
  await showEntries(world, outcome.entries);
  await announceBackfills(world);

  const greeting = flows.find(greets);
  screen.title("4. Running one");
  if (greeting) {
    outcome.execution = await executeGreeting(world, greeting);
    screen.title("5. Changes: edited, drifted, corrected, deleted, back");
    await showChanges(world, greeting, manifests);
  } else screen.line("There is no hello-world among these flows: nothing to show of that.");
  await showBackfills(world, `${greeting ? 6 : 5}. Backfills, which ran meanwhile`, outcome.backfills);
  return greeting ?? flows[0];
}

/** Returns the exit code once somebody has pressed Ctrl-C. Throws when the operator ends before. */
async function stayUp(world: World, example: KestraFlow): Promise<number> {
  showNext(world, { manifests: manifestArguments(options.flows), example, backfills: outcome.backfills });
  // Nothing else keeps the process waiting: the servers do not depend on it.
  const patience = setInterval(() => undefined, 60_000);
  await aborted(world.signal);
  clearInterval(patience);
  if (!interrupted.aborted) throw world.signal.reason;
  return 0;
}

/** Nothing was started. */
function refused(error: unknown): number {
  record(error);
  return failed(error);
}

/** Shows why it failed, and returns the exit code. */
function failed(error: unknown): number {
  if (error instanceof Interruption) {
    screen.failed(`${error.message}; once more to force it`);
    return 130;
  }
  const [first = "", ...more] = textOf(error).split("\n");
  screen.failed(first);
  for (const line of more) screen.line(line);
  return 1;
}

async function showOperatorLog(): Promise<void> {
  const log = await (world?.readLog ?? readLogOfSandbox)().catch(() => "");
  if (log === "") return;
  screen.line("The end of the operator's log:");
  for (const line of readableLog(log, LOG_LINES)) screen.line(`  ${line}`);
}

function textOf(error: unknown): string {
  if (error instanceof SandboxError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function record(error?: unknown): void {
  outcome.seconds = toSeconds(performance.now());
  if (options.json !== undefined) writeOutcome(options.json, outcome, error);
}

/** What work resolves to, unless the signal is aborted before: then its reason is thrown, and the work left to itself. */
function untilAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const giveUp = aborted(signal).then((): never => {
    throw signal.reason;
  });
  return Promise.race([work, giveUp]);
}
