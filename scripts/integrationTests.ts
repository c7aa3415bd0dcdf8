// Runs the tests that need a cluster and Kestra: those of backfills, which wait most of the time, beside each other, all others one by one.
// Arguments go to jest, e.g. --testPathPatterns drift.
import { spawnSync } from "node:child_process";
import { join } from "node:path";

const jest = join(import.meta.dirname, "..", "node_modules", "jest", "bin", "jest.js");
const given = process.argv.slice(2);

for (const [project, how] of [
  ["integration", "--runInBand"],
  ["backfill", "--maxWorkers=2"],
] as const) {
  const args = ["--experimental-vm-modules", jest, "--selectProjects", project, how];
  // Patterns can leave nothing of one of the two.
  if (given.length > 0) args.push("--passWithNoTests", ...given);
  const { status } = spawnSync(process.execPath, args, { stdio: "inherit" });
  if (status !== 0) process.exitCode = status ?? 1;
}
