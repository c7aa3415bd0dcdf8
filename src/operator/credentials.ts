import { statSync } from "node:fs";
import type { Credentials } from "../kestra/transport.ts";
import { readNamedFile } from "./config.ts";
import type { KestraSettings } from "./config.ts";

/** How often the files are looked at, in milliseconds. */
const CHECK_MS = 1_000;

/**
 * The login to Kestra, read again when one of its files changes. A file that cannot be read later on keeps the last value: a Secret
 * being rotated is away for a moment.
 *
 * @param onChange called when a file brought another value
 */
export function credentialsOf(settings: KestraSettings, onChange: () => void): () => Credentials {
  const username = follow("KESTRA_USERNAME_FILE", settings.KESTRA_USERNAME_FILE, settings.KESTRA_USERNAME, onChange);
  const password = follow("KESTRA_PASSWORD_FILE", settings.KESTRA_PASSWORD_FILE, settings.KESTRA_PASSWORD, onChange);
  const current = () => ({ username: username(), password: password() });
  // Also while nobody calls, since the last login was refused.
  setInterval(current, CHECK_MS).unref();
  return current;
}

function follow(
  variable: string,
  path: string | undefined,
  literal: string | undefined,
  onChange: () => void,
): () => string {
  if (path === undefined) return () => literal ?? "";
  let value = readNamedFile(variable, path);
  let version = versionOf(path);
  let checkedAt = performance.now();
  return () => {
    if (performance.now() - checkedAt < CHECK_MS) return value;
    checkedAt = performance.now();
    const current = versionOf(path);
    if (current === undefined || current === version) return value;
    version = current;
    try {
      const read = readNamedFile(variable, path);
      if (read !== "" && read !== value) {
        value = read;
        onChange();
      }
    } catch {
      // Kept: see above.
    }
    return value;
  };
}

function versionOf(path: string): string | undefined {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat && `${stat.ino} ${stat.mtimeMs} ${stat.size}`;
}
