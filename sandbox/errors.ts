/** A failure whose message tells the user what happened and what to do; it is shown without a stack. */
export class SandboxError extends Error {
  override name = "SandboxError";
}

/** The `code` of a failed system call, such as "ENOENT". (Not by `instanceof`: jest has an Error of its own.) */
export function errorCode(error: unknown): string | undefined {
  return typeof error === "object" && error !== null && "code" in error ? String(error.code) : undefined;
}
