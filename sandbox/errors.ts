/** A failure whose message tells the user what happened and what to do; it is shown without a stack. */
export class SandboxError extends Error {
  override name = "SandboxError";
}

/** The `code` of a failed system call, such as "ENOENT". */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
}
