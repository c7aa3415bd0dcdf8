import type { KvType } from "../../kestra/types.ts";
import { entryResource, referenceTo, secretResource } from "../export/declare.ts";
import type { KvEntry, Literal } from "../export/declare.ts";
import { fromLiteral, fromText, holds } from "../../resources/kv/value.ts";
import type { Encoded, Refused } from "../../resources/kv/value.ts";
import type { ResourceName } from "../names.ts";
import type { Resource } from "../delivery/resource.ts";
import { NotConverted } from "./model.ts";

/** A value that is kept as a text of a type: as plain JSON where that means the same. */
export function literalOfText(text: string, type: KvType): Literal {
  const encoded = readable(fromText(text, type));
  if (type === "STRING") return { value: text };
  for (const value of jsonIn(text)) {
    const plain = fromLiteral(value);
    if (!("reason" in plain) && holds(plain, { type, json: encoded.body })) return { value };
  }
  return { value: text.trim(), type };
}

/** A KestraKV for an entry, with the value or with a Secret that has yet to be filled. */
export function resourcesFor(
  entry: KvEntry,
  { value, type }: Literal,
  name: ResourceName,
  { target, secret }: { target: string | undefined; secret: boolean },
): Resource[] {
  if (!secret) return [entryResource(entry, type === undefined ? { value } : { value, type }, name, target)];
  const stored = readable(fromLiteral(value, type)).type;
  return [entryResource(entry, referenceTo(name, stored), name, target), secretResource(entry, stored, name, target)];
}

function readable(value: Encoded | Refused): Encoded {
  if ("reason" in value) throw new NotConverted(value.message);
  return value;
}

function jsonIn(text: string): unknown[] {
  try {
    return [JSON.parse(text)];
  } catch {
    return [];
  }
}
