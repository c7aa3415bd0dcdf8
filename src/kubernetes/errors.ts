import { messageOf } from "../lib/async.ts";

/** The API server's `Status` object, as far as errors need it. */
export interface ApiStatus {
  code?: number;
  reason?: string;
  message?: string;
  details?: { retryAfterSeconds?: number };
}

/** The API server answered, and the answer is no. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  /** HTTP status; for an error event of a watch, the code inside it. */
  readonly status: number;
  /** Kubernetes' one-word reason (`NotFound`, `Conflict`...), or `HTTP <status>` where it gave none. */
  readonly reason: string;
  /** How long the server asked us to stay away, if it did. */
  readonly retryAfterMs: number | undefined;

  constructor(call: string, status: number, body: ApiStatus = {}, retryAfterMs?: number) {
    const reason = body.reason ?? `HTTP ${status}`;
    super(`${call}: ${reason}${body.message ? `: ${body.message}` : ""}`);
    this.status = status;
    this.reason = reason;
    const asked = body.details?.retryAfterSeconds;
    this.retryAfterMs = retryAfterMs ?? (asked === undefined ? undefined : asked * 1000);
  }
}

/** No usable answer: refused, reset, cut off, unreadable. A write may or may not have been carried out. */
export class UnreachableError extends Error {
  override readonly name: string = "UnreachableError";

  constructor(call: string, cause: unknown) {
    super(`${call}: ${messageOf(cause)}`, { cause });
  }
}

/** The deadline of a call passed. A write may or may not have been carried out. */
export class DeadlineError extends UnreachableError {
  override readonly name = "DeadlineError";

  constructor(call: string, deadlineMs: number) {
    super(call, `no answer within ${deadlineMs} ms`);
  }
}

/** A watch on which nothing came for too long: dead, or nothing to say. */
export class QuietError extends UnreachableError {
  override readonly name = "QuietError";
}

function hasStatus(error: unknown, status: number): error is ApiError {
  return error instanceof ApiError && error.status === status;
}

export const isUnauthorized = (error: unknown): error is ApiError => hasStatus(error, 401);
export const isForbidden = (error: unknown): error is ApiError => hasStatus(error, 403);
export const isNotFound = (error: unknown): error is ApiError => hasStatus(error, 404);
/** The object changed since it was read, or a guard (uid, resourceVersion) did not hold: read again. */
export const isConflict = (error: unknown): error is ApiError =>
  hasStatus(error, 409) && error.reason !== "AlreadyExists";
export const isAlreadyExists = (error: unknown): error is ApiError =>
  hasStatus(error, 409) && error.reason === "AlreadyExists";
/** The version of the world we asked for is no longer kept: list again. */
export const isGone = (error: unknown): error is ApiError => hasStatus(error, 410);
export const isInvalid = (error: unknown): error is ApiError => hasStatus(error, 422);
export const isTooManyRequests = (error: unknown): error is ApiError => hasStatus(error, 429);

/** How long the thrower asked to be left alone, for errors of any kind that carry `retryAfterMs`. */
export function retryAfterOf(error: unknown): number | undefined {
  if (typeof error !== "object" || error === null || !("retryAfterMs" in error)) return undefined;
  return typeof error.retryAfterMs === "number" ? error.retryAfterMs : undefined;
}
