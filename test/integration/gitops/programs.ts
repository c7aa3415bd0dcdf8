import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { cacheEntry } from "../../../sandbox/cacheEntry.ts";
import { cacheFolder } from "../../../sandbox/folders.ts";
import { goBuild } from "../../../sandbox/kubernetes/goBuild.ts";

/** The module that each program is there for. */
const MODULES = {
  kstatus: "github.com/fluxcd/cli-utils v1.2.2",
  redis: "github.com/alicebob/miniredis/v2 v2.35.0",
};

/** The path of a Go program of this folder, built unless the cache has it (seconds to a minute, once for each change). */
export async function program(name: keyof typeof MODULES): Promise<string> {
  const sources = join(import.meta.dirname, name);
  const goMod = `module ${name}\n\ngo 1.26.0\n\nrequire ${MODULES[name]}\n`;
  const digest = createHash("sha256")
    .update(goMod)
    .update(readFileSync(join(sources, "main.go")));
  const folder = join(cacheFolder(), "test", `${name}-${digest.digest("hex").slice(0, 12)}`);
  const report = (line: string): void => void process.stderr.write(`${line}\n`);
  await cacheEntry(folder, report, (work) =>
    goBuild(
      {
        ...{ title: `the test program ${name}`, usually: "half a minute", sources, packages: ["."], ldflags: [] },
        goMod: () => Promise.resolve(goMod),
      },
      work,
      report,
    ),
  );
  return join(folder, name);
}
