import {
  describe,
  restart,
  startComponent,
  stopComponent,
  type Sandbox,
  type StartOverrides,
} from "../../sandbox/sandbox.ts";
import type { ComponentName } from "../../sandbox/state.ts";

/** The counterparts of this test run, as globalSetup put them into the environment. */
export interface Counterparts {
  kubeconfig: string;
  kestra: { url: string; username: string; password: string };
}

/** Throws where a variable is missing: then the test does not run under globalSetup. */
export function counterparts(): Counterparts {
  return {
    kubeconfig: variable("KUBECONFIG"),
    kestra: {
      url: variable("KESTRA_URL"),
      username: variable("KESTRA_USERNAME"),
      password: variable("KESTRA_PASSWORD"),
    },
  };
}

/** Whether the run has a sandbox, hence servers that a test may stop; without one the counterparts are somebody's. */
export const hasSandbox = (): boolean => Boolean(process.env.KESTRAFLOW_SANDBOX);

/** The run's sandbox with the details, such as the folder of the sample plugin. Its Kestra has to be up. */
export const sandbox = (): Promise<Sandbox> => describe(variable("KESTRAFLOW_SANDBOX"));

/** Ends a server: in good order, or at once (SIGKILL) when `kill` is set. Resolves when it is gone. */
export const stopServer = (server: ComponentName, options: { kill?: boolean } = {}): Promise<void> =>
  stopComponent(variable("KESTRAFLOW_SANDBOX"), server, options);

/** Starts a server on its port and data and waits until it is ready; one that runs is left alone. */
export const startServer = (server: ComponentName, overrides: StartOverrides = {}): Promise<void> =>
  startComponent(variable("KESTRAFLOW_SANDBOX"), server, overrides);

/** Ends and starts a server. */
export const restartServer = (
  server: ComponentName,
  options: StartOverrides & { kill?: boolean } = {},
): Promise<void> => restart(variable("KESTRAFLOW_SANDBOX"), server, options);

function variable(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set: run this test with npm run test:integration`);
  return value;
}
