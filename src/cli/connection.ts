import type { Command } from "commander";
import { KestraClient } from "../kestra/client.ts";
import type { TransportOptions } from "../kestra/transport.ts";
import { KestraSettings, parseKestraSettings, readNamedFile } from "../operator/config.ts";
import { credentialsOf } from "../operator/credentials.ts";
import { addSettings, variablesOf } from "./settings.ts";

const NAMES = Object.keys(KestraSettings.shape) as (keyof KestraSettings)[];

/** Adds the flags that say which Kestra is meant, the same as those of `run`. */
export function addKestraOptions(command: Command): void {
  addSettings(command, NAMES);
  command.addHelpText(
    "after",
    "\nThe flags about Kestra can be given as environment variables: --kestra-url is KESTRA_URL. KESTRA_PASSWORD, for which there is no flag, holds the password.",
  );
}

/** Whether a Kestra is named, by flag or environment. */
export function namesKestra(flags: Readonly<Record<string, unknown>>): boolean {
  return Boolean(variablesOf(flags).KESTRA_URL);
}

/** The tenant that flags and environment name, also where no Kestra is. */
export function tenantOf(flags: Readonly<Record<string, unknown>>): string {
  return variablesOf(flags).KESTRA_TENANT ?? "main";
}

/**
 * The Kestra that flags and environment name. No connection is opened yet. It is for reading: a call that would change something throws
 * before anything is sent.
 *
 * @throws {InvalidSettings}
 */
export function connectKestra(
  flags: Readonly<Record<string, unknown>>,
  options: Pick<TransportOptions, "maxBodyBytes"> = {},
): KestraClient {
  const settings = parseKestraSettings(variablesOf(flags));
  return new KestraClient({
    ...options,
    url: settings.KESTRA_URL,
    tenant: settings.KESTRA_TENANT,
    credentials: credentialsOf(settings, () => undefined),
    ca: settings.KESTRA_CA_FILE && readNamedFile("KESTRA_CA_FILE", settings.KESTRA_CA_FILE),
    fence: () => {
      throw new Error("the command line changes nothing in Kestra");
    },
  });
}
