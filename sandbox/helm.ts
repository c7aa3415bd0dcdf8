import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { cacheEntry } from "./cacheEntry.ts";
import { errorCode } from "./errors.ts";
import { goBuild, type GoBuild } from "./kubernetes/goBuild.ts";

/** The version that is built; a newer one must be on the Go module proxy. */
export const HELM_VERSION = "4.3.1";

/** Charts are installed with what Helm 3.18 and all later versions do. */
const OLDEST_HELM = [3, 18] as const;

const run = promisify(execFile);

/**
 * The path of a helm command: the installed one where it is new enough, else one built through the Go module proxy (minutes,
 * once) into `cacheDir`.
 */
export async function helmCommand(options: { cacheDir: string; report: (line: string) => void }): Promise<string> {
  if (isNewEnough(await installedVersion())) return "helm";
  const folder = join(options.cacheDir, "helm", `helm-${HELM_VERSION}-${process.platform}-${process.arch}`);
  await cacheEntry(folder, options.report, (work) => goBuild(helmBuild, work, options.report));
  return join(folder, "helm");
}

/** Whether a version such as "v3.18.4" will do. Anything that is no version will not. */
export function isNewEnough(version: string): boolean {
  const [major = 0, minor = 0] = (/^v(\d+)\.(\d+)\./.exec(version)?.slice(1) ?? []).map(Number);
  return major > OLDEST_HELM[0] || (major === OLDEST_HELM[0] && minor >= OLDEST_HELM[1]);
}

/** What the helm on the PATH says of itself; empty when there is none. */
async function installedVersion(): Promise<string> {
  try {
    return (await run("helm", ["version", "--template", "{{.Version}}"])).stdout;
  } catch (error) {
    if (errorCode(error) === "ENOENT") return "";
    throw error;
  }
}

const helmBuild: GoBuild = {
  title: `helm ${HELM_VERSION}`,
  usually: "2 to 4 minutes",
  goMod: () =>
    Promise.resolve(`module sandbox/helm

go 1.26.0

require helm.sh/helm/v4 v${HELM_VERSION}
`),
  packages: ["helm.sh/helm/v4/cmd/helm"],
  ldflags: [`-X helm.sh/helm/v4/internal/version.version=v${HELM_VERSION}`],
  instead: `helm ${OLDEST_HELM.join(".")} or newer`,
};
