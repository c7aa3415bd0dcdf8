// Runs the tests that need a cluster and Kestra: those that get along, which wait most of the time, beside each other, all others one by one.
// Arguments go to jest, e.g. --testPathPatterns drift.
import { spawnSync } from "node:child_process";
import { join } from "node:path";

const jest = join(import.meta.dirname, "..", "node_modules", "jest", "bin", "jest.js");
const given = process.argv.slice(2);

for (const [project, how] of [
  ["integration", "--runInBand"],
  ["beside", "--maxWorkers=3"],
  ["backfill", "--maxWorkers=3"],
] as const) {
  const args = ["--experimental-vm-modules", jest, "--selectProjects", project, how];
  // Patterns can leave nothing of one of them.
  if (given.length > 0) args.push("--passWithNoTests", ...given);
  const { status } = spawnSync(process.execPath, args, { stdio: "inherit" });
  if (status !== 0) process.exitCode = status ?? 1;
}
