import { existsSync, readFileSync, readdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** A Java development kit on this machine. */
export interface Jdk {
  home: string;
  /** The feature release: 21, 25. */
  release: number;
}

const OLDEST = 21;

/**
 * The JDK to build and run the engine server with: JAVA_HOME where it is new enough, else the newest one found among the
 * system's. Throws, saying what to install, when there is none.
 */
export function findJdk(environment: NodeJS.ProcessEnv = process.env): Jdk {
  const preferred = environment.JAVA_HOME ? readJdk(environment.JAVA_HOME) : undefined;
  if (preferred && preferred.release >= OLDEST) return preferred;
  const newest = installedHomes()
    .map(readJdk)
    .filter((jdk) => jdk !== undefined)
    .sort((a, b) => b.release - a.release)[0];
  if (newest && newest.release >= OLDEST) return newest;
  const found = preferred ?? newest;
  throw new Error(
    `The engine server needs a JDK ${OLDEST} or newer (25 is best); ` +
      (found ? `the newest found is ${found.release} in ${found.home}. ` : "none was found. ") +
      "Install one and set JAVA_HOME to its folder.",
  );
}

function installedHomes(): string[] {
  return [
    ...children("/usr/lib/jvm"),
    ...children("/opt"),
    ...children("/Library/Java/JavaVirtualMachines").map((folder) => join(folder, "Contents", "Home")),
    ...children(join(homedir(), ".sdkman", "candidates", "java")),
    ...children(join(homedir(), ".jdks")),
  ];
}

function children(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
}

function readJdk(home: string): Jdk | undefined {
  if (!existsSync(join(home, "bin", "javac")) || !existsSync(join(home, "release"))) return undefined;
  const version = /^JAVA_VERSION="(\d+)/m.exec(readFileSync(join(home, "release"), "utf8"))?.[1];
  return version === undefined ? undefined : { home, release: Number(version) };
}
