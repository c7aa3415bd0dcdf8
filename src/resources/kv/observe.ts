import { isForbidden, isNotFound } from "../../kubernetes/errors.ts";
import { coreTypes, keyFor } from "../../kubernetes/objects.ts";
import type { AnyObject } from "../../kubernetes/objects.ts";
import type { NamedObjects } from "../../kubernetes/namedObjects.ts";
import { KestraProtocolError } from "../../kestra/errors.ts";
import type { ReadingContext, ResourceContext } from "../context.ts";
import { isSettled, readyReason } from "../decisions.ts";
import type { Unreadable } from "../model.ts";
import { displayName } from "../ownership/identity.ts";
import { observeOwnership, readWhole } from "../ownership/observe.ts";
import { projectWhole } from "./cache.ts";
import type { CachedKv } from "./cache.ts";
import type { Fact, MissingReference, Observed, StoredEntry } from "./model.ts";
import { kestraKvs } from "./schema.ts";
import type { KeyRef } from "./schema.ts";
import { declarationDigest, flawOfSpec, identityOf } from "./source.ts";
import type { Desired } from "./source.ts";
import { fromLiteral, fromText } from "./value.ts";
import type { Encoded, Refused } from "./value.ts";

/** What a decision about an entry rests on. */
export interface KvReadingContext extends ReadingContext {
  /** Versions of the Secrets that resources refer to. */
  secrets: Pick<NamedObjects, "version">;
}

export type KvContext = KvReadingContext & ResourceContext<CachedKv>;

/** A reference of a resource, and the object that it leads to. */
interface Reference {
  kind: "Secret" | "ConfigMap";
  ref: KeyRef;
}

/** What is known of a resource without asking anybody. */
export function observe(context: KvReadingContext, object: CachedKv): Observed {
  const desired = declaredBy(context, object);
  return { ...observeOwnership(context, object, "entry"), ...(desired === undefined ? {} : { desired }) };
}

/** Reads one fact that a decision asked for, into what is observed. */
export async function read(context: KvReadingContext, seen: Observed, fact: Fact, signal: AbortSignal): Promise<void> {
  switch (fact) {
    case "content": {
      const desired = await readContent(context, seen, signal);
      // It turned from a literal into a reference meanwhile, which is read next.
      if (desired === undefined) delete seen.desired;
      else seen.desired = desired;
      return;
    }
    case "stored":
      seen.stored = await readEntry(context, identityOf(seen.object, context.settings.tenant), signal);
      return;
    case "claimed":
      // No digest of a value may be kept to prove it by: it holds, unless Kestra refused the write that it was made for.
      seen.claimProved = readyReason(seen.object.status) !== "Rejected";
  }
}

/** The reference of a resource, if it has one. */
export function referenceOf({ policy: { valueFrom } }: CachedKv): Reference | undefined {
  if (valueFrom?.secretKeyRef) return { kind: "Secret", ref: valueFrom.secretKeyRef };
  return valueFrom?.configMapKeyRef && { kind: "ConfigMap", ref: valueFrom.configMapKeyRef };
}

/** What the caches say that a resource declares; undefined where it has to be read. */
function declaredBy(context: KvReadingContext, object: CachedKv): Observed["desired"] {
  const flaw = flawOfSpec(object);
  if (flaw) return flaw;
  const { status, content } = object;
  const identity = identityOf(object, context.settings.tenant);
  if (content)
    return encoded(identity, declarationDigest(object, content.value), fromLiteral(content.value, object.policy.type));
  // What was applied last says nothing of a value that was found to be missing since.
  if (!isSettled(object) || status.applied === undefined || readyReason(status) === "OptionalMissing") return undefined;
  const reference = referenceOf(object);
  const version = reference && versionOf(context, object, reference);
  // Of a Secret that is not known yet there will be news.
  if (version !== undefined && version !== status.applied.sourceVersion) return undefined;
  return { identity, ...status.applied };
}

function versionOf(
  context: KvReadingContext,
  { metadata: { namespace } }: CachedKv,
  { kind, ref }: Reference,
): string | undefined {
  const key = keyFor({ namespace, name: ref.name });
  if (kind === "Secret") return context.secrets.version(key);
  return context.configMaps.get(key)?.metadata.resourceVersion ?? "missing";
}

async function readContent(
  context: KvReadingContext,
  seen: Observed,
  signal: AbortSignal,
): Promise<Observed["desired"]> {
  const reference = referenceOf(seen.object);
  if (reference) return readReference(context, seen.object, reference, signal);
  seen.object = projectWhole(await readWhole(context, kestraKvs, seen.object, signal));
  context.claims.update(seen.object, identityOf(seen.object, context.settings.tenant));
  return declaredBy(context, seen.object);
}

async function readReference(
  { kubernetes, settings }: ReadingContext,
  object: CachedKv,
  { kind, ref: { name, key, optional = false } }: Reference,
  signal: AbortSignal,
): Promise<Desired | Unreadable | MissingReference> {
  const { namespace } = object.metadata;
  const missing = (what: string): MissingReference => ({ missing: what, reason: "ReferenceMissing", optional });
  let source: DataObject;
  try {
    const type = kind === "Secret" ? coreTypes.secret : coreTypes.configMap;
    source = await kubernetes.get<DataObject>(type, { namespace, name }, { signal });
  } catch (error) {
    if (isNotFound(error)) return missing(`the ${kind} ${name}`);
    if (!isForbidden(error)) throw error;
    const what = `the right to get the ${kind} ${name}: have the operator's role in the namespace ${namespace} extended`;
    return { missing: what, reason: "ReferenceForbidden", optional: false };
  }
  // Something that answers in the API server's place must not pass for an object without the key.
  if (!isNamed(source, name)) throw new Error(`the answer to a get of the ${kind} ${name} is another object`);
  const bytes = bytesIn(kind, source, key);
  if (bytes === undefined) return missing(`the key ${key} in the ${kind} ${name}`);
  const text = textOf(bytes);
  if (text === undefined) {
    const message = `The key ${key} in the ${kind} ${name} is not text in UTF-8: Kestra's entries hold text; encode it, e.g. as base64, and decode it in the flow.`;
    return { reason: "InvalidValue", message };
  }
  if (text === "") return missing(`a value under the key ${key} in the ${kind} ${name}, which is empty`);
  const value = fromText(text, object.policy.type);
  const desired = encoded(identityOf(object, settings.tenant), declarationDigest(object), value);
  return "identity" in desired ? { ...desired, sourceVersion: source.metadata.resourceVersion } : desired;
}

interface DataObject extends AnyObject {
  data?: Record<string, string>;
  binaryData?: Record<string, string>;
}

function isNamed(answer: { metadata?: { name?: string } }, name: string): boolean {
  return answer.metadata?.name === name;
}

function bytesIn(kind: Reference["kind"], { data, binaryData }: DataObject, key: string): Buffer | undefined {
  const base64 = kind === "Secret" ? data?.[key] : binaryData?.[key];
  if (base64 !== undefined) return Buffer.from(base64, "base64");
  const text = kind === "Secret" ? undefined : data?.[key];
  return text === undefined ? undefined : Buffer.from(text);
}

function textOf(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function encoded(identity: Desired["identity"], digest: string, value: Encoded | Refused): Desired | Unreadable {
  return "reason" in value ? value : { identity, digest, value };
}

/**
 * Reads an entry's row, then its value: what is written between the two shows in the next list, as a version that was not seen. The
 * whole list is searched only for an entry that is there. Reading one that has expired deletes it in Kestra, which is no loss.
 */
async function readEntry(
  { kestra: { kv } }: ReadingContext,
  identity: Desired["identity"],
  signal: AbortSignal,
): Promise<StoredEntry | "missing" | "expired"> {
  let item = await kv.search(identity, signal);
  for (let attempt = 0; attempt < 3; attempt++) {
    const stored = await kv.get(identity, signal);
    if (typeof stored === "string") return stored;
    if (item !== undefined) return { ...item, stored };
    item = await kv.find(identity, signal);
  }
  throw new KestraProtocolError(`the list of entries does not show ${displayName(identity)}, which can be read`);
}
