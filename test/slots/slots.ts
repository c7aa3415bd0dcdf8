import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { EngineBuild } from "../../sandbox/kestra/engine.ts";
import type { Schedule } from "../../src/resources/backfill/ticks.ts";

/** A backfill, in seconds since the epoch, both ends included. */
export interface Range extends Schedule {
  start: number;
  end: number;
  /** How many slots to compute at most. */
  limit: number;
}

/** What Kestra makes of it. `broken`: its walk ends although the range does not. */
export type Walked = { refused: string; slots?: undefined } | Slots;

export interface Slots {
  refused?: undefined;
  slots: number[];
  broken?: true;
}

/** When the clocks of a zone change, and the offset that begins, in seconds. */
export type Change = [instant: number, offset: number];

/** Far from UTC, so that an answer that depends on the machine's own zone is a wrong one. */
const MACHINE_ZONE = "Asia/Kolkata";

/** Asks Kestra's own Schedule class, see Slots.java. Throws when the JVM fails. */
export function walked(build: EngineBuild, ranges: readonly Range[]): Promise<Walked[]> {
  return ask(build, ranges);
}

/** The changes of zones from `from` to `to` by the time zone data of the JDK. */
export async function changes(build: EngineBuild, zones: readonly string[], from: number, to: number) {
  const answers = await ask<{ changes: Change[] }>(
    build,
    zones.map((zone) => ({ changes: zone, from, to })),
  );
  return answers.map((answer) => answer.changes);
}

async function ask<Answer>(build: EngineBuild, questions: readonly object[]): Promise<Answer[]> {
  const java = spawn(
    build.java,
    [
      "-cp",
      join(build.home, "lib", "*"),
      "-XX:+UseSerialGC",
      "-XX:TieredStopAtLevel=1",
      `-Duser.timezone=${MACHINE_ZONE}`,
      join(import.meta.dirname, "Slots.java"),
    ],
    { stdio: ["pipe", "pipe", "pipe"] },
  );
  const exited = once(java, "exit");
  const [output, errors] = [text(java.stdout), text(java.stderr)];
  java.stdin.on("error", () => undefined); // Where the JVM ends early, its exit says why.
  java.stdin.end(questions.map((question) => `${JSON.stringify(question)}\n`).join(""));
  const [code] = (await exited) as [number | null];
  if (code !== 0) throw new Error(`Slots.java failed: ${await errors}`);
  const answers = (await output).trimEnd().split("\n");
  if (answers.length !== questions.length)
    throw new Error(`Slots.java gave ${answers.length} answers: ${await errors}`);
  return answers.map((line) => JSON.parse(line) as Answer);
}
