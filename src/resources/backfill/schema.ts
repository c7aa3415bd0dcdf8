import { z } from "zod";
import type { KubernetesObject, ResourceType } from "../../kubernetes/objects.ts";
import { GROUP } from "../annotations.ts";
import { DeletionPolicy, InstanceRef, keepsInstance, reportFields, statusFields } from "../common.ts";
import { KESTRA_ID, KESTRA_NAMESPACE } from "../ownership/identity.ts";

export const backfills: ResourceType = {
  group: GROUP,
  version: "v1alpha1",
  plural: "backfills",
  kind: "Backfill",
  namespaced: true,
};

/** What cannot be changed once a Backfill is made, and can be compared by the API server. `inputs` are compared by us. */
const FIXED = ["target", "start", "end", "timeZone", "labels", "mode", "reprocess", "window"] as const;

const keeps = (field: string) => ({
  rule: `has(self.${field}) == has(oldSelf.${field}) && (!has(self.${field}) || self.${field} == oldSelf.${field})`,
  message: `${field} cannot be changed: delete this Backfill and make another one`,
});

const Target = z
  .object({
    flowRef: z
      .object({ name: z.string().min(1).max(253).describe("Name of a KestraFlow in the same namespace.") })
      .optional()
      .describe("The flow, by the KestraFlow that declares it. Waited for until it is Ready."),
    namespace: z.string().regex(KESTRA_NAMESPACE).optional().describe("Kestra namespace of the flow."),
    id: z.string().max(100).regex(KESTRA_ID).optional().describe("Id of the flow."),
    trigger: z
      .string()
      .min(1)
      .max(250)
      .optional()
      .describe("Id of the Schedule trigger. May be left out where the flow has exactly one."),
  })
  .meta({
    "x-kubernetes-validations": [
      {
        rule: "has(self.flowRef) ? !has(self.namespace) && !has(self.id) : has(self.namespace) && has(self.id)",
        message: "give either flowRef or both namespace and id",
      },
    ],
  });

const Moment = z
  .string()
  .min(10)
  .max(40)
  .describe("RFC 3339 with an offset, `2019-01-01T00:00:00Z`, or a date, `2019-01-01`.");

export const FailurePolicy = z.object({
  maxFailed: z.int().min(1).describe("Number of failed slots at which no more are started."),
  action: z
    .enum(["Pause", "Stop"])
    .default("Pause")
    .describe("Pause until `maxFailed` is raised or this policy removed, or end the Backfill as failed."),
});

/** Spec of a Backfill: the one source of the TypeScript type, the CRD's schema, the reference and the run-time check. */
export const BackfillSpec = z
  .object({
    instanceRef: InstanceRef.optional(),
    target: Target.describe("The Schedule trigger whose slots are run."),
    start: Moment.describe(
      "First moment whose slots are run, inclusive: RFC 3339 with an offset, or a date, which means its beginning.",
    ),
    end: Moment.optional().describe(
      "Last moment whose slots are run, inclusive: RFC 3339 with an offset, or a date, which means the end of that day. Default: the moment at which the Backfill is accepted. Slots that are due later are the live schedule's.",
    ),
    timeZone: z
      .string()
      .max(64)
      .optional()
      .describe(
        "Time zone of dates, and of the cron where the trigger names none: then it has to be the zone that Kestra's server runs in. Default: the trigger's own, else UTC.",
      ),
    inputs: z
      .record(z.string(), z.unknown())
      .optional()
      .describe("Inputs for every execution, besides those that the trigger gives. They cannot be changed."),
    labels: z
      .record(z.string(), z.string())
      .optional()
      .describe(
        "Labels for every execution, besides those of the flow, the trigger and the operator. Not under `system.`, not templates.",
      ),
    mode: z
      .enum(["Run", "Preview"])
      .default("Run")
      .describe("Run the slots, or only count them and say which would run."),
    reprocess: z
      .enum(["Missing", "Failed", "All"])
      .default("Missing")
      .describe(
        "Which slots to run: those without a successful execution, whoever started it; those whose execution failed; or all.",
      ),
    suspend: z
      .boolean()
      .default(false)
      .describe("Start nothing more while this is true. What runs goes on, and so does the live schedule."),
    maxActive: z
      .int()
      .min(1)
      .optional()
      .describe("Most unfinished executions at a time. Kestra 1.x runs one; see status.effective."),
    window: z
      .string()
      .max(20)
      .regex(/^P(\d+Y)?(\d+M)?(\d+W)?(\d+D)?(T(\d+H)?(\d+M)?)?$/)
      .optional()
      .describe(
        "Hand slots over to Kestra in slices of this length, an ISO 8601 duration such as `P1M`: the next one when all executions of the one before have ended. Live slots that became due get their turn in between.",
      ),
    failurePolicy: FailurePolicy.optional().describe("When to stop digging. Default: all slots are run."),
    ttlSecondsAfterFinished: z
      .int()
      .min(0)
      .optional()
      .describe("Delete this resource so many seconds after it finished. What ran is not affected."),
    deletionPolicy: DeletionPolicy.optional().describe(
      "What becomes of a running backfill when this resource is deleted: Delete cancels what has not started, Orphan lets it run on. Default: the operator's, which is Delete unless configured.",
    ),
  })
  .meta({ "x-kubernetes-validations": [keepsInstance, ...FIXED.map(keeps)] });
export type BackfillSpec = z.infer<typeof BackfillSpec>;

const Time = z.iso.datetime();

const Submission = z.object({
  first: Time.describe("First slot handed over."),
  last: Time.describe("Last slot handed over."),
  intendedAt: Time.describe("When it was decided, before Kestra was called."),
  submittedAt: Time.exactOptional().describe("When Kestra had it."),
  live: Time.describe("Where the live schedule stood then: it has to go on there."),
  revision: z.int().describe("Revision of the flow."),
  definition: z.string().exactOptional().describe("Digest of the trigger's definition."),
  withdrawn: Time.exactOptional().describe("When it was decided to take back what had not started."),
  vanished: Time.exactOptional().describe("When Kestra was first seen without it before all its slots were started."),
});
export type Submission = z.infer<typeof Submission>;

/** What the operator reports. Every list in it is bounded, and nothing in it grows with the number of slots. */
export const BackfillStatus = z.object({
  ...statusFields,
  state: z
    .enum(["Waiting", "Queued", "Running", "Suspended", "Previewed", "Complete", "Failed", "Interrupted"])
    .optional()
    .describe("The conditions in one word."),
  target: z
    .object({
      tenant: z.string(),
      namespace: z.string(),
      flow: z.string(),
      trigger: z.string(),
      cron: z.string(),
      withSeconds: z.boolean().exactOptional(),
      timeZone: z.string().describe("Zone in which the cron is read."),
      zoneAssumed: z.boolean().exactOptional().describe("Whether the trigger itself names no zone."),
      revision: z.int().describe("Revision of the flow when it was accepted."),
      url: z.string().describe("The executions in Kestra's user interface."),
    })
    .optional()
    .describe("The trigger whose slots are run."),
  range: z.object({ start: Time, end: Time }).optional().describe("First and last moment, as they were resolved."),
  specDigest: z.string().optional().describe("Digest of what cannot be changed in the spec."),
  acceptedAt: Time.optional(),
  startedAt: Time.optional().describe("When the first slots were handed over to Kestra."),
  finishedAt: Time.optional(),
  effective: z
    .object({ maxActive: z.int().describe("Unfinished executions that the server runs at a time.") })
    .optional()
    .describe("What the server makes of settings that it cannot follow."),
  slots: z
    .object({
      total: z.int().describe("Slots in the range."),
      present: z
        .int()
        .describe("Slots left out, since they were done before, or did not fail with `reprocess: Failed`."),
      done: z.int().describe("Slots that ended well: SUCCESS, WARNING or SKIPPED."),
      skipped: z.int().describe("Slots among the done ones that ended as SKIPPED."),
      failed: z.int().describe("Slots that ended as FAILED, KILLED or CANCELLED."),
      running: z.int(),
      unproved: z
        .int()
        .describe(
          "Slots that ran while nobody counted, and whose executions were deleted since. They are not run again.",
        ),
      remaining: z.int().describe("Slots that have not been started."),
    })
    .optional(),
  first: Time.optional().describe("First slot to be run."),
  last: Time.optional().describe("Last slot to be run."),
  progress: z.string().optional().describe("Slots that have ended, of those to be run."),
  percent: z.int().optional(),
  eta: Time.optional().describe("When it will be done, going on as it did."),
  plan: z
    .object({
      ranges: z.array(z.object({ first: Time, last: Time, slots: z.int() })).describe("The next ranges to be run."),
      until: Time.exactOptional().describe("Slots after this one have not been planned yet."),
    })
    .optional()
    .describe("What is still to be handed over to Kestra."),
  attempt: z.int().optional().describe("Times that slots were handed over; also a label of the executions."),
  submission: Submission.optional().describe("What was handed over last."),
  lost: z.int().optional().describe("Times in a row that Kestra dropped what was handed over, and ran nothing of it."),
  watermark: z
    .object({
      slot: Time.describe("Every slot up to this one is counted."),
      startedAt: Time.describe("When its execution was created."),
      revision: z.int().exactOptional().describe("Revision of the flow that ran it."),
    })
    .optional(),
  failures: z
    .array(z.object({ slot: Time, execution: z.string(), state: z.string(), url: z.string() }))
    .optional()
    .describe("The first failed executions."),
  guard: z
    .object({
      live: Time.describe("Where the live schedule has to go on."),
      calledAt: Time.exactOptional().describe("When Kestra was last called to put it right, or was about to be."),
    })
    .optional()
    .describe("Set while Kestra may set the trigger's next date back: it is put right as soon as it does."),
  ...reportFields,
});
export type BackfillStatus = z.infer<typeof BackfillStatus>;

export type Backfill = KubernetesObject<BackfillSpec, BackfillStatus>;
