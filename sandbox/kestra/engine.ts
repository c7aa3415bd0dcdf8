import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { delimiter, join, relative } from "node:path";
import { findJdk } from "./jdk.ts";
import { withLock } from "./lock.ts";
import { mavenBuild } from "./maven.ts";

/** What was built for one line of Kestra, ready to be started any number of times. */
export interface EngineBuild {
  /** The cache folder with the jars. */
  home: string;
  java: string;
  /** The version of Kestra's engine, as the server reports it. */
  version: string;
  /** A folder with one plugin jar (task type io.kestraflow.sample.Greet), for tests that install a plugin. */
  samplePluginsDir: string;
}

export interface EngineOptions {
  port: number;
  /** Database, internal storage and scratch files; created when missing. A restart on the same folder keeps the state. */
  dataDir: string;
  username?: string;
  password?: string;
  /** A folder of plugin jars. A type they bring takes the place of its declaration. */
  pluginsDir?: string;
}

/** The login of the server where no other is asked for. */
export const defaultLogin = { username: "admin@kestra.io", password: "Admin1234" };

const sources = import.meta.dirname;
const READY_TIMEOUT_MS = 2_000;

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
  const home = join(cacheDir, `engine-${line}-${sourcesHash(String(jdk.release))}`);
  const build: EngineBuild = {
    home,
    java: join(jdk.home, "bin", "java"),
    version: kestraVersion(),
    samplePluginsDir: join(home, "sample-plugin"),
  };
  if (existsSync(join(home, "java.args"))) return build;
  await withLock(
    `${home}.lock`,
    () => report("engine server: another process is building it; waiting"),
    async () => {
      if (existsSync(join(home, "java.args"))) return;
      report(`engine server: building it around Kestra's engine ${build.version} with JDK ${jdk.release}`);
      await mavenBuild(sources, home, jdk, report);
      await writeFile(join(home, "java.args"), `-cp "${classpath(home)}"\n`);
      report("engine server: built");
    },
  );
  return build;
}

/**
 * The process to spawn: it listens on the loopback address only, ends on SIGTERM, and is ready when engineReady says so.
 * `env` is what to add to the environment.
 */
export function engineCommand(
  build: EngineBuild,
  options: EngineOptions,
): { command: string; args: string[]; env: Record<string, string> } {
  return {
    command: build.java,
    args: [
      `@${join(build.home, "java.args")}`,
      // Small in memory first: a test machine runs it beside a cluster.
      "-Xmx256m",
      "-XX:+UseSerialGC",
      "-XX:TieredStopAtLevel=1",
      "-Duser.timezone=UTC",
      "-Duser.language=en",
      "-Dfile.encoding=UTF-8",
      "--enable-native-access=ALL-UNNAMED",
      "io.kestraflow.engine.Main",
    ],
    env: {
      ENGINE_PORT: String(options.port),
      ENGINE_DATA_DIR: options.dataDir,
      ENGINE_USERNAME: options.username ?? defaultLogin.username,
      ENGINE_PASSWORD: options.password ?? defaultLogin.password,
      ...(options.pluginsDir === undefined ? {} : { ENGINE_PLUGINS_DIR: options.pluginsDir }),
    },
  };
}

/** One probe: whether a server answers at the URL. Never throws. */
export async function engineReady(url: string): Promise<boolean> {
  try {
    const answer = await fetch(new URL("/api/v1/configs", url), { signal: AbortSignal.timeout(READY_TIMEOUT_MS) });
    await answer.arrayBuffer();
    return answer.ok;
  } catch {
    return false;
  }
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

function classpath(home: string): string {
  const libraries = readdirSync(join(home, "lib")).sort();
  return [join(home, "engine-server.jar"), ...libraries.map((name) => join(home, "lib", name))].join(delimiter);
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
