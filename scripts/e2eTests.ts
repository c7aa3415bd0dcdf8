// Runs the end-to-end tests, on a kind cluster of their own. Arguments go to jest.
// For a machine that nobody watches, E2E_WITHIN says how many minutes there are: where that is too little, or no Docker engine can be
// started, it says so and ends well.
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { errorCode } from "../sandbox/errors.ts";
import { cacheFolder } from "../sandbox/folders.ts";
import { ensureDocker, NoDockerError } from "../sandbox/kind/dockerEngine.ts";

/** How many minutes the tests took here last. The first time they take longer: 38 where nothing at all was built before. */
const RECORD = join(cacheFolder(), "kind", "e2e-minutes");
const FIRST_TIME_MINUTES = 45;
/** A machine is not always as fast as it was. */
const MARGIN = 1.4;

const { E2E_WITHIN } = process.env;
const hindrance = E2E_WITHIN === undefined ? undefined : await hindranceWithin(Number(E2E_WITHIN));
if (hindrance === undefined) process.exitCode = runTests(process.argv.slice(2));
else console.error(`\nEnd-to-end tests: NOT RUN. ${hindrance}\n`);

async function hindranceWithin(minutes: number): Promise<string | undefined> {
  const took = lastMinutes();
  const needed = took === undefined ? FIRST_TIME_MINUTES : Math.ceil(took * MARGIN);
  if (needed > minutes)
    return `They can take ${needed} minutes here, and ${minutes} are left. Run them with "npm run test:e2e".`;
  try {
    await ensureDocker({ report: console.error });
    return undefined;
  } catch (error) {
    if (error instanceof NoDockerError) return error.message;
    throw error;
  }
}

function runTests(more: string[]): number {
  const jest = join(import.meta.dirname, "..", "node_modules", "jest", "bin", "jest.js");
  const args = ["--experimental-vm-modules", jest, "--selectProjects", "e2e", "--runInBand", ...more];
  const begin = performance.now();
  const timeout = E2E_WITHIN === undefined ? undefined : Number(E2E_WITHIN) * 60_000;
  const { status } = spawnSync(process.execPath, args, { stdio: "inherit", timeout });
  if (status === 0 && more.length === 0) {
    mkdirSync(dirname(RECORD), { recursive: true });
    writeFileSync(RECORD, String((performance.now() - begin) / 60_000));
  }
  return status ?? 1;
}

function lastMinutes(): number | undefined {
  try {
    return Number(readFileSync(RECORD, "utf8"));
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}
