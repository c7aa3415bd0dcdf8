import { SandboxError } from "../errors.ts";

export const ETCD_VERSION = "3.6.16";

/** The patch version built for each Kubernetes line; a newer one must be on the Go module proxy. */
const PATCH_VERSIONS: Record<string, string> = {
  "1.33": "1.33.13",
  "1.34": "1.34.4",
  "1.35": "1.35.4",
  "1.36": "1.36.3",
  "1.37": "1.37.2",
};

export const DEFAULT_LINE = "1.34";
export const KUBERNETES_LINES = Object.keys(PATCH_VERSIONS);

/** The patch version of a line such as "1.34". Throws for a line that is not in the table. */
export function patchVersion(line: string): string {
  const version = PATCH_VERSIONS[line];
  if (version === undefined)
    throw new SandboxError(`Kubernetes ${line} is not known here; choose one of ${KUBERNETES_LINES.join(", ")}`);
  return version;
}
