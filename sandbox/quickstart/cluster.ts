import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Cluster } from "./options.ts";

/** What a cluster of kind takes where nothing is to be built for it, each with a command that only succeeds where it works. */
const NEEDED = [
  { title: "Docker engine that answers", command: "docker", args: ["version", "--format", "{{.Server.Version}}"] },
  { title: "kind", command: "kind", args: ["version"] },
  { title: "helm", command: "helm", args: ["version", "--short"] },
];

/**
 * Chooses the cluster and says why: kind where all that it takes is installed and works, else the sandbox, which takes less and is there
 * sooner. Who asks for kind gets it: what is missing is installed or built, if that can be.
 */
export async function chooseCluster(
  wish: Cluster | undefined,
  signal: AbortSignal,
): Promise<{ cluster: Cluster; why: string }> {
  if (wish !== undefined) return { cluster: wish, why: "as --cluster says" };
  const missing = await missingForKind(signal);
  if (missing.length === 0) return { cluster: "kind", why: "as Docker, kind and helm are there" };
  return { cluster: "sandbox", why: `as there is no ${missing.join(", no ")}` };
}

async function missingForKind(signal: AbortSignal): Promise<string[]> {
  const works = await Promise.all(
    NEEDED.map(({ command, args }) =>
      promisify(execFile)(command, args, { signal, timeout: 10_000 }).then(
        () => true,
        () => false,
      ),
    ),
  );
  signal.throwIfAborted();
  return NEEDED.filter((_, index) => !works[index]).map(({ title }) => title);
}
