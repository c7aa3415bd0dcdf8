import { z } from "zod";
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

export const kestraFlows: ResourceType = {
  group: GROUP,
  version: "v1alpha1",
  plural: "kestraflows",
  kind: "KestraFlow",
  namespaced: true,
};

const ConfigMapKeyRef = z.object({
  name: z.string().min(1).max(253).describe("Name of a ConfigMap in the same namespace."),
  key: z.string().min(1).max(253).describe("Key in its data that holds the flow's YAML."),
});

/** Spec of a KestraFlow: the one source of the TypeScript type, the CRD's schema, the reference and the run-time check. */
export const FlowSpec = z
  .object({
    instanceRef: InstanceRef.optional(),
    source: z
      .string()
      .min(1)
      .optional()
      .describe(
        "The flow's YAML text. It is stored in Kestra byte for byte. The flow's id and namespace are read from it.",
      ),
    flow: z
      .record(z.string(), z.unknown())
      .optional()
      .describe(
        "The flow as a structured object, for kustomize patches. Written to Kestra as YAML whenever the object changes.",
      ),
    sourceFrom: z
      .object({ configMapKeyRef: ConfigMapKeyRef })
      .optional()
      .describe(
        "Where to read the flow's YAML text from. Followed when it changes; while it is missing the last good flow stays.",
      ),
    adoption: Adoption.default("IfIdentical").describe(
      "What to do when the flow exists in Kestra and this resource did not make it: take it over if it is identical, always, or never.",
    ),
    driftPolicy: DriftPolicy.default("Correct").describe(
      "What to do when the flow was edited or deleted in Kestra: put it right, or only say so in the condition Drifted.",
    ),
    disabledDrift: z
      .enum(["Report", "Correct"])
      .default("Report")
      .describe(
        "What to do when the flow was merely disabled in Kestra, as people do during an incident: leave it, or enable it again.",
      ),
    deletionPolicy: DeletionPolicy.optional().describe(
      "What becomes of the flow in Kestra when this resource is deleted. Default: the operator's, which is Delete unless configured.",
    ),
  })
  .meta({
    "x-kubernetes-validations": [
      {
        rule: "[has(self.source), has(self.flow), has(self.sourceFrom)].filter(given, given).size() == 1",
        message: "give exactly one of source, flow and sourceFrom",
      },
      keepsInstance,
    ],
  });
export type FlowSpec = z.infer<typeof FlowSpec>;

/** What the operator reports. Every list and text in it is bounded. */
export const FlowStatus = z.object({
  ...statusFields,
  flow: z
    .object({
      tenant: z.string(),
      namespace: z.string(),
      id: z.string(),
      revision: z.int().describe("Kestra's revision that holds what was applied."),
      url: z.string().describe("The flow in Kestra's user interface."),
    })
    .optional()
    .describe("The flow in Kestra that this resource owns."),
  applied: z
    .object({
      digest: z.string().describe("Digest of what was applied, without a revision line."),
      configMapVersion: z.string().exactOptional().describe("resourceVersion of the ConfigMap it was read from."),
    })
    .optional(),
  warnings: z.array(z.string()).optional().describe("Kestra's warnings about the flow."),
  deprecations: z.array(z.string()).optional().describe("What the flow uses that Kestra calls deprecated."),
  ...driftFields,
});
export type FlowStatus = z.infer<typeof FlowStatus>;

export type KestraFlow = KubernetesObject<FlowSpec, FlowStatus>;
