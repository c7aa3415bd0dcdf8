import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { CommandMissingError, run } from "../command.ts";
import { SandboxError } from "../errors.ts";
import { cacheFolder } from "../folders.ts";
import type { StepOptions } from "../step.ts";
import { hasImage, pull, type Docker } from "./docker.ts";

const SUITE = "bookworm";
const OFFICIAL = `debian:${SUITE}-slim`;
/** Its number grows when what is below changes. */
const OWN = `kestraflow/debian:${SUITE}-2`;

/**
 * The image that those made here begin with: Debian's official one where it can be pulled, else the same made by debootstrap from Debian's
 * packages, for which root on Debian installs that program. Throws where neither can be.
 */
export async function debianImage(engine: Docker, options: StepOptions): Promise<string> {
  for (const image of [OFFICIAL, OWN]) if (await hasImage(engine, image)) return image;
  if (await pull(engine, OFFICIAL, options.report)) return OFFICIAL;
  options.report(`image ${OWN}: bootstrapping Debian (usually one to two minutes)`);
  const begin = performance.now();
  const parent = join(cacheFolder(), "kind");
  mkdirSync(parent, { recursive: true });
  const work = mkdtempSync(join(parent, "debian-"));
  try {
    const root = join(work, "root");
    await bootstrap(root, options);
    // The output of tar is far larger than a program should hold: a shell joins the two.
    const env = { ...engine.env, ROOT: root, IMAGE: OWN };
    await run("/bin/sh", ["-euc", IMPORT], { env, signal: options.signal });
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  options.report(`image ${OWN}: made in ${Math.round((performance.now() - begin) / 1000)} s`);
  return OWN;
}

const IMPORT = `
cd "$ROOT"
rm -rf var/cache/apt/* var/lib/apt/lists/* var/log/* usr/share/doc/* usr/share/man/* usr/share/locale/* etc/resolv.conf etc/hostname
printf 'path-exclude=/usr/share/doc/*\\npath-exclude=/usr/share/man/*\\npath-exclude=/usr/share/locale/*\\n' > etc/dpkg/dpkg.cfg.d/small
tar --create --numeric-owner --one-file-system . | docker import --change 'CMD ["bash"]' - "$IMAGE"
`;

async function bootstrap(root: string, { report, signal }: StepOptions): Promise<void> {
  const args = ["--variant=minbase", SUITE, root];
  try {
    await run("debootstrap", args, { signal });
  } catch (error) {
    if (!(error instanceof CommandMissingError)) throw error;
    if (process.getuid?.() !== 0)
      throw new SandboxError(`${OFFICIAL} cannot be pulled, and to make its like here takes root and debootstrap.`);
    report("installing debootstrap");
    const env = { DEBIAN_FRONTEND: "noninteractive" };
    await run("apt-get", ["install", "--yes", "--no-install-recommends", "debootstrap"], { env, signal });
    await run("debootstrap", args, { signal });
  }
}
