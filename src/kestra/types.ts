import { z } from "zod";

/** Where a flow lives: Kestra's own key for it. */
export interface FlowIdentity {
  tenant: string;
  namespace: string;
  id: string;
}

/** Where a key-value entry lives: Kestra's own key for it. `id` is the entry's key. */
export interface KvIdentity {
  tenant: string;
  namespace: string;
  id: string;
}

/** What `GET /api/v1/configs` tells of a server. `pluginsHash` changes when plugins are added or removed. */
export const ServerInfo = z.object({
  uuid: z.string(),
  version: z.string(),
  edition: z.string().optional(),
  pluginsHash: z.number().optional(),
  url: z.string().optional(),
});
export type ServerInfo = z.infer<typeof ServerInfo>;

/** A flow as lists return it: parsed, without its source. Fields that are not named here are kept, for the item's digest. */
export const FlowItem = z.looseObject({
  id: z.string(),
  namespace: z.string(),
  revision: z.number().int(),
  disabled: z.boolean().optional(),
  deleted: z.boolean().optional(),
});
export type FlowItem = z.infer<typeof FlowItem>;

/** A flow with the text it was saved as. */
export const StoredFlow = z.object({
  id: z.string(),
  namespace: z.string(),
  revision: z.number().int(),
  disabled: z.boolean().default(false),
  source: z.string(),
});
export type StoredFlow = z.infer<typeof StoredFlow>;

/** Kestra's verdict on one document. `constraints` is absent when the flow is valid. */
export const FlowValidation = z.object({
  flow: z.string().optional(),
  namespace: z.string().optional(),
  constraints: z.string().optional(),
  warnings: z.array(z.string()).default([]),
  deprecationPaths: z.array(z.string()).default([]),
});
export type FlowValidation = z.infer<typeof FlowValidation>;

/** The types Kestra tells of a stored value. It has no way to ask for one: the type follows from the value. */
export const KvType = z.enum(["STRING", "NUMBER", "BOOLEAN", "DATETIME", "DATE", "DURATION", "JSON"]);
export type KvType = z.infer<typeof KvType>;

/** An entry as lists return it, without its value. `version` grows with every write, also across a deletion; 2.0 calls it `revision`. */
export const KvItem = z
  .object({
    namespace: z.string(),
    key: z.string(),
    version: z.number().int().optional(),
    revision: z.number().int().optional(),
    description: z.string().nullish(),
    creationDate: z.string(),
    updateDate: z.string(),
    expirationDate: z.iso.datetime({ offset: true }).nullish(),
  })
  .transform(({ revision, version, description, expirationDate, ...item }, context) => {
    const counter = version ?? revision;
    if (counter === undefined) {
      context.addIssue({ code: "custom", path: ["version"], message: "missing" });
      return z.NEVER;
    }
    return {
      ...item,
      version: counter,
      ...(typeof description === "string" ? { description } : {}),
      ...(typeof expirationDate === "string" ? { expirationDate } : {}),
    };
  });
export type KvItem = z.infer<typeof KvItem>;

/** The error body of every operation (kestra-rest §1). */
export const ErrorBody = z.object({
  message: z.string(),
  _embedded: z
    .object({ errors: z.array(z.object({ message: z.string(), path: z.string().nullish() })).optional() })
    .optional(),
});
export type ErrorBody = z.infer<typeof ErrorBody>;
