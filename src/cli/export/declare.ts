import type { StoredValue } from "../../kestra/kv.ts";
import type { KvType } from "../../kestra/types.ts";
import { apiVersionOf } from "../../kubernetes/objects.ts";
import { kestraFlows } from "../../resources/flow/schema.ts";
import { fromLiteral, holds } from "../../resources/kv/value.ts";
import type { ResourceName } from "../names.ts";
import type { Manifest, Resource } from "../delivery/resource.ts";

/** Key of a placeholder Secret under which the value goes. */
export const SECRET_KEY = "value";

const API_VERSION = apiVersionOf(kestraFlows);
const SECOND_MS = 1_000;

/** What is declared of an entry besides its value. The two dates tell its time to live. */
export interface KvEntry {
  namespace: string;
  key: string;
  description?: string;
  updateDate?: string;
  expirationDate?: string;
}

/** A value as a KestraKV declares it. */
export interface Literal {
  value: unknown;
  type?: KvType;
}

/** A KestraFlow that declares a source as it is. */
export function flowResource(
  { namespace, source }: { namespace: string; source: string },
  { name, short }: ResourceName,
  target: string | undefined,
): Resource {
  const object = { ...headOf("KestraFlow", name, target), spec: { source } };
  return { group: namespace, section: "flows", file: short, object };
}

/** A KestraKV that declares an entry with its description and time to live. */
export function entryResource(
  entry: KvEntry,
  value: object,
  { name, short }: ResourceName,
  target: string | undefined,
): Resource {
  const { namespace, key, description, updateDate, expirationDate } = entry;
  const ends = updateDate !== undefined && expirationDate !== undefined;
  const ttl = ends ? Date.parse(expirationDate) - Date.parse(updateDate) : undefined;
  const spec = {
    namespace,
    key,
    ...value,
    ...(description === undefined || description === "" ? {} : { description }),
    ...(ttl === undefined ? {} : { ttl: durationOf(ttl) }),
  };
  return { group: namespace, section: "kv", file: short, object: { ...headOf("KestraKV", name, target), spec } };
}

/** A reference to the Secret of {@link secretResource}. A reference is read as a STRING unless it says otherwise. */
export function referenceTo({ name }: ResourceName, type: KvType): object {
  return { ...(type === "STRING" ? {} : { type }), valueFrom: { secretKeyRef: { name, key: SECRET_KEY } } };
}

/**
 * A Secret without the value, to be filled by hand. It has no key at all: applied again, it takes nothing out of one that was filled, and
 * until then Kestra keeps the value that it has.
 */
export function secretResource(
  { namespace, key }: KvEntry,
  type: KvType,
  { name, short }: ResourceName,
  target: string | undefined,
): Resource {
  const comment = `The value of the entry ${key} in the Kestra namespace ${namespace}, of type ${type}, belongs under the key ${SECRET_KEY}:\nkubectl patch secret ${name} --type merge --patch-file FILE, with {"stringData": {"${SECRET_KEY}": "..."}} in FILE`;
  const object: Manifest = { ...headOf("Secret", name, target), apiVersion: "v1", type: "Opaque" };
  return { group: namespace, section: "secrets", file: short, object, comment };
}

/** How a stored value is declared so that the operator takes Kestra's for the same; undefined where it cannot be. */
export function literalOf(stored: StoredValue): Literal | undefined {
  return candidates(stored).find(({ value, type }) => {
    const encoded = fromLiteral(value, type);
    return !("reason" in encoded) && holds(encoded, stored);
  });
}

/** The plainest first: as JSON, then as text of a type. */
function candidates({ type, json }: StoredValue): Literal[] {
  const value: unknown = JSON.parse(json);
  return [{ value }, { value: typeof value === "string" ? value : json, type }];
}

function headOf(kind: string, name: string, namespace: string | undefined): Manifest {
  return { apiVersion: API_VERSION, kind, metadata: { name, ...(namespace === undefined ? {} : { namespace }) } };
}

/** As java.time.Duration writes it, to the second, which is as exact as the operator compares. */
function durationOf(milliseconds: number): string {
  const seconds = Math.max(1, Math.round(milliseconds / SECOND_MS));
  const [days, hours, minutes, rest] = [
    Math.floor(seconds / 86_400),
    Math.floor(seconds / 3_600) % 24,
    Math.floor(seconds / 60) % 60,
    seconds % 60,
  ];
  const time = [hours && `${hours}H`, minutes && `${minutes}M`, rest && `${rest}S`].filter(Boolean).join("");
  return `P${days === 0 ? "" : `${days}D`}${time === "" ? "" : `T${time}`}`;
}
