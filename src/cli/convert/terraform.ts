import { z } from "zod";
import { KvType } from "../../kestra/types.ts";
import { flowResource } from "../export/declare.ts";
import { COMPLETED } from "./enterprise.ts";
import { literalOfText, resourcesFor } from "./entry.ts";
import { flowText } from "./flowText.ts";
import { NotConverted } from "./model.ts";
import type { ConvertOptions, Converted } from "./model.ts";

const FlowValues = z.object({ namespace: z.string(), flow_id: z.string(), content: z.string() });
const EntryValues = z.object({
  namespace: z.string(),
  key: z.string(),
  value: z.string(),
  // The provider leaves it empty where it was never read back.
  type: z.preprocess((type) => (type === "" ? undefined : type), KvType.nullish()),
  description: z.string().nullish(),
});

const Resource = z.object({
  address: z.string(),
  mode: z.string(),
  type: z.string(),
  values: z.unknown(),
  sensitive_values: z.looseObject({}).nullish(),
});
type Resource = z.infer<typeof Resource>;

interface Module {
  resources?: Resource[] | undefined;
  child_modules?: Module[] | undefined;
}
const Module: z.ZodType<Module> = z.object({
  resources: z.array(Resource).optional(),
  get child_modules() {
    return z.array(Module).optional();
  },
});

/** What `terraform show -json` prints, of a state or of a plan (Terraform's "JSON output format"). */
const Shown = z.object({ root_module: Module });
const State = z.object({
  format_version: z.string(),
  values: Shown.optional(),
  planned_values: Shown.optional(),
});

/** The managed resources of a text that `terraform show -json` printed; undefined for any other text. */
export function resourcesShown(text: string): Resource[] | undefined {
  if (!/^\s*\{/.test(text)) return undefined;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  const state = State.safeParse(json).data;
  const shown = state?.planned_values ?? state?.values;
  return state && (shown ? managedIn(shown.root_module) : []);
}

/**
 * Converts a resource of Kestra's provider. The value of an entry that Terraform calls sensitive is left to a Secret.
 *
 * @throws {NotConverted}
 */
export function convertTerraform({ type, values, sensitive_values }: Resource, options: ConvertOptions): Converted {
  if (type === "kestra_flow") return convertFlow(values, options);
  if (type === "kestra_kv") return convertEntry(values, sensitive_values?.value === true, options);
  throw new NotConverted(`there is nothing like a ${type} here`);
}

function convertFlow(values: unknown, { target }: ConvertOptions): Converted {
  const { namespace, flow_id: id, content } = read(FlowValues, values);
  const { text, completed } = flowText(content, { namespace, id });
  return {
    wants: { kind: "KestraFlow", namespace, id },
    resources: (name) => [flowResource({ namespace, source: text }, name, target)],
    notes: completed ? [COMPLETED] : [],
  };
}

function convertEntry(values: unknown, sensitive: boolean, { target, secret }: ConvertOptions): Converted {
  const { namespace, key, value, type, description } = read(EntryValues, values);
  const literal = literalOfText(value, type ?? "STRING");
  const isSecret = sensitive || secret(key);
  return {
    wants: { kind: "KestraKV", namespace, id: key },
    resources: (name) =>
      resourcesFor({ namespace, key, ...(description ? { description } : {}) }, literal, name, {
        target,
        secret: isSecret,
      }),
    notes: sensitive ? ["its value is sensitive and left to a Secret"] : [],
  };
}

function managedIn({ resources = [], child_modules: children = [] }: Module): Resource[] {
  const own = resources.filter(({ mode, type }) => mode === "managed" && type.startsWith("kestra_"));
  return [...own, ...children.flatMap(managedIn)];
}

function read<T extends z.ZodType>(schema: T, values: unknown): z.infer<T> {
  const parsed = schema.safeParse(values);
  if (parsed.success) return parsed.data;
  const { path = [] } = parsed.error.issues[0] ?? {};
  throw new NotConverted(`its ${path.join(".")} is not what the provider documents`);
}
