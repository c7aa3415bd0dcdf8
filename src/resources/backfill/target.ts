import { isZone } from "../../lib/zone.ts";
import { z } from "zod";
import type { FlowDefinition, InputDefinition, TriggerDefinition } from "../../kestra/types.ts";
import { parseYaml } from "../../lib/yaml.ts";
import type { Unreadable } from "../model.ts";
import type { BackfillSpec, BackfillStatus } from "./schema.ts";

/** The trigger whose slots are run, as far as they depend on it. */
export interface Target {
  trigger: string;
  cron: string;
  withSeconds: boolean;
  timeZone: string;
  /** The trigger names no zone: Kestra reads the cron in that of its server. */
  zoneAssumed: boolean;
  /** Kestra goes back to the live schedule after every slot: slots have to be handed over one by one (ADR 11). */
  oneByOne: boolean;
}

const SCHEDULE = "io.kestra.plugin.core.trigger.Schedule";
/** The name that it had before, still an alias. */
const SCHEDULE_ALIAS = "io.kestra.core.models.triggers.types.Schedule";

/** What makes slots depend on more than the cron: they cannot be told from outside of Kestra. */
const UNPROVABLE = ["conditions", "scheduleConditions", "when", "stopAfter"] as const;

/** Finds the trigger that a Backfill means, or says why none can be. */
export function targetOf(flow: FlowDefinition, spec: Pick<BackfillSpec, "target" | "timeZone">): Target | Unreadable {
  const meant = triggerOf(flow, spec.target.trigger);
  if ("reason" in meant) return meant;
  const found = meant.trigger;
  const name = `The trigger ${found.id} of the flow ${flow.namespace}/${flow.id}`;
  if (!isSchedule(found))
    return {
      reason: "TriggerNotSupported",
      message: `${name} is a ${found.type}: only Schedule triggers have slots that can be run later.`,
    };
  const unprovable = UNPROVABLE.find((property) => isGiven(found[property]));
  if (unprovable !== undefined)
    return {
      reason: "SlotsNotProvable",
      message: `${name} has ${unprovable}, so that not every tick of its cron is a slot: which ones ran could not be proved. Backfill a trigger without ${unprovable}.`,
    };
  const defaults = flow.pluginDefaults?.find(({ type }) => SCHEDULE.startsWith(type));
  if (defaults)
    return {
      reason: "SlotsNotProvable",
      message: `The flow ${flow.namespace}/${flow.id} has pluginDefaults for ${defaults.type}, which change the trigger: write them into the trigger instead.`,
    };
  const { cron, withSeconds, recoverMissedSchedules } = found;
  const timezone = found.timezone ?? writtenZone(flow, found.id);
  if (typeof cron !== "string") return { reason: "SlotsNotProvable", message: `${name} has no cron.` };
  if (typeof timezone === "string" && !isZone(timezone))
    return {
      reason: "SlotsNotProvable",
      message: `${name} has the time zone ${timezone}, which is not known here: name it as in Europe/Paris.`,
    };
  return {
    trigger: found.id,
    cron,
    withSeconds: withSeconds === true,
    timeZone: typeof timezone === "string" ? timezone : (spec.timeZone ?? "UTC"),
    zoneAssumed: typeof timezone !== "string",
    oneByOne: recoverMissedSchedules === "NONE",
  };
}

/** Whether the slots of a trigger are still those that were accepted. */
export function sameSlots(accepted: NonNullable<BackfillStatus["target"]>, now: Target): boolean {
  return (
    accepted.trigger === now.trigger &&
    accepted.cron === now.cron &&
    (accepted.withSeconds ?? false) === now.withSeconds &&
    accepted.timeZone === now.timeZone
  );
}

/** Why the executions would fail for their inputs, or be impossible to tell apart for their labels. Undefined when all is well. */
export function flawOfExecutions(
  { inputs: declared, triggers }: FlowDefinition,
  trigger: string,
  { inputs = {}, labels = {} }: Pick<BackfillSpec, "inputs" | "labels">,
): Unreadable | undefined {
  return complaintOnLabels(labels) ?? complaintOnInputs(declared ?? [], fixedInputs(triggers, trigger), inputs);
}

/** Whether a trigger has been switched off in its definition. */
export function isDisabled(flow: FlowDefinition, trigger: string): boolean {
  return flow.triggers?.find(({ id }) => id === trigger)?.disabled === true;
}

function triggerOf(
  { namespace, id, triggers }: FlowDefinition,
  wanted: string | undefined,
): { trigger: TriggerDefinition } | Unreadable {
  const all = triggers ?? [];
  const named = (those: readonly TriggerDefinition[]) => those.map((trigger) => trigger.id).join(", ") || "none";
  if (wanted !== undefined) {
    const found = all.find((trigger) => trigger.id === wanted);
    if (found) return { trigger: found };
    return {
      reason: "TriggerMissing",
      message: `The flow ${namespace}/${id} has no trigger ${wanted}; it has: ${named(all)}.`,
    };
  }
  const schedules = all.filter(isSchedule);
  const [only, ...more] = schedules;
  if (only !== undefined && more.length === 0) return { trigger: only };
  return only === undefined
    ? {
        reason: "TriggerMissing",
        message: `The flow ${namespace}/${id} has no Schedule trigger; its triggers: ${named(all)}.`,
      }
    : {
        reason: "TriggerAmbiguous",
        message: `The flow ${namespace}/${id} has several Schedule triggers: set target.trigger to one of ${named(schedules)}.`,
      };
}

/** The zone in the flow's source: Kestra leaves out of its answers what equals its own default. */
function writtenZone({ source }: FlowDefinition, trigger: string): unknown {
  const yaml = source === undefined ? undefined : parseYaml(source);
  const parsed = yaml?.ok ? Source.safeParse(yaml.value) : undefined;
  return parsed?.data?.triggers?.find(({ id }) => id === trigger)?.timezone;
}

const Source = z.object({ triggers: z.array(z.looseObject({ id: z.string(), timezone: z.unknown() })).optional() });

function isSchedule({ type }: TriggerDefinition): boolean {
  return type === SCHEDULE || type === SCHEDULE_ALIAS;
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null && !(Array.isArray(value) && value.length === 0);
}

function fixedInputs(triggers: FlowDefinition["triggers"], id: string): Record<string, unknown> {
  const inputs = triggers?.find((trigger) => trigger.id === id)?.inputs;
  return typeof inputs === "object" && inputs !== null ? (inputs as Record<string, unknown>) : {};
}

/** Why labels cannot be given to executions; undefined when they can. */
export function complaintOnLabels(labels: Readonly<Record<string, string>>): Unreadable | undefined {
  for (const [key, value] of Object.entries(labels)) {
    const prefix = ["system.", "kestraflow."].find((reserved) => key.startsWith(reserved));
    if (prefix !== undefined)
      return {
        reason: "LabelsInvalid",
        message: `The label ${key} cannot be given: labels under ${prefix} are reserved.`,
      };
    if (/\{[{%]/.test(value))
      return {
        reason: "LabelsInvalid",
        message: `The label ${key} has a template in it, which Kestra would fill in for every execution: give plain text.`,
      };
    if (value === "") return { reason: "LabelsInvalid", message: `The label ${key} is empty: Kestra would drop it.` };
  }
  return undefined;
}

function complaintOnInputs(
  declared: readonly InputDefinition[],
  fixed: Readonly<Record<string, unknown>>,
  given: Readonly<Record<string, unknown>>,
): Unreadable | undefined {
  const invalid = (message: string): Unreadable => ({ reason: "InputsInvalid", message });
  const known = declared.map(({ id }) => id);
  const unknown = Object.keys(given).find((id) => !known.includes(id));
  if (unknown !== undefined)
    return invalid(
      `The flow has no input ${unknown}; it has: ${known.join(", ") || "none"}. Kestra would ignore it silently.`,
    );
  for (const input of declared) {
    const { id, required, dependsOn } = input;
    const value = given[id] ?? fixed[id];
    const hasDefault = isGiven(input.defaults) || isGiven(input.prefill);
    if (!isGiven(value)) {
      if (required && !hasDefault && !isGiven(dependsOn))
        return invalid(`The input ${id} is required and has no default: give it in spec.inputs.`);
      continue;
    }
    const complaint = complaintOnType(input, value) ?? complaintOnChoice(input, value);
    if (complaint !== undefined) return invalid(complaint);
  }
  return undefined;
}

/** Types whose values can be told from texts; Kestra makes no execution at all for a value that it cannot read (ADR 11). */
const READABLE: Record<string, { as: string; pattern: RegExp }> = {
  INT: { as: "an integer", pattern: /^[+-]?\d+$/ },
  FLOAT: { as: "a number", pattern: /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/ },
  BOOL: { as: "true or false", pattern: /^(true|false)$/i },
  BOOLEAN: { as: "true or false", pattern: /^(true|false)$/i },
};

function complaintOnType({ id, type }: InputDefinition, value: unknown): string | undefined {
  const readable = READABLE[type];
  const text = typeof value === "string" ? value : JSON.stringify(value);
  if (readable === undefined || text.includes("{{") || readable.pattern.test(text.trim())) return undefined;
  return `The input ${id} has to be ${readable.as}, not ${text}: Kestra would make no execution at all.`;
}

/** What SELECT and MULTISELECT allow. Values that Kestra computes cannot be judged. */
function complaintOnChoice(input: InputDefinition, value: unknown): string | undefined {
  const { id, type, values, allowCustomValue, allowCustomInput, expression } = input;
  if (type !== "SELECT" && type !== "MULTISELECT") return undefined;
  if (!Array.isArray(values) || allowCustomValue === true || allowCustomInput === true || isGiven(expression))
    return undefined;
  const allowed = values.map(String);
  const chosen = Array.isArray(value) ? value.map(String) : [String(value)];
  const wrong = chosen.find((item) => !allowed.includes(item) && !item.includes("{{"));
  return wrong === undefined ? undefined : `The input ${id} cannot be ${wrong}: choose among ${allowed.join(", ")}.`;
}
