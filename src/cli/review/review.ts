import { displayName, identityKey } from "../../resources/ownership/identity.ts";
import type { Identity } from "../../resources/ownership/identity.ts";
import type { BackfillSpec } from "../../resources/backfill/schema.ts";
import type { KvSpec } from "../../resources/kv/schema.ts";
import type { FlowSpec } from "../../resources/flow/schema.ts";
import type { Manifest } from "../manifests.ts";
import { definitionOf, reviewBackfill } from "./backfill.ts";
import { error } from "./complaint.ts";
import type { Complaint } from "./complaint.ts";
import { reviewEntry } from "./entry.ts";
import { reviewObject, reviewText } from "./flow.ts";
import type { DeclaredFlow, FlowReview } from "./flow.ts";
import { complaintsOnShape, isOwnGroup, isTree } from "./shape.ts";
import type { OwnKind } from "./shape.ts";

/** A manifest that means something to us, or a flow that stands for itself. */
export interface Reviewed {
  manifest: Manifest;
  kind: OwnKind | "flow";
  /** Namespace and name of the Kubernetes object; of a plain flow those in Kestra. */
  name: string;
  complaints: Complaint[];
  /** The flow that it declares, if it does and it can be read. */
  flow?: DeclaredFlow;
}

export interface ReviewOptions {
  tenant: string;
  /** Milliseconds since the epoch. */
  now: number;
}

type Tree = Record<string, unknown>;

/**
 * Looks at manifests as the API server and the operator would, without asking Kestra. Documents that are neither of our kinds nor flows
 * are left out.
 */
export function review(manifests: readonly Manifest[], { tenant, now }: ReviewOptions): Reviewed[] {
  const configMaps = new Map(manifests.flatMap(configMapOf));
  const reviewed = manifests.flatMap((manifest) => reviewOne(manifest, tenant, configMaps) ?? []);
  for (const it of reviewed)
    if (it.kind === "Backfill" && hasShape(it)) it.complaints.push(...ofBackfill(it, reviewed, now));
  complainOfDoubles(reviewed, tenant);
  return reviewed;
}

function reviewOne(manifest: Manifest, tenant: string, configMaps: ReadonlyMap<string, Tree>): Reviewed | undefined {
  const { value } = manifest;
  if (!isTree(value)) return undefined;
  if (!isOwnGroup(value.apiVersion)) {
    if (!looksLikeFlow(value)) return undefined;
    const found = reviewText(manifest.text, tenant);
    return { manifest, kind: "flow", name: found.flow ? displayName(found.flow.identity) : "a flow", ...found };
  }
  const { kind, complaints } = complaintsOnShape(value);
  const name = objectName(value);
  const reviewed: Reviewed = { manifest, kind: kind ?? "KestraFlow", name, complaints };
  if (!hasShape(reviewed)) return reviewed;
  if (kind === "KestraKV") complaints.push(...reviewEntry(value));
  if (kind === "KestraFlow") {
    const found = reviewFlow(value, tenant, configMaps);
    complaints.push(...found.complaints);
    if (found.flow) reviewed.flow = found.flow;
  }
  return reviewed;
}

function reviewFlow(manifest: Tree, tenant: string, configMaps: ReadonlyMap<string, Tree>): FlowReview {
  const { source, flow, sourceFrom } = manifest.spec as FlowSpec;
  if (source !== undefined) return reviewText(source, tenant, ["spec", "source"]);
  if (flow !== undefined) return reviewObject(flow, tenant, ["spec", "flow"]);
  const { name = "", key = "" } = sourceFrom?.configMapKeyRef ?? {};
  const text = configMaps.get(`${namespaceOf(manifest)}/${name}`)?.[key];
  if (typeof text !== "string") return { complaints: [] };
  const found = reviewText(text, tenant);
  // The text stands in another manifest: everything is said of the reference to it.
  const referred = ({ rule, message }: Complaint): Complaint =>
    error(rule, `${name}/${key}: ${message}`, ["spec", "sourceFrom"]);
  return {
    complaints: found.complaints.map(referred),
    ...(found.flow ? { flow: { ...found.flow, complain: (...given) => referred(error(...given)) } } : {}),
  };
}

function ofBackfill({ manifest }: Reviewed, all: readonly Reviewed[], now: number): Complaint[] {
  const tree = manifest.value as Tree;
  const spec = tree.spec as BackfillSpec;
  const { flowRef, namespace, id } = spec.target;
  const meant = all.find((other) => {
    if (other.flow === undefined) return false;
    if (flowRef) return other.kind === "KestraFlow" && other.name === nameIn(namespaceOf(tree), flowRef.name);
    return other.flow.identity.namespace === namespace && other.flow.identity.id === id;
  });
  return reviewBackfill(spec, meant?.flow && definitionOf(meant.flow.text), now);
}

/** Says of every object and every identity in Kestra that is declared again where it was declared first. */
function complainOfDoubles(all: readonly Reviewed[], tenant: string): void {
  const objects = new Map<string, Manifest>();
  const identities = new Map<string, Manifest>();
  for (const { manifest, kind, name, complaints, flow } of all) {
    if (kind !== "flow" && name !== "") {
      const first = noted(objects, `${kind} ${name}`, manifest);
      const path = ["metadata", "name"];
      if (first) complaints.push(error("DuplicateName", `The ${kind} ${name} is in ${placeOf(first)} too.`, path));
    }
    const identity = flow?.identity ?? entryOf(kind, manifest, tenant);
    if (identity === undefined) continue;
    const noun = kind === "KestraKV" ? "entry" : "flow";
    const first = noted(identities, `${noun} ${identityKey(identity)}`, manifest);
    if (first === undefined) continue;
    const message = `The ${noun} ${displayName(identity)} is declared in ${placeOf(first)} too: only one of the two can have it.`;
    complaints.push(flow ? flow.complain("Conflict", message, ["id"]) : error("Conflict", message, ["spec", "key"]));
  }
}

function entryOf(kind: string, { value }: Manifest, tenant: string): Identity | undefined {
  if (kind !== "KestraKV") return undefined;
  const { namespace, key } = ((value as Tree).spec ?? {}) as Partial<KvSpec>;
  return typeof namespace === "string" && typeof key === "string" ? { tenant, namespace, id: key } : undefined;
}

/** The manifest that had the key before; it is noted for it where there was none. */
function noted(seen: Map<string, Manifest>, key: string, manifest: Manifest): Manifest | undefined {
  const first = seen.get(key);
  if (first === undefined) seen.set(key, manifest);
  return first;
}

function placeOf({ file, position }: Manifest): string {
  return `${file}:${position.line}`;
}

/** Whether its kind is known and its spec is what the schema asks for, so that the operator's rules can be applied. */
function hasShape({ complaints }: Reviewed): boolean {
  return !complaints.some(({ rule, path }) =>
    rule.startsWith("Unknown") ? path.length === 1 : rule === "Invalid" && path[0] !== "metadata",
  );
}

/** A flow as Kestra has it has no apiVersion, and id and tasks. */
function looksLikeFlow({ apiVersion, kind, id, namespace, tasks }: Tree): boolean {
  if (apiVersion !== undefined || kind !== undefined) return false;
  return [id, namespace, tasks].filter((part) => part !== undefined).length >= 2;
}

function configMapOf({ value }: Manifest): [string, Tree][] {
  if (!isTree(value) || value.apiVersion !== "v1" || value.kind !== "ConfigMap" || !isTree(value.data)) return [];
  return [[`${namespaceOf(value)}/${metadataOf(value).name ?? ""}`, value.data]];
}

function objectName(manifest: Tree): string {
  const { name } = metadataOf(manifest);
  return name === undefined ? "" : nameIn(namespaceOf(manifest), name);
}

function nameIn(namespace: string, name: string): string {
  return namespace === "" ? name : `${namespace}/${name}`;
}

function namespaceOf(manifest: Tree): string {
  return metadataOf(manifest).namespace ?? "";
}

function metadataOf({ metadata }: Tree): { name?: string; namespace?: string } {
  const { name, namespace } = isTree(metadata) ? metadata : {};
  return {
    ...(typeof name === "string" ? { name } : {}),
    ...(typeof namespace === "string" ? { namespace } : {}),
  };
}
