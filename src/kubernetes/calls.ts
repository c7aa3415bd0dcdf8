import type { Metadata } from "./objects.ts";

/** One finished call; for a watch, its opening. */
export interface CallReport {
  verb: "get" | "list" | "watch" | "create" | "replace" | "patch" | "delete";
  /** Plural of the type, `/status` added for its subresource: bounded, fit for a metric label. */
  resource: string;
  /** HTTP status, or why there was none. */
  code: number | "deadline" | "unreachable" | "aborted" | "fenced";
  milliseconds: number;
}

export interface CallOptions {
  signal?: AbortSignal | undefined;
  /** Overrides the client's deadline, in milliseconds. */
  deadlineMs?: number | undefined;
}

/** How objects are read. */
export interface Reading {
  /** Answers `PartialObjectMetadata`: no spec, no status, no data. */
  metadataOnly?: boolean | undefined;
  /**
   * Where the server speaks HTTP/2, a hundred such reads at a time share one connection. When that is half open, it stalls
   * them all, for up to twice the time in which their silence is noticed: for small reads and watches in hundreds.
   */
  multiplexed?: boolean | undefined;
}

export interface GetOptions extends Reading, CallOptions {}

/** Which objects of a type, and how they are read. */
export interface Selection extends Reading {
  /** Default: all namespaces. */
  namespace?: string | undefined;
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
}

export interface ListOptions extends Selection, CallOptions {
  /** Most objects in one page. */
  limit?: number | undefined;
  /** Where the page before ended. */
  continue?: string | undefined;
}

export interface ObjectList<T> {
  items: T[];
  metadata: { resourceVersion: string; continue?: string; remainingItemCount?: number };
}

export interface WatchOptions extends Selection, CallOptions {
  resourceVersion: string;
  /** The server ends the watch after this long. */
  timeoutSeconds: number;
  /** A stream on which nothing arrives for this long, in milliseconds, is taken for dead. */
  quietMs: number;
}

export interface DeleteOptions extends CallOptions {
  /** Deletes this very object, or fails with a conflict. */
  preconditions?: { uid?: string; resourceVersion?: string } | undefined;
  propagationPolicy?: "Background" | "Foreground" | "Orphan" | undefined;
}

/** An object that the API server has not completed yet. */
export type NewObject = Draft | (Draft & Record<string, unknown>);

interface Draft {
  apiVersion?: string;
  kind?: string;
  metadata: Partial<Metadata> & { generateName?: string };
}

export interface StatusPatch {
  status: object | null;
  /** Guards the patch: it fails with a conflict when the object is another one by now. */
  metadata?: { resourceVersion: string };
}
