import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { SandboxError } from "../errors.ts";
import type { Cluster } from "./options.ts";

/** What a cluster of kind takes, each with a command that only succeeds where it works. */
const NEEDED = [
  { title: "Docker engine that answers", command: "docker", args: ["version", "--format", "{{.Server.Version}}"] },
  { title: "kind", command: "kind", args: ["version"] },
  { title: "helm", command: "helm", args: ["version", "--short"] },
];

/**
 * Chooses the cluster and says why. It is the sandbox so far: kind needs charts that bring Kestra and the operator into it,
 * and they are not there yet. Throws for who insists on kind.
 */
export async function chooseCluster(
  wish: Cluster | undefined,
  signal: AbortSignal,
): Promise<{ cluster: Cluster; why: string }> {
  if (wish === "sandbox") return { cluster: wish, why: "as --cluster says" };
  const missing = await missingForKind(signal);
  const none = `there is no ${missing.join(", no ")}`;
  if (wish === "kind")
    throw new SandboxError(
      "The quick start cannot use kind yet: the Helm charts that bring Kestra and the operator into it are still to come.\n" +
        `${missing.length > 0 ? `On this machine, ${none} either. ` : ""}Leave --cluster out, or say --cluster sandbox.`,
    );
  const why = missing.length > 0 ? `as ${none}` : "as the Helm charts that kind needs are still to come";
  return { cluster: "sandbox", why };
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
