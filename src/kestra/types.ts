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

/** A trigger's definition in a flow. What else its type has is kept. */
export const TriggerDefinition = z.looseObject({
  id: z.string(),
  type: z.string(),
  disabled: z.boolean().optional(),
});
export type TriggerDefinition = z.infer<typeof TriggerDefinition>;

/** An input of a flow, as far as a caller of the flow must know it. */
export const InputDefinition = z.looseObject({
  id: z.string(),
  type: z.string(),
  required: z.boolean().default(true),
});
export type InputDefinition = z.infer<typeof InputDefinition>;

/** A flow as Kestra parsed it. Defaults of plugins, the flow's own and the server's, are not worked in. */
export const FlowDefinition = z.object({
  id: z.string(),
  namespace: z.string(),
  revision: z.number().int(),
  disabled: z.boolean().default(false),
  inputs: z.array(InputDefinition).nullish(),
  triggers: z.array(TriggerDefinition).nullish(),
  pluginDefaults: z.array(z.looseObject({ type: z.string() })).nullish(),
  /** The text that it was saved as. What equals a default, such as the server's own time zone, is in it only. */
  source: z.string().optional(),
});
export type FlowDefinition = z.infer<typeof FlowDefinition>;

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

/** Kestra's dates carry an offset; here they are milliseconds since the epoch. */
const Instant = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text));

const Labels = z
  .union([z.array(z.object({ key: z.string(), value: z.string() })), z.record(z.string(), z.string())])
  .transform((labels) =>
    Array.isArray(labels) ? Object.fromEntries(labels.map(({ key, value }) => [key, value])) : labels,
  );

/** The one backfill that a trigger may have (kestra-rest §5). It has no id: labels tell whose it is. */
export const NativeBackfill = z.object({
  start: Instant,
  end: Instant.nullish(),
  /** The next slot to be run. */
  currentDate: Instant.nullish(),
  paused: z.boolean().nullish(),
  labels: Labels.nullish(),
  /** Where the live schedule goes on when the backfill ends. */
  previousNextExecutionDate: Instant.nullish(),
});
export type NativeBackfill = z.infer<typeof NativeBackfill>;

/** State of a trigger, on the 1.x line. */
export const TriggerRow = z.object({
  namespace: z.string(),
  flowId: z.string(),
  triggerId: z.string(),
  nextExecutionDate: Instant.nullish(),
  disabled: z.boolean().nullish(),
  /** The execution that the trigger waits for before it starts another one. */
  executionId: z.string().nullish(),
  backfill: NativeBackfill.nullish(),
});
export type TriggerRow = z.infer<typeof TriggerRow>;

/** An execution as searches return it. `date` of a scheduled one is the slot that it was made for. */
export const Execution = z
  .object({
    id: z.string(),
    flowRevision: z.number().int().nullish(),
    state: z.object({ current: z.string(), startDate: Instant, endDate: Instant.nullish() }),
    trigger: z
      .object({
        id: z.string(),
        variables: z.looseObject({ date: z.iso.datetime({ offset: true }).optional().catch(undefined) }).nullish(),
      })
      .nullish(),
    labels: Labels.nullish(),
  })
  .transform(({ id, flowRevision, state, trigger, labels }) => {
    const date = trigger?.variables?.date;
    return {
      id,
      state: state.current,
      /** When it was created. */
      startedAt: state.startDate,
      ...(typeof state.endDate === "number" ? { endedAt: state.endDate } : {}),
      labels: labels ?? {},
      ...(trigger ? { trigger: trigger.id } : {}),
      ...(date === undefined ? {} : { slot: Date.parse(date) }),
      ...(typeof flowRevision === "number" ? { flowRevision } : {}),
    };
  });
export type Execution = z.infer<typeof Execution>;

/** The error body of every operation (kestra-rest §1). */
export const ErrorBody = z.object({
  message: z.string(),
  _embedded: z
    .object({ errors: z.array(z.object({ message: z.string(), path: z.string().nullish() })).optional() })
    .optional(),
});
export type ErrorBody = z.infer<typeof ErrorBody>;
