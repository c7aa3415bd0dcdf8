import { setTimeout as delay } from "node:timers/promises";
import { findCondition } from "../../kubernetes/conditions.ts";
import { Informer } from "../../kubernetes/informer.ts";
import { messageOf } from "../../lib/async.ts";
import { silentLogger } from "../../lib/log.ts";
import { backfills } from "../../resources/backfill/schema.ts";
import type { Backfill, BackfillStatus } from "../../resources/backfill/schema.ts";
import { connectCluster } from "../cluster.ts";
import type { ClusterFlags } from "../cluster.ts";
import { shortDuration } from "../duration.ts";
import { EXIT } from "../failure.ts";
import type { ExitCode } from "../failure.ts";
import { readOne } from "../kinds.ts";
import { paint } from "../paint.ts";
import { plain } from "../plainText.ts";
import { Pace } from "./pace.ts";
import { screenFor } from "./screen.ts";
import type { Screen } from "./screen.ts";

/** States in which nothing changes any more, whatever is changed in the spec. */
const ENDS: Partial<Record<NonNullable<BackfillStatus["state"]>, ExitCode>> = {
  Complete: EXIT.ok,
  Previewed: EXIT.ok,
  Failed: EXIT.found,
  Interrupted: EXIT.found,
};
/** Between two times that the line with the time left is drawn anew. */
const TICK_MS = 1_000;

/** Follows a Backfill until it ends, or Ctrl-C. Lost connections to the cluster are made again. */
export async function watch(name: string, flags: ClusterFlags): Promise<ExitCode> {
  const { client, namespace } = await connectCluster(flags);
  const screen = screenFor(process.stdout);
  const interrupted = new AbortController();
  const interrupt = () => {
    interrupted.abort();
  };
  process.once("SIGINT", interrupt);
  try {
    // What is wrong from the start is told, and not tried again.
    await readOne<Backfill>(client, backfills, { namespace, name });
    const informer = new Informer<Backfill>({
      client,
      type: backfills,
      namespace,
      fieldSelector: `metadata.name=${name}`,
      transform: (object) => object as Backfill,
      logger: silentLogger,
      onFailure: (error) => {
        screen.note(
          paint("yellow", plain(`The connection to the cluster was lost, trying again: ${messageOf(error)}`)),
        );
      },
    });
    const following = new Following(screen, name);
    const ended = new Promise<ExitCode>((resolve) => {
      informer.addHandler(({ type, object }) => {
        const code = type === "deleted" ? following.deleted() : following.see(object);
        if (code !== undefined) resolve(code);
      });
    });
    informer.start();
    const stopTicking = tick(() => {
      following.draw();
    });
    const code = await Promise.race([ended, whenAborted(interrupted.signal)]);
    stopTicking();
    interrupted.abort();
    await informer.stop();
    if (code === EXIT.interrupted) screen.note("The Backfill goes on.");
    return code;
  } finally {
    process.removeListener("SIGINT", interrupt);
    screen.end();
    await client.close();
  }
}

/** What is shown of one Backfill while it goes on. */
class Following {
  readonly #screen: Screen;
  readonly #name: string;
  readonly #pace = new Pace();
  #status: BackfillStatus = {};
  #told = "";
  #failures = 0;

  constructor(screen: Screen, name: string) {
    this.#screen = screen;
    this.#name = name;
  }

  /** Takes in a new state. @returns the exit code when it has ended */
  see({ status = {} }: Backfill): ExitCode | undefined {
    this.#status = status;
    const { slots, state, failures = [] } = status;
    if (slots) this.#pace.see(slots.done + slots.failed + slots.unproved, performance.now());
    for (const { slot, state, url } of failures.slice(this.#failures))
      this.#screen.note(paint("red", plain(`The slot ${slot} ended as ${state}: ${url}`)));
    this.#failures = failures.length;
    this.#tell();
    this.draw();
    const end = state === undefined ? undefined : ENDS[state];
    if (end !== undefined) this.#conclude(status, end);
    return end;
  }

  deleted(): ExitCode {
    this.#screen.note(paint("red", "The Backfill was deleted."));
    return EXIT.found;
  }

  draw(): void {
    const { slots } = this.#status;
    const now = performance.now();
    const left = slots ? this.#pace.timeFor(slots.remaining + slots.running, now) : undefined;
    // Before the second change is seen, the operator knows more.
    const recorded = this.#status.eta === undefined ? undefined : Date.parse(this.#status.eta) - Date.now();
    const running = this.#status.state === "Running";
    const speed = running ? { perSecond: this.#pace.perSecond, leftMs: left ?? recorded } : {};
    this.#screen.show(this.#name, this.#status, speed);
  }

  /** Says what it waits for, once. */
  #tell(): void {
    const { state } = this.#status;
    const ready = findCondition(this.#status.conditions, "Ready");
    if (ready === undefined || state === "Running" || (state !== undefined && state in ENDS)) return;
    const text = `${state ?? "Waiting"} (${ready.reason}): ${ready.message}`;
    // Only the reason: messages count slots.
    const key = `${state ?? ""} ${ready.reason}`;
    if (key !== this.#told) this.#screen.note(plain(text));
    this.#told = key;
  }

  #conclude({ state, conditions, startedAt, finishedAt }: BackfillStatus, end: ExitCode): void {
    const message = findCondition(conditions, "Ready")?.message ?? "";
    const took =
      startedAt === undefined || finishedAt === undefined
        ? ""
        : ` It took ${shortDuration(Date.parse(finishedAt) - Date.parse(startedAt))}.`;
    this.#screen.note(paint(end === EXIT.ok ? "green" : "red", plain(`${state ?? ""}: ${message}${took}`)));
  }
}

/** Calls again and again, without keeping the process alive. Returns what ends it. */
function tick(work: () => void): () => void {
  const timer = setInterval(work, TICK_MS);
  timer.unref();
  return () => {
    clearInterval(timer);
  };
}

async function whenAborted(signal: AbortSignal): Promise<ExitCode> {
  // A timer keeps the process alive while a lost connection is waited for.
  while (!signal.aborted) await delay(60_000, undefined, { signal }).catch(() => undefined);
  return EXIT.interrupted;
}
