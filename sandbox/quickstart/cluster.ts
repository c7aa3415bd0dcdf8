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
 * Says why the flows will run in the sandbox, the one cluster that is complete so far: kind needs charts that bring Kestra
 * and the operator into it, and they are not there yet. Throws for who insists on kind.
 */
export async function whySandbox(wish: Cluster | undefined, signal: AbortSignal): Promise<string> {
  if (wish === "sandbox") return "the sandbox, as --cluster says";
  const missing = await missingForKind(signal);
  if (wish === "kind")
    throw new SandboxError(
      `The quick start cannot use kind yet: the Helm charts that bring Kestra and the operator into it are still to come. ` +
        `${missing.length > 0 ? `There is no ${missing.join(", no ")} here either. ` : ""}Leave --cluster out, or say --cluster sandbox.`,
    );
  return missing.length > 0
    ? `the sandbox, as there is no ${missing.join(", no ")}`
    : "the sandbox, as the charts that kind needs are still to come";
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
