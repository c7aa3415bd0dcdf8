import { realpath } from "node:fs/promises";
import { join } from "node:path";
import { argocdCommand, ARGOCD_VERSION } from "../../../sandbox/argocd.ts";
import { run } from "../../../sandbox/command.ts";
import { cacheFolder } from "../../../sandbox/folders.ts";
import { helmCommand } from "../../../sandbox/helm.ts";
import { debianImage } from "../../../sandbox/kind/debian.ts";
import type { Docker } from "../../../sandbox/kind/docker.ts";
import { buildImage } from "../../../sandbox/kind/imageBuild.ts";
import type { StepOptions } from "../../../sandbox/step.ts";

/** An image that stands in for those of Argo CD's own manifests. Building Argo CD takes minutes, once on a machine. */
export async function argocdImage(engine: Docker, options: StepOptions): Promise<string> {
  const build = { cacheDir: cacheFolder(), report: options.report };
  const [argocd, helm] = [await argocdCommand(build), await pathOf(await helmCommand(build))];
  const kubectl = await pathOf("kubectl");
  return buildImage(
    engine,
    {
      name: "kestraflow-argocd",
      folder: join(import.meta.dirname, "image"),
      args: { BASE: await debianImage(engine, options) },
      files: { argocd, helm, kubectl },
      versions: [ARGOCD_VERSION, await run(helm, ["version", "--short"]), await run(kubectl, ["version", "--client"])],
    },
    options,
  );
}

async function pathOf(command: string): Promise<string> {
  return realpath((await run("/bin/sh", ["-c", `command -v "${command}"`])).trim());
}
