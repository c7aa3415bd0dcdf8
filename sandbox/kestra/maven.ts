import { spawn } from "node:child_process";
import { cp, mkdir, readdir, rename, writeFile } from "node:fs/promises";
import { basename, delimiter, join } from "node:path";
import { createInterface } from "node:readline";
import type { Jdk } from "./jdk.ts";

const USUAL_DOWNLOADS = 1300;
const USUALLY = "usually 20 s, one to three minutes on a fresh machine";
const REPORT_EVERY_MS = 4_000;
const KEPT_LINES = 25;

/**
 * Builds the Maven project in the folder `work` and returns the folder in it that is to become `home`: `engine-server.jar`,
 * `lib/`, `sample-plugin/` and `java.args` with the class path. Maven's own settings (mirrors, proxies, repository) stay in
 * force.
 */
export async function mavenBuild(options: {
  sources: string;
  work: string;
  home: string;
  jdk: Jdk;
  report: (message: string) => void;
}): Promise<string> {
  const { sources, work, home, jdk, report } = options;
  const project = join(work, "project");
  const made = join(work, "made");
  await cp(sources, project, { recursive: true, filter: (path) => basename(path) !== "target" });
  await maven(project, jdk, report);
  await mkdir(join(made, "sample-plugin"), { recursive: true });
  const server = join(project, "server", "target");
  await rename(join(server, "lib"), join(made, "lib"));
  await rename(join(server, "engine-server.jar"), join(made, "engine-server.jar"));
  const plugin = "sample-plugin.jar";
  await rename(join(project, "sample-plugin", "target", plugin), join(made, "sample-plugin", plugin));
  const libraries = (await readdir(join(made, "lib"))).sort().map((name) => join(home, "lib", name));
  const classPath = [join(home, "engine-server.jar"), ...libraries].join(delimiter);
  await writeFile(join(made, "java.args"), `-cp "${classPath}"\n`);
  return made;
}

async function maven(folder: string, jdk: Jdk, report: (message: string) => void): Promise<void> {
  const started = Date.now();
  let downloads = 0;
  let doing = "reading the project";
  const progress = setInterval(() => {
    const seconds = Math.round((Date.now() - started) / 1000);
    const files = downloads > 0 ? `, ${downloads} of about ${USUAL_DOWNLOADS} files fetched` : "";
    report(`engine server: ${doing}${files} (${seconds} s; ${USUALLY})`);
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
