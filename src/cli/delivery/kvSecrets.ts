import type { Command } from "commander";
import { globs } from "../../lib/glob.ts";

export interface KvSecretsFlags {
  kvSecrets?: string | true;
}

/** Adds the flag that says which values are left out of manifests. */
export function addKvSecretsOption(command: Command): void {
  command.option(
    "--kv-secrets [globs]",
    "Entries whose values are left out: each refers to a Secret, which is written without the value; default: all keys",
  );
}

/** Which entries get a reference to a Secret in place of their value, by key. */
export function secretKeys({ kvSecrets }: KvSecretsFlags): (key: string) => boolean {
  if (kvSecrets === undefined) return () => false;
  return kvSecrets === true ? () => true : globs(kvSecrets.split(","));
}
