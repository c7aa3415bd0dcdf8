import { z } from "zod";
import { KvType } from "../../kestra/types.ts";
import type { KubernetesObject, ResourceType } from "../../kubernetes/objects.ts";
import { GROUP } from "../annotations.ts";
import {
  Adoption,
  DeletionPolicy,
  driftFields,
  DriftPolicy,
  InstanceRef,
  keepsInstance,
  statusFields,
} from "../common.ts";
import { KESTRA_ID, KESTRA_NAMESPACE } from "../ownership/identity.ts";

export const kestraKvs: ResourceType = {
  group: GROUP,
  version: "v1alpha1",
  plural: "kestrakvs",
  kind: "KestraKV",
  namespaced: true,
};

/** Kubernetes' own limit for a name and for a key in a Secret or a ConfigMap. */
const MAX_NAME = 253;

const KeyRef = z.object({
  name: z.string().min(1).max(MAX_NAME).describe("Name of the object, in the same namespace as this resource."),
  key: z.string().min(1).max(MAX_NAME).describe("Key in its data that holds the value."),
  optional: z
    .boolean()
    .optional()
    .describe("Whether this resource counts as Ready while the object or its key is missing. Nothing is written then."),
});
export type KeyRef = z.infer<typeof KeyRef>;

const ValueFrom = z
  .object({
    secretKeyRef: KeyRef.optional().describe("A key of a Secret."),
    configMapKeyRef: KeyRef.optional().describe("A key of a ConfigMap."),
  })
  .meta({
    "x-kubernetes-validations": [
      {
        rule: "has(self.secretKeyRef) != has(self.configMapKeyRef)",
        message: "give exactly one of secretKeyRef and configMapKeyRef",
      },
    ],
  });
export type ValueFrom = z.infer<typeof ValueFrom>;

/** Spec of a KestraKV: the one source of the TypeScript type, the CRD's schema, the reference and the run-time check. */
export const KvSpec = z
  .object({
    instanceRef: InstanceRef.optional(),
    namespace: z
      .string()
      .regex(KESTRA_NAMESPACE)
      .describe("Kestra namespace of the entry. It need not exist in Kestra."),
    key: z.string().max(200).regex(KESTRA_ID).describe("Key of the entry, as flows read it with `kv()`."),
    value: z
      .unknown()
      .optional()
      .meta({ "x-kubernetes-preserve-unknown-fields": true, nullable: true })
      .describe(
        "The value: any JSON. For other types than its own, and for numbers with many digits, give a text and `type`.",
      ),
    valueFrom: ValueFrom.optional().describe(
      "Where to read the value's text from. Followed when it changes; while it is missing or empty the last good value stays.",
    ),
    type: KvType.optional().describe(
      "Kestra's type of the value. Default: that of the literal; STRING for a reference. A text is read as this type.",
    ),
    description: z.string().max(1000).optional().describe("Shown in Kestra. One line of Latin-1 characters."),
    ttl: z
      .string()
      .max(50)
      .optional()
      .describe(
        "Time to live from each write, as an ISO 8601 duration of days, hours, minutes and seconds: `P1DT12H`.",
      ),
    ttlPolicy: z
      .enum(["Once", "Renew"])
      .default("Once")
      .describe("Whether the entry expires after its ttl, or is written again before it does."),
    writePolicy: z
      .enum(["Always", "CreateOnce"])
      .default("Always")
      .describe("Whether the entry is kept as declared, or only made once and left to the flows from then on."),
    adoption: Adoption.default("IfIdentical").describe(
      "What to do when the entry exists in Kestra and this resource did not make it: take it over if it is identical, always, or never.",
    ),
    driftPolicy: DriftPolicy.default("Correct").describe(
      "What to do when the entry was changed or deleted in Kestra: put it right, or only say so in the condition Drifted.",
    ),
    deletionPolicy: DeletionPolicy.optional().describe(
      "What becomes of the entry in Kestra when this resource is deleted. Default: the operator's, which is Delete unless configured.",
    ),
  })
  .meta({
    // A field of any type cannot be named in a CEL rule.
    oneOf: [{ required: ["value"] }, { required: ["valueFrom"] }],
    "x-kubernetes-validations": [
      keepsInstance,
      {
        rule: "!(has(self.ttlPolicy) && self.ttlPolicy == 'Renew' && !has(self.ttl))",
        message: "ttlPolicy Renew needs a ttl",
      },
    ],
  });
export type KvSpec = z.infer<typeof KvSpec>;

/** What the operator reports. Never a value, nor anything made from one that a reference gave. */
export const KvStatus = z.object({
  ...statusFields,
  entry: z
    .object({
      tenant: z.string(),
      namespace: z.string(),
      key: z.string(),
      type: KvType.describe("Type that Kestra reports."),
      version: z.int().describe("Kestra's version that holds what was applied."),
      url: z.string().describe("The namespace's entries in Kestra's user interface."),
      expiresAt: z.iso.datetime({ offset: true }).exactOptional().describe("When Kestra drops it."),
      renewsAt: z.iso.datetime().exactOptional().describe("When it is written again, with ttlPolicy Renew."),
    })
    .optional()
    .describe("The entry in Kestra that this resource owns."),
  applied: z
    .object({
      digest: z.string().describe("Digest of what the spec declares; of a reference, not of what it leads to."),
      sourceVersion: z.string().exactOptional().describe("resourceVersion of the Secret or ConfigMap that was read."),
    })
    .optional(),
  ...driftFields,
});
export type KvStatus = z.infer<typeof KvStatus>;

export type KestraKv = KubernetesObject<KvSpec, KvStatus>;
