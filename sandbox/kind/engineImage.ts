import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { cacheEntry } from "../cacheEntry.ts";
import { run } from "../command.ts";
import { cacheFolder } from "../folders.ts";
import { buildEngine, engineCommand } from "../kestra/engine.ts";
import type { StepOptions } from "../step.ts";
import { DEFAULT_KESTRA_LINE } from "../wishes.ts";
import type { Docker } from "./docker.ts";
import { buildImage } from "./imageBuild.ts";

/** What the engine and its libraries use of the JDK. */
const MODULES = [
  "java.se",
  "jdk.crypto.ec",
  "jdk.jfr",
  "jdk.management",
  "jdk.naming.dns",
  "jdk.net",
  "jdk.security.auth",
  "jdk.unsupported",
  "jdk.zipfs",
].join(",");

/**
 * The image of Kestra's engine behind our test REST layer, on H2: it takes the sandbox's ENGINE_* variables, listens on port 8080 and keeps
 * its data in /data. Throws as `buildEngine` does.
 */
export async function engineImage(engine: Docker, debian: string, options: StepOptions): Promise<string> {
  const build = await buildEngine({ line: DEFAULT_KESTRA_LINE, cacheDir: cacheFolder(), report: options.report });
  const jdk = dirname(dirname(build.java));
  const java = join(cacheFolder(), "kind", `java-${basename(jdk)}`);
  await cacheEntry(java, options.report, (work) => javaRuntime(jdk, work, options));
  const work = mkdtempSync(join(cacheFolder(), "kind", "engine-"));
  try {
    const start = join(work, "start");
    writeFileSync(start, startScript());
    chmodSync(start, 0o755);
    const version = `${build.version}-${basename(build.home)}`;
    return await buildImage(
      engine,
      {
        name: "kestraflow-engine",
        folder: join(import.meta.dirname, "images", "engine"),
        args: { BASE: debian },
        files: {
          java,
          "engine/engine-server.jar": join(build.home, "engine-server.jar"),
          "engine/lib": join(build.home, "lib"),
          "engine/start": start,
        },
        versions: [version, basename(java), startScript()],
      },
      options,
    );
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** The command that the sandbox runs, with the places of the image. */
function startScript(): string {
  const home = "/opt/engine";
  const { command, args } = engineCommand(
    { home, java: "/opt/java/bin/java", version: "", samplePluginsDir: "", aotCache: undefined },
    { port: 8080, dataDir: "/data" },
  );
  const classPath = `-cp "${home}/engine-server.jar:${home}/lib/*"`;
  const words = args.map((arg) => (arg.startsWith("@") ? classPath : arg));
  return `#!/bin/sh\nexec ${[command, ...words].join(" ")} "$@"\n`;
}

async function javaRuntime(jdk: string, work: string, { report, signal }: StepOptions): Promise<string> {
  report(`Java runtime: linking it from ${jdk} (usually 20 to 40 s)`);
  const output = join(work, "java");
  mkdirSync(dirname(output), { recursive: true });
  const args = ["--add-modules", MODULES, "--strip-debug", "--no-header-files", "--no-man-pages", "--output", output];
  await run(join(jdk, "bin", "jlink"), args, { signal });
  return output;
}
