import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { cacheEntry } from "../cacheEntry.ts";
import { makeAotCache, oldestWithAot } from "./aot.ts";
import { findJdk } from "./jdk.ts";
import { mavenBuild } from "./maven.ts";
import type { EngineBuild } from "./server.ts";

export { type EngineBuild, type EngineOptions, defaultLogin, engineCommand, engineReady } from "./server.ts";

const sources = import.meta.dirname;

/**
 * Builds the engine server (Kestra's engine behind our test REST layer) unless the cache has it. The cache key covers the
 * sources, the versions in them and the JDK's release. Processes that build the same at the same time build it once.
 * Throws for another line than 1.1, and when the JDK or Maven is missing or fails.
 */
export async function buildEngine(options: {
  line: string;
  cacheDir: string;
  report: (message: string) => void;
}): Promise<EngineBuild> {
  const { line, cacheDir, report } = options;
  if (line !== "1.1") throw new Error(`The engine server is made for Kestra 1.1 only; ${line} is not there yet.`);
  const jdk = findJdk();
  const version = kestraVersion();
  const home = join(cacheDir, "kestra", `engine-${version}-${sourcesHash(String(jdk.release))}`);
  await cacheEntry(home, report, (work) => {
    report(`engine server: building it around Kestra's engine ${version} with JDK ${jdk.release}`);
    return mavenBuild({ sources, work, home, jdk, report });
  });
  const build: EngineBuild = {
    home,
    java: join(jdk.home, "bin", "java"),
    version,
    samplePluginsDir: join(home, "sample-plugin"),
    aotCache: undefined,
  };
  if (jdk.release < oldestWithAot) return build;
  const recorded = `${home}-start`;
  await cacheEntry(recorded, report, (work) => makeAotCache(build, work, report));
  const aotCache = join(recorded, "engine.aot");
  return { ...build, aotCache: existsSync(aotCache) ? aotCache : undefined };
}

/** The task types that validation knows and that cannot run here: their plugins are in the official image only. */
export function declaredTypes(): string[] {
  return readFileSync(join(sources, "server/src/main/resources/declared-types.txt"), "utf8")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
}

function kestraVersion(): string {
  const version = /<kestra\.version>(.+?)</.exec(readFileSync(join(sources, "pom.xml"), "utf8"))?.[1];
  if (version === undefined) throw new Error("sandbox/kestra/pom.xml names no kestra.version");
  return version;
}

function sourcesHash(release: string): string {
  const hash = createHash("sha256").update(release);
  for (const file of sourceFiles(sources)) {
    hash.update(relative(sources, file)).update("\0").update(readFileSync(file)).update("\0");
  }
  return hash.digest("hex").slice(0, 12);
}

function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.name !== "target")
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return sourceFiles(path);
      return /\.(java|xml|yml|txt|Plugin)$/.test(entry.name) ? [path] : [];
    });
}
