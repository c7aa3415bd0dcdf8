import type { KvType } from "../../kestra/types.ts";

/** A value as it is sent to Kestra. */
export interface Encoded {
  type: KvType;
  /** The Ion text from which Kestra makes exactly this value of exactly this type. */
  body: string;
}

/** Why a value cannot be kept by Kestra. The message says what to do, and has nothing of the value. */
export interface Refused {
  reason: "InvalidValue";
  message: string;
}

/** Encodes a literal of any JSON type. Without `type` it is the literal's own. */
export function fromLiteral(_value: unknown, _type?: KvType): Encoded | Refused {
  return { reason: "InvalidValue", message: "not yet" };
}

/** Encodes a text, as references give it. */
export function fromText(_text: string, _type: KvType = "STRING"): Encoded | Refused {
  return { reason: "InvalidValue", message: "not yet" };
}

/** Whether what Kestra gave back means what was asked for. */
export function holds(_desired: Encoded, _stored: { type: string; json: string }): boolean {
  return false;
}
