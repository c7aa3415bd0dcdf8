import { FAILSAFE_SCHEMA } from "js-yaml";
import type { FlowIdentity } from "../../kestra/types.ts";
import { canonicalJson, digestOf } from "../../lib/digest.ts";
import { dumpYaml, MAX_DEPTH, parseYaml } from "../../lib/yaml.ts";
import type { Unreadable } from "../model.ts";
import { KESTRA_NAMESPACE } from "../ownership/identity.ts";

/** A flow as its resource declares it. */
export interface Desired {
  identity: FlowIdentity;
  /** Equal digests mean that Kestra would keep the revision: see {@link digestLike}. */
  digest: string;
  /** The YAML to send. Undefined while nothing needs to be written: the cache does not keep the sources of what is in sync. */
  text?: string;
  /** resourceVersion of the ConfigMap that the text was read from. */
  configMapVersion?: string;
}

const TREE_PREFIX = "tree:";

/** Kestra's own rule for a flow's id (kestra-rest §3: AbstractFlow). */
const FLOW_ID = /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,99}$/;

/** Ids that stand for something else in Kestra's paths (kestra-rest §3: FlowValidator). */
const RESERVED_IDS = new Set([
  "pause",
  "resume",
  "force-run",
  "change-status",
  "kill",
  "executions",
  "search",
  "source",
  "disable",
  "enable",
]);

/** Reads the flow that a YAML text declares. Its digest is of the text, as Kestra compares texts. */
export function fromText(text: string, tenant: string): Desired | Unreadable {
  // Kestra takes every scalar of these fields for text, so `id: 007` is "007".
  const parsed = parseYaml(text, FAILSAFE_SCHEMA);
  if (!parsed.ok)
    return { reason: "InvalidSource", message: `The source is not one YAML document: ${parsed.message}.` };
  const identity = identityIn(parsed.value, tenant);
  return "reason" in identity ? identity : { identity, digest: textDigest(text), text };
}

/** Reads the flow that a structured object declares. Its digest is of the tree, whatever the order of its keys. */
export function fromObject(flow: Record<string, unknown>, tenant: string): Desired | Unreadable {
  const flaw = flawOf(flow);
  if (flaw !== undefined) return { reason: "InvalidSource", message: flaw };
  const identity = identityIn(flow, tenant);
  if ("reason" in identity) return identity;
  return { identity, digest: treeDigest(flow), text: dumpYaml(flow, byImportance) };
}

/** Digest of a text: equal ones mean that Kestra would keep the revision. */
export function textDigest(text: string): string {
  return digestOf(withoutRevision(text));
}

/** Digest of a stored source in the manner of another digest, so that the two can be compared. */
export function digestLike(digest: string, source: string): string {
  if (!digest.startsWith(TREE_PREFIX)) return textDigest(source);
  const parsed = parseYaml(source);
  return parsed.ok ? treeDigest(parsed.value) : `${TREE_PREFIX}unreadable`;
}

/** Kestra ignores the first top-level `revision: N` line when it compares sources (FlowInterface.sourceWithoutRevision). */
export function withoutRevision(source: string): string {
  return source.replace(/^revision: \d+\n?/m, "");
}

/** Whether two sources declare the same flow but for its top-level `disabled`. */
export function differOnlyInDisabled(a: string, b: string): boolean {
  const [left, right] = [parseYaml(a), parseYaml(b)];
  return left.ok && right.ok && canonicalJson(enabled(left.value)) === canonicalJson(enabled(right.value));
}

function enabled(flow: unknown): unknown {
  return typeof flow === "object" && flow !== null ? { ...flow, disabled: undefined, revision: undefined } : flow;
}

/** Why a tree would not be read back from YAML as it was declared, or undefined when it would. */
function flawOf(tree: unknown, path = "", depth = 0): string | undefined {
  if (typeof tree === "number" && Number.isInteger(tree) && !Number.isSafeInteger(tree)) {
    return `The number at ${path} has more digits than JSON keeps: quote it, or declare the flow as text in spec.source.`;
  }
  if (typeof tree !== "object" || tree === null) return undefined;
  if (depth === MAX_DEPTH) return `The flow is nested deeper than ${MAX_DEPTH} levels.`;
  for (const [key, child] of Object.entries(tree)) {
    const at = Array.isArray(tree) ? `${path}[${key}]` : path === "" ? key : `${path}.${key}`;
    const flaw = flawOf(child, at, depth + 1);
    if (flaw !== undefined) return flaw;
  }
  return undefined;
}

function treeDigest(tree: unknown): string {
  return TREE_PREFIX + digestOf(canonicalJson(tree));
}

function identityIn(flow: unknown, tenant: string): FlowIdentity | Unreadable {
  if (typeof flow !== "object" || flow === null || Array.isArray(flow)) {
    return {
      reason: "InvalidSource",
      message: "The source is not a flow: it must be a YAML mapping with id, namespace and tasks.",
    };
  }
  const id = scalarOf(flow, "id");
  const namespace = scalarOf(flow, "namespace");
  if (id === undefined)
    return { reason: "InvalidSource", message: "The flow has no id: add a line like `id: my_flow`." };
  if (namespace === undefined) {
    return { reason: "InvalidSource", message: "The flow has no namespace: add a line like `namespace: my.team`." };
  }
  if (!FLOW_ID.test(id)) {
    return {
      reason: "InvalidSource",
      message: `The flow's id ${JSON.stringify(id.slice(0, 120))} is not allowed: use letters, digits, '.', '_' and '-', at most 100, beginning with a letter or digit.`,
    };
  }
  if (!KESTRA_NAMESPACE.test(namespace)) {
    return {
      reason: "InvalidSource",
      message: `The flow's namespace ${JSON.stringify(namespace.slice(0, 170))} is not allowed: use lower-case letters, digits, '.', '_' and '-', at most 150, beginning with a letter or digit.`,
    };
  }
  if (RESERVED_IDS.has(id))
    return { reason: "InvalidSource", message: `The flow's id "${id}" is reserved by Kestra: choose another.` };
  return { tenant, namespace, id };
}

function scalarOf(flow: object, key: string): string | undefined {
  const value = Object.hasOwn(flow, key) ? (flow as Record<string, unknown>)[key] : undefined;
  if (typeof value === "string") return value === "" ? undefined : value;
  return typeof value === "number" ? String(value) : undefined;
}

/** What a reader looks for first comes first; the API server keeps the keys of an object in alphabetical order. */
const FIRST_KEYS = ["id", "type", "namespace", "description", "labels", "disabled", "inputs", "variables", "tasks"];

function byImportance(a: string, b: string): number {
  const [left, right] = [FIRST_KEYS.indexOf(a), FIRST_KEYS.indexOf(b)];
  if (left >= 0 || right >= 0) return (left < 0 ? FIRST_KEYS.length : left) - (right < 0 ? FIRST_KEYS.length : right);
  return a < b ? -1 : a > b ? 1 : 0;
}
