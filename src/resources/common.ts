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
