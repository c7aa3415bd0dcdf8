import { spawn } from "node:child_process";
import { cp, rename, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { createInterface } from "node:readline";
import type { Jdk } from "./jdk.ts";

const USUAL_DOWNLOADS = 700;
const REPORT_EVERY_MS = 4_000;
const KEPT_LINES = 25;

/**
 * Builds the Maven project in a scratch folder and moves what it made to `home`: `engine-server.jar`, `lib/` and
 * `sample-plugin/`. `home` appears whole or not at all. Maven's own settings (mirrors, proxies, repository) stay in force.
 */
export async function mavenBuild(
  sources: string,
  home: string,
  jdk: Jdk,
  report: (message: string) => void,
): Promise<void> {
  const scratch = `${home}.${process.pid}.tmp`;
  await rm(scratch, { recursive: true, force: true });
  await cp(sources, scratch, {
    recursive: true,
    filter: (path) => !["target", "node_modules"].includes(basename(path)),
  });
  try {
    await maven(scratch, jdk, report);
    const made = join(scratch, "made");
    await rename(join(scratch, "server", "target", "lib"), join(made + ".lib"));
    await cp(join(scratch, "server", "target", "engine-server.jar"), join(made, "engine-server.jar"));
    await cp(
      join(scratch, "sample-plugin", "target", "sample-plugin.jar"),
      join(made, "sample-plugin", "sample-plugin.jar"),
    );
    await rename(join(made + ".lib"), join(made, "lib"));
    await rm(home, { recursive: true, force: true });
    await rename(made, home);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function maven(folder: string, jdk: Jdk, report: (message: string) => void): Promise<void> {
  const started = Date.now();
  let downloads = 0;
  let doing = "reading the project";
  const progress = setInterval(() => {
    const seconds = Math.round((Date.now() - started) / 1000);
    const files = downloads > 0 ? `, ${downloads} of about ${USUAL_DOWNLOADS} files fetched` : "";
    report(`engine server: ${doing}${files} (${seconds} s; usually 30 s, 60 to 120 s on a fresh machine)`);
  }, REPORT_EVERY_MS);
  const last: string[] = [];
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      const child = spawn("mvn", ["-B", "package"], {
        cwd: folder,
        env: { ...process.env, JAVA_HOME: jdk.home },
        stdio: ["ignore", "pipe", "pipe"],
      });
      child.on("error", reject);
      child.on("close", resolve);
      createInterface({ input: child.stderr }).on("line", keep);
      createInterface({ input: child.stdout }).on("line", (line) => {
        if (line.includes("Downloaded from")) downloads++;
        else keep(line);
        const goal = /--- .*?:(resources|compile|jar|copy-dependencies) .* @ (\S+)/.exec(line);
        if (goal) doing = `${goal[1]} of ${goal[2]}`;
      });
    });
    if (code !== 0) throw new Error(`Maven failed (exit code ${code}):\n${last.join("\n")}`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new Error(
      "The engine server is built with Maven: install Apache Maven 3.8 or newer, so that `mvn` is in the PATH.",
      { cause: error },
    );
  } finally {
    clearInterval(progress);
  }

  function keep(line: string): void {
    if (line.trim() === "" || line.includes("Downloading from")) return;
    last.push(line);
    if (last.length > KEPT_LINES) last.shift();
  }
}
