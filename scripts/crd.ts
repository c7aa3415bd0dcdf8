import { z } from "zod";
import type { ResourceType } from "../src/kubernetes/objects.ts";

export interface PrinterColumn {
  name: string;
  type: "string" | "integer" | "date";
  jsonPath: string;
  description?: string;
  priority?: number;
}

export interface CrdOptions {
  type: ResourceType;
  shortNames: string[];
  spec: z.ZodType;
  status: z.ZodType;
  columns: PrinterColumn[];
}

type Json = Record<string, unknown>;

/** The CustomResourceDefinition of a kind, from the zod schemas of its spec and status. */
export function crdOf({ type, shortNames, spec, status, columns }: CrdOptions): Json & { metadata: { name: string } } {
  const singular = type.kind.toLowerCase();
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${type.plural}.${type.group}` },
    spec: {
      group: type.group,
      scope: type.namespaced ? "Namespaced" : "Cluster",
      names: {
        kind: type.kind,
        listKind: `${type.kind}List`,
        plural: type.plural,
        singular,
        shortNames,
        categories: ["kestra"],
      },
      versions: [
        {
          name: type.version,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: columns,
          schema: {
            openAPIV3Schema: {
              type: "object",
              required: ["spec"],
              properties: { spec: structural(spec), status: structural(status) },
            },
          },
        },
      ],
    },
  };
}

/** A zod schema in the dialect of OpenAPI that Kubernetes takes: "structural", with its own words for free-form objects. */
function structural(schema: z.ZodType): unknown {
  return convert(z.toJSONSchema(schema, { target: "openapi-3.0", io: "input" }));
}

function convert(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(convert);
  if (typeof node !== "object" || node === null) return node;
  const { additionalProperties, $schema, propertyNames, ...rest } = node as Json;
  void $schema;
  void propertyNames;
  const kept = Object.entries(rest).filter(([key, value]) => !isRedundant(key, value, rest));
  const converted = Object.fromEntries(kept.map(([key, value]) => [key, convert(value)]));
  if (isFreeForm(additionalProperties)) converted["x-kubernetes-preserve-unknown-fields"] = true;
  else if (typeof additionalProperties === "object") converted.additionalProperties = convert(additionalProperties);
  return converted;
}

/** zod's bounds of every safe integer say nothing; a pattern beside a format only repeats it. */
function isRedundant(key: string, value: unknown, node: Json): boolean {
  if (key === "minimum") return value === Number.MIN_SAFE_INTEGER;
  if (key === "maximum") return value === Number.MAX_SAFE_INTEGER;
  return key === "pattern" && "format" in node;
}

function isFreeForm(additionalProperties: unknown): boolean {
  return typeof additionalProperties === "object" && Object.keys(additionalProperties ?? {}).length === 0;
}
