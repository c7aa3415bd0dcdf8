import { KestraError, KestraProtocolError, KestraUnauthorized, KestraUnreachable } from "../kestra/errors.ts";
import { ApiError, DeadlineError, UnreachableError } from "../kubernetes/errors.ts";
import { InvalidSettings } from "../operator/config.ts";

/** What the exit code of a command says. `found` is for findings of validate, differences of diff and the like, `interrupted` for Ctrl-C. */
export const EXIT = { ok: 0, found: 1, failed: 2, interrupted: 130 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** The command cannot do what was asked. The message is for the person who typed it, and says what to do. */
export class UserError extends Error {}

/**
 * Makes a commander action of a command's work. What the user can do something about is told in one message and exits with 2; any other
 * error is a defect, shown with its stack.
 */
export function action<Arguments extends unknown[]>(
  work: (...given: Arguments) => Promise<ExitCode>,
): (...given: Arguments) => Promise<void> {
  return async (...given) => {
    stopQuietlyWithReader();
    try {
      process.exitCode = await work(...given);
    } catch (error) {
      console.error(explain(error) ?? error);
      process.exitCode = EXIT.failed;
    }
  };
}

/** What to tell of an error that is no defect of ours; undefined for one that is. */
export function explain(error: unknown): string | undefined {
  if (error instanceof UserError || error instanceof InvalidSettings) return error.message;
  if (error instanceof KestraUnreachable) return `Kestra cannot be reached: ${error.message}. Check KESTRA_URL.`;
  if (error instanceof KestraUnauthorized || error instanceof KestraProtocolError) return `${error.message}.`;
  if (error instanceof KestraError) return `Kestra: ${error.message}`;
  if (error instanceof ApiError && error.status === 404 && error.reason === "HTTP 404")
    return `${error.message}. Are the CRDs installed? kubectl apply -f crds/`;
  if (error instanceof ApiError) return error.message;
  if (error instanceof UnreachableError || error instanceof DeadlineError)
    return `The cluster cannot be reached: ${error.message}. Check --kubeconfig and --context.`;
  return undefined;
}

/** `kestraflow export | head` is no error: what reads may go before everything is written. */
function stopQuietlyWithReader(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(EXIT.ok);
    throw error;
  });
}
