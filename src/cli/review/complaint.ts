import type { Position } from "../../lib/yaml.ts";
import type { Path } from "../../lib/yamlPlaces.ts";

/** What is wrong with a manifest. */
export interface Complaint {
  /** An error keeps the resource from becoming Ready. */
  severity: "error" | "warning";
  /** One word; where the operator would say the same, the reason of its condition. */
  rule: string;
  message: string;
  /** Where in the manifest it is. */
  path: Path;
  /** The place within the text at `path`. */
  within?: Position;
}

export function error(rule: string, message: string, path: Path, within?: Position): Complaint {
  return { severity: "error", rule, message, path, ...(within ? { within } : {}) };
}

export function warning(rule: string, message: string, path: Path, within?: Position): Complaint {
  return { ...error(rule, message, path, within), severity: "warning" };
}
