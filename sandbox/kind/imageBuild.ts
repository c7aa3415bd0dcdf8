import { createHash } from "node:crypto";
import { cpSync, linkSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { cacheFolder } from "../folders.ts";
import { docker, hasImage, type Docker } from "./docker.ts";
import type { StepOptions } from "../step.ts";

/** An image and what it is made of. */
export interface ImageBuild {
  /** Such as "kestraflow/postgres"; the tag is a digest of all that follows. */
  name: string;
  /** The folder with the Dockerfile, which is the context as well. */
  folder: string;
  /** Arguments of the Dockerfile. */
  args?: Record<string, string>;
  /** Files from elsewhere, by their path in the context. Those of a folder are all taken. */
  files?: Record<string, string>;
  /** What stands for the files in the digest where reading them would take long: versions. Without it, their bytes do. */
  versions?: string[];
}

/** Builds an image unless the engine has it, and returns its name with the tag. */
export async function buildImage(engine: Docker, build: ImageBuild, { report, signal }: StepOptions): Promise<string> {
  const image = `${build.name}:${digestOf(build)}`;
  if (await hasImage(engine, image)) return image;
  report(`image ${build.name}: building`);
  const begin = performance.now();
  const context = stage(build);
  try {
    const args = Object.entries(build.args ?? {}).flatMap(([name, value]) => ["--build-arg", `${name}=${value}`]);
    // Its RUN steps reach package registries as this machine does.
    await docker(engine, ["build", "--network", "host", "--tag", image, ...args, context], {
      signal,
      env: { DOCKER_CLI_HINTS: "false" },
    });
  } finally {
    rmSync(context, { recursive: true, force: true });
  }
  report(`image ${build.name}: built in ${Math.round((performance.now() - begin) / 1000)} s`);
  return image;
}

function digestOf({ folder, args = {}, files = {}, versions }: ImageBuild): string {
  const hash = createHash("sha256").update(JSON.stringify([args, versions ?? null, Object.keys(files)]));
  const parts = [folder, ...(versions ? [] : Object.values(files))];
  for (const part of parts)
    for (const file of filesOf(part))
      hash.update(`\0${relative(part, file)}\0${statSync(file).mode & 0o111}\0`).update(readFileSync(file));
  return hash.digest("hex").slice(0, 12);
}

function filesOf(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .sort()
    .flatMap((name) => filesOf(join(path, name)));
}

/** The context, in one folder. Large files are linked where they can be: they lie in the same cache. */
function stage({ folder, files = {} }: ImageBuild): string {
  const parent = join(cacheFolder(), "kind");
  mkdirSync(parent, { recursive: true });
  const context = mkdtempSync(join(parent, "context-"));
  cpSync(folder, context, { recursive: true });
  for (const [place, source] of Object.entries(files)) {
    const target = join(context, place);
    mkdirSync(dirname(target), { recursive: true });
    if (statSync(source).isDirectory()) cpSync(source, target, { recursive: true });
    else
      try {
        linkSync(source, target);
      } catch {
        cpSync(source, target);
      }
  }
  return context;
}
