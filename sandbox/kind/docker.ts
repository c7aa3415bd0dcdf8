import { run, type CommandOptions } from "../command.ts";

/** A Docker engine that answers. */
export interface Docker {
  /** What points docker, kind and others to it. */
  env: Record<string, string>;
  /** Whether we started it, and end it again. */
  own: boolean;
}

/** Runs the docker client and returns its standard output. Throws as `run` does. */
export function docker({ env }: Docker, args: readonly string[], options: CommandOptions = {}): Promise<string> {
  return run("docker", args, { ...options, env: { ...env, ...options.env } });
}

/** Whether the engine has an image of that name. */
export async function hasImage(engine: Docker, image: string): Promise<boolean> {
  return docker(engine, ["image", "inspect", "--format", "{{.Id}}", image]).then(
    () => true,
    () => false,
  );
}

const PULL_WITHIN_MS = 600_000;

/** Pulls an image. False, with the reason reported, where that cannot be done: no registry within reach, or no such image. */
export async function pull(engine: Docker, image: string, report: (line: string) => void): Promise<boolean> {
  try {
    await docker(engine, ["pull", "--quiet", image], { signal: AbortSignal.timeout(PULL_WITHIN_MS) });
    return true;
  } catch (error) {
    const reason = error instanceof Error ? error.message.split("\n").at(-1) : String(error);
    report(`${image} cannot be pulled (${reason})`);
    return false;
  }
}

/** The size of an image in bytes, as Docker counts it: its layers, unpacked. */
export async function imageSize(engine: Docker, image: string): Promise<number> {
  return Number(await docker(engine, ["image", "inspect", "--format", "{{.Size}}", image]));
}
