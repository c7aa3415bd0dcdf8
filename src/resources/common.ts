import { z } from "zod";

/** Standard conditions, keyed by type for server-side apply. */
export const Conditions = z
  .array(
    z.object({
      type: z.string(),
      status: z.enum(["True", "False", "Unknown"]),
      reason: z.string(),
      message: z.string(),
      lastTransitionTime: z.iso.datetime(),
      observedGeneration: z.int().exactOptional(),
    }),
  )
  .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"] });

/** Reserved for several Kestra instances behind one operator. */
export const InstanceRef = z
  .object({ name: z.string().min(1).max(63) })
  .describe("Reserved: the Kestra instance that this resource belongs to. Cannot be changed.");

/** CEL rule of a spec: its instanceRef stays as it was made. */
export const keepsInstance = {
  rule: "has(self.instanceRef) == has(oldSelf.instanceRef) && (!has(self.instanceRef) || self.instanceRef == oldSelf.instanceRef)",
  message: "instanceRef cannot be changed",
};

export const Adoption = z.enum(["IfIdentical", "Always", "Never"]);
export type Adoption = z.infer<typeof Adoption>;

export const DeletionPolicy = z.enum(["Delete", "Orphan"]);
export type DeletionPolicy = z.infer<typeof DeletionPolicy>;

export const DriftPolicy = z.enum(["Correct", "Report"]);

const DriftKind = z.enum(["Edited", "Deleted", "Disabled"]);
export type DriftKind = z.infer<typeof DriftKind>;

/** What the status of every kind has besides its conditions. */
export const statusFields = {
  observedGeneration: z.int().optional().describe("Generation of the spec that this status speaks of."),
  instance: z.string().optional().describe("Name of the Kestra instance."),
};

/** What the status of every kind ends with. */
export const reportFields = {
  handledReconcileAt: z
    .string()
    .optional()
    .describe("Last value of the annotation kestraflow.dev/reconcile-requested-at that was acted on."),
  conditions: Conditions.optional(),
};

/** What the status of every kind that can drift ends with. */
export const driftFields = {
  drift: z
    .object({
      kind: DriftKind,
      detectedAt: z.iso.datetime(),
      correctedAt: z.iso.datetime().optional(),
      corrections: z.int().describe("Corrections in a row that did not last."),
    })
    .optional()
    .describe("The last time Kestra held something else than was applied."),
  ...reportFields,
};

export const CommonStatus = z.object({ ...statusFields, ...driftFields });
export type CommonStatus = z.infer<typeof CommonStatus>;
