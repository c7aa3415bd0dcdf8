import type { z } from "zod";
import type { Path } from "../../lib/yamlPlaces.ts";
import { apiVersionOf } from "../../kubernetes/objects.ts";
import { GROUP } from "../../resources/annotations.ts";
import { BackfillSpec } from "../../resources/backfill/schema.ts";
import { FlowSpec, kestraFlows } from "../../resources/flow/schema.ts";
import { KvSpec } from "../../resources/kv/schema.ts";
import { error } from "./complaint.ts";
import type { Complaint } from "./complaint.ts";

/** Our kinds, with the schema of their specs. */
export const SPECS = { KestraFlow: FlowSpec, KestraKV: KvSpec, Backfill: BackfillSpec } as const;
export type OwnKind = keyof typeof SPECS;

const API_VERSION = apiVersionOf(kestraFlows);
const TOP_LEVEL = ["apiVersion", "kind", "metadata", "spec", "status"];
/** RFC 1123, as Kubernetes checks the name of an object. */
const NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const MAX_NAME = 253;

type Tree = Record<string, unknown>;

/** A rule of a CRD that its schema cannot say. */
interface Rule {
  kind: OwnKind;
  path: Path;
  message: string;
  holds: (spec: Tree) => boolean;
}

const has = (value: unknown, key: string): boolean => isTree(value) && value[key] !== undefined;

/** The CEL rules of the CRDs, by the message that they have there, and what they mean. Those about changes cannot be checked here. */
export const RULES: readonly Rule[] = [
  {
    kind: "KestraFlow",
    path: [],
    message: "give exactly one of source, flow and sourceFrom",
    holds: (spec) => ["source", "flow", "sourceFrom"].filter((key) => has(spec, key)).length === 1,
  },
  {
    kind: "KestraKV",
    path: ["valueFrom"],
    message: "give exactly one of secretKeyRef and configMapKeyRef",
    holds: ({ valueFrom }) =>
      valueFrom === undefined || has(valueFrom, "secretKeyRef") !== has(valueFrom, "configMapKeyRef"),
  },
  {
    kind: "KestraKV",
    path: [],
    message: "ttlPolicy Renew needs a ttl",
    holds: ({ ttlPolicy, ttl }) => ttlPolicy !== "Renew" || ttl !== undefined,
  },
  {
    kind: "KestraKV",
    path: [],
    message: "give exactly one of value and valueFrom",
    holds: (spec) => has(spec, "value") !== has(spec, "valueFrom"),
  },
  {
    kind: "Backfill",
    path: ["target"],
    message: "give either flowRef or both namespace and id",
    holds: ({ target }) =>
      has(target, "flowRef")
        ? !has(target, "namespace") && !has(target, "id")
        : has(target, "namespace") && has(target, "id"),
  },
];

export function isOwnGroup(apiVersion: unknown): apiVersion is string {
  return typeof apiVersion === "string" && apiVersion.startsWith(`${GROUP}/`);
}

/** What the API server would say against a manifest of our group: of its metadata, its schema, its fields and its rules. */
export function complaintsOnShape(manifest: Tree): { kind?: OwnKind; complaints: Complaint[] } {
  const { apiVersion, kind, metadata, spec } = manifest;
  if (apiVersion !== API_VERSION)
    return { complaints: [error("UnknownVersion", `apiVersion must be ${API_VERSION}.`, ["apiVersion"])] };
  if (!isOwnKind(kind)) {
    const known = Object.keys(SPECS).join(", ");
    return { complaints: [error("UnknownKind", `There is no such kind; there are ${known}.`, ["kind"])] };
  }
  const unknown = Object.keys(manifest).filter((key) => !TOP_LEVEL.includes(key));
  const complaints = [
    ...unknown.map((key) => unknownField([key])),
    ...complaintsOnName(metadata),
    ...(isTree(spec) ? complaintsOnSpec(kind, spec) : [error("Invalid", "spec is missing.", [])]),
  ];
  return { kind, complaints };
}

function complaintsOnSpec(kind: OwnKind, spec: Tree): Complaint[] {
  const schema: z.ZodType = SPECS[kind];
  const parsed = schema.safeParse(spec);
  if (!parsed.success) return parsed.error.issues.map((issue) => ofIssue(issue, spec));
  const broken = RULES.filter((rule) => rule.kind === kind && !rule.holds(spec));
  return [
    ...unknownFields(spec, parsed.data, ["spec"]),
    ...broken.map(({ path, message }) =>
      error("Invalid", `${["spec", ...path].join(".")}: ${message}.`, ["spec", ...path]),
    ),
  ];
}

function ofIssue({ path, message, code }: z.core.$ZodIssue, spec: Tree): Complaint {
  const full = ["spec", ...path];
  const missing = code === "invalid_type" && valueAt(spec, path) === undefined;
  return error("Invalid", `${full.join(".")}: ${missing ? "is missing" : message}.`, full);
}

/** Fields that the schema does not have: the API server drops them, or refuses them where it is asked to be strict. */
function unknownFields(given: unknown, known: unknown, path: Path): Complaint[] {
  if (!isTree(given) || !isTree(known)) return [];
  return Object.entries(given).flatMap(([key, value]) =>
    key in known ? unknownFields(value, known[key], [...path, key]) : [unknownField([...path, key])],
  );
}

function unknownField(path: Path): Complaint {
  return error("UnknownField", `There is no field ${path.join(".")}.`, path);
}

function complaintsOnName(metadata: unknown): Complaint[] {
  const { name, generateName } = isTree(metadata) ? metadata : {};
  if (name === undefined && typeof generateName === "string") return [];
  if (typeof name !== "string" || name === "") return [error("Invalid", "metadata.name is missing.", ["metadata"])];
  if (name.length <= MAX_NAME && NAME.test(name)) return [];
  const message = `metadata.name: use lower-case letters, digits, '-' and '.', at most ${MAX_NAME}, beginning and ending with a letter or digit.`;
  return [error("Invalid", message, ["metadata", "name"])];
}

function isOwnKind(kind: unknown): kind is OwnKind {
  return typeof kind === "string" && Object.hasOwn(SPECS, kind);
}

export function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function valueAt(tree: unknown, path: Path): unknown {
  return path.reduce<unknown>((at, step) => (at as Record<PropertyKey, unknown> | undefined)?.[step], tree);
}
