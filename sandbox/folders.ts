import { homedir } from "node:os";
import { join } from "node:path";

/** Where builds are kept: shared by all sandboxes and left in place by `down`. Safe to delete when no sandbox runs. */
export function cacheFolder(): string {
  return join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "kestraflow");
}

/** Where each sandbox has its folder (data, logs, credentials, process records): gone after the last `down`. */
export function stateRoot(): string {
  return join(process.env.XDG_STATE_HOME ?? join(homedir(), ".local", "state"), "kestraflow");
}
