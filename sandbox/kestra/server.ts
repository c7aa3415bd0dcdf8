import { join } from "node:path";

/** What was built for one line of Kestra, ready to be started any number of times. */
export interface EngineBuild {
  /** The cache folder with the jars. */
  home: string;
  java: string;
  /** The version of Kestra's engine, as the server reports it. */
  version: string;
  /** A folder with one plugin jar (task type io.kestraflow.sample.Greet), for tests that install a plugin. */
  samplePluginsDir: string;
  /** The JVM's ahead-of-time cache, where the JDK can make one: the server starts faster with it. */
  aotCache: string | undefined;
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

const READY_TIMEOUT_MS = 2_000;

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
      ...(build.aotCache === undefined ? [] : [`-XX:AOTCache=${build.aotCache}`, "-Xlog:aot*=off"]),
      `@${join(build.home, "java.args")}`,
      // Small in memory first: a test machine runs it beside a cluster.
      "-Xmx512m",
      "-XX:+UseSerialGC",
      "-XX:TieredStopAtLevel=1",
      "-XX:+ExitOnOutOfMemoryError",
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
