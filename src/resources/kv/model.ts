import type { StoredValue } from "../../kestra/kv.ts";
import type { KvIdentity, KvItem } from "../../kestra/types.ts";
import type * as resources from "../model.ts";
import type { CachedKv } from "./cache.ts";
import type { Desired } from "./source.ts";

/** An entry with its value, as it was found in Kestra. */
export type StoredEntry = KvItem & { stored: StoredValue };

/** A reference that leads nowhere (yet). */
export interface MissingReference extends resources.Missing {
  reason: "ReferenceMissing" | "ReferenceForbidden";
  optional: boolean;
}

/** Everything a decision may rest on. What is optional has not been read yet in this reconcile: a decision can ask for it. */
export interface Observed extends resources.Observed<CachedKv> {
  /** What the resource declares. For a resource in sync without the value. */
  desired?: Desired | resources.Unreadable | MissingReference;
  /** The entry in Kestra at the declared identity. */
  stored?: StoredEntry | "missing" | "expired";
  /** Why it was written in this reconcile. */
  written?: resources.Reason | "renewed";
  /** Why Kestra refused the write. */
  rejected?: string;
}

export type Fact = "content" | "stored" | "claimed";

/** The write to Kestra, besides those that change who owns what. It carries no value: that is taken from what is observed. */
export interface Write {
  op: "put";
  identity: KvIdentity;
  because: resources.Reason | "renewed";
}

export type Decision = resources.Decision<Fact, Write>;
