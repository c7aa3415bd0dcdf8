import { z } from "zod";
import { apiVersionOf } from "../../kubernetes/objects.ts";
import { kestraFlows } from "../../resources/flow/schema.ts";
import type { Manifest } from "../manifests.ts";
import type { Resource } from "../delivery/resource.ts";
import { resourcesFor } from "./entry.ts";
import { flowText } from "./flowText.ts";
import { NotConverted } from "./model.ts";
import type { ConvertOptions, Converted } from "./model.ts";

/** The group of Kestra's Enterprise operator. What its kinds have is from its documentation (docs/cli.md names the page). */
export const ENTERPRISE_GROUP = "model.kestra.io";

const Metadata = z.object({
  name: z.string(),
  namespace: z.string().optional(),
  labels: z.record(z.string(), z.string()).optional(),
  annotations: z.record(z.string(), z.string()).optional(),
});
const FlowManifest = z.object({
  metadata: Metadata,
  spec: z.object({ id: z.string(), namespace: z.string(), source: z.string() }),
});
const EntryManifest = z.object({
  metadata: Metadata,
  spec: z.object({ namespace: z.string(), key: z.string(), value: z.unknown() }),
});

/**
 * Converts a manifest of Kestra's Enterprise operator. Names, labels and annotations stay.
 *
 * @throws {NotConverted}
 */
export function convertEnterprise({ value }: Manifest, options: ConvertOptions): Converted {
  const { kind } = value as { kind?: unknown };
  if (kind === "KestraFlow") return convertFlow(value, options);
  if (kind === "KestraKeyValue") return convertEntry(value, options);
  throw new NotConverted(`there is nothing like a ${String(kind)} here`);
}

function convertFlow(value: unknown, { target }: ConvertOptions): Converted {
  const { metadata, spec } = read(FlowManifest, value);
  const { text, completed } = flowText(spec.source, spec);
  const object = {
    apiVersion: apiVersionOf(kestraFlows),
    kind: "KestraFlow",
    metadata: headOf(metadata, target),
    spec: { source: text },
  };
  return {
    resources: () => [{ group: spec.namespace, section: "flows", file: metadata.name, object }],
    notes: [...unknownFields(value, ["id", "namespace", "source"]), ...(completed ? [COMPLETED] : [])],
  };
}

/** Said of a flow whose text had to be completed. */
export const COMPLETED =
  "id and namespace were put in front of its text; where Kestra has it in other words, export it from there, or set spec.adoption to Always";

function convertEntry(manifest: unknown, { target, secret }: ConvertOptions): Converted {
  const { metadata, spec } = read(EntryManifest, manifest);
  const { namespace, key, value } = spec;
  if (value === undefined) throw new NotConverted("its value is not in spec.value");
  const name = { name: metadata.name, short: metadata.name };
  const resources = resourcesFor({ namespace, key }, { value }, name, { target, secret: secret(key) });
  return {
    resources: () => resources.map((resource) => withHead(resource, metadata, target)),
    notes: unknownFields(manifest, ["namespace", "key", "value"]),
  };
}

function withHead(resource: Resource, metadata: z.infer<typeof Metadata>, target: string | undefined): Resource {
  return { ...resource, object: { ...resource.object, metadata: headOf(metadata, target) } };
}

/** What a person wrote of the metadata. */
function headOf({ name, namespace, labels, annotations = {} }: z.infer<typeof Metadata>, target: string | undefined) {
  const own = Object.entries(annotations).filter(([key]) => !key.startsWith("kubectl.kubernetes.io/"));
  const place = target ?? namespace;
  return {
    name,
    ...(place === undefined ? {} : { namespace: place }),
    ...(labels === undefined ? {} : { labels }),
    ...(own.length === 0 ? {} : { annotations: Object.fromEntries(own) }),
  };
}

function unknownFields(value: unknown, known: readonly string[]): string[] {
  const { spec } = value as { spec: object };
  const unknown = Object.keys(spec).filter((key) => !known.includes(key));
  return unknown.map((key) => `spec.${key} is left out: its meaning is not known here`);
}

function read<T extends z.ZodType>(schema: T, value: unknown): z.infer<T> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const { path = [], message = "" } = parsed.error.issues[0] ?? {};
  throw new NotConverted(`${path.join(".")}: ${message}`);
}
