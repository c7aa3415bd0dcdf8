import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cacheEntry } from "./cacheEntry.ts";
import { goBuild, type GoBuild } from "./kubernetes/goBuild.ts";
import { go, type GoContext } from "./kubernetes/goToolchain.ts";

/** The newest version that builds from the Go module proxy: 3.2.12 does not compile, later ones replace a module that is not there. */
export const ARGOCD_VERSION = "3.2.11";

const MODULE = "github.com/argoproj/argo-cd/v3";

/**
 * The path of Argo CD's one program, which is controller, repository server or command line by the name under which it is
 * started (or ARGOCD_BINARY_NAME). Built through the Go module proxy (minutes, once) into `cacheDir`.
 */
export async function argocdCommand(options: { cacheDir: string; report: (line: string) => void }): Promise<string> {
  const folder = join(options.cacheDir, "argocd", `argocd-${ARGOCD_VERSION}-${process.platform}-${process.arch}`);
  await cacheEntry(folder, options.report, (work) => goBuild(argocdBuild, work, options.report));
  // Go names a command after its folder.
  return join(folder, "cmd");
}

/** The folder of the module that the program is built from, which has Argo CD's own definitions in manifests/crds. */
export async function argocdModule(): Promise<string> {
  return (await downloaded({ folder: tmpdir(), env: {} })).Dir;
}

const argocdBuild: GoBuild = {
  title: `argocd ${ARGOCD_VERSION}`,
  usually: "4 to 8 minutes",
  goMod: argocdGoMod,
  packages: [`${MODULE}/cmd`],
  ldflags: [`-X ${MODULE}/common.version=${ARGOCD_VERSION}`],
};

/** What a module replaces counts in that module only: here the same has to be said again. */
async function argocdGoMod(context: GoContext): Promise<string> {
  const original = readFileSync((await downloaded(context)).GoMod, "utf8");
  return `module sandbox/argocd

${/^go \S+$/m.exec(original)?.[0] ?? "go 1.25.0"}

require ${MODULE} v${ARGOCD_VERSION}

${/^replace \([^)]*\)/m.exec(original)?.[0] ?? ""}
`;
}

async function downloaded(context: GoContext): Promise<{ GoMod: string; Dir: string }> {
  const answer = await go(["mod", "download", "-json", `${MODULE}@v${ARGOCD_VERSION}`], context);
  return JSON.parse(answer) as { GoMod: string; Dir: string };
}
