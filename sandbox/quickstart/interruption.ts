import { SandboxError } from "../errors.ts";

/** In a terminal, npm passes Ctrl-C on to a command that the terminal has told already: what comes so soon is the same one. */
const SAME_PRESS_MS = 1_000;

export class Interruption extends SandboxError {
  override name = "Interruption";
}

/**
 * A signal that is aborted with an Interruption on the first Ctrl-C, SIGTERM or SIGHUP. The second one calls `force`;
 * the third one ends the process at once, with exit code 130.
 */
export function interruption(force: () => void): AbortSignal {
  const controller = new AbortController();
  let presses = 0;
  let last = -Infinity;
  const onSignal = (name: NodeJS.Signals) => {
    const now = performance.now();
    if (now - last < SAME_PRESS_MS) return;
    last = now;
    presses++;
    if (presses === 1) controller.abort(new Interruption(`interrupted by ${name}`));
    else if (presses === 2) force();
    else process.exit(130);
  };
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, onSignal);
  return controller.signal;
}
