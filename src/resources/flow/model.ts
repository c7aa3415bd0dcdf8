import type { FlowIdentity, FlowValidation, StoredFlow } from "../../kestra/types.ts";
import type * as resources from "../model.ts";
import type { CachedFlow } from "./cache.ts";
import type { Desired } from "./source.ts";

/** Everything a decision may rest on. What is optional has not been read yet in this reconcile: a decision can ask for it. */
export interface Observed extends resources.Observed<CachedFlow> {
  /** What the resource declares. For a resource in sync this comes from its status, without the text. */
  desired?: Desired | resources.Unreadable | resources.Missing;
  /** The flow in Kestra at the declared identity. */
  stored?: StoredFlow | "missing";
  /** A create was answered with "exists". */
  exists?: true;
  /** Kestra's verdict on the declared text. */
  validation?: FlowValidation;
}

export type Fact = "content" | "stored" | "claimed" | "validation";

/** The writes to Kestra, besides those that change who owns what. */
export interface Write {
  op: "create" | "update";
  identity: FlowIdentity;
  text: string;
  because: resources.Reason;
}

export type Decision = resources.Decision<Fact, Write>;
