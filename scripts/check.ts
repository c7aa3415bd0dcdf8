// Runs the quick checks, as many at a time as there are cores, and prints what each of those that fail has to say.
import { spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import { inParallel } from "../src/lib/async.ts";

/** The longest first. */
const checks = ["test:unit", "lint", "typecheck", "format:check", "generate:check"];
const failed: string[] = [];

await inParallel(checks, Math.min(2, availableParallelism()), async (name) => {
  const started = performance.now();
  const { code, output } = await run(name);
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  console.log(`${code === 0 ? "passed" : "FAILED"}  ${name} (${seconds} s)`);
  if (code === 0) return;
  failed.push(name);
  console.log(output.trimEnd());
});
if (failed.length > 0) {
  console.error(`check: ${failed.join(", ")} failed`);
  process.exitCode = 1;
}

function run(name: string): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn("npm", ["run", "--silent", name], { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk: Buffer) => {
        output += chunk.toString();
      });
    }
    child.on("error", reject);
    child.on("close", (code) => {
      resolve({ code, output });
    });
  });
}
