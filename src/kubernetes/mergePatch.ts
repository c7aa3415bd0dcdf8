import { isDeepStrictEqual } from "node:util";

type Json = Record<string, unknown>;

/**
 * The smallest JSON merge patch (RFC 7386) that makes `wanted` of `current`, or undefined if they are equal. What is
 * missing or undefined in `wanted` is removed; a list is replaced as a whole. Null in `wanted` cannot be told from missing.
 */
export function mergePatchBetween(current: object | undefined, wanted: object): Json | undefined {
  const before = (current ?? {}) as Json;
  const after = wanted as Json;
  const patch: Json = {};
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const [old, fresh] = [before[name] ?? null, after[name] ?? null];
    if (isDeepStrictEqual(old, fresh)) continue;
    if (isRecord(old) && isRecord(fresh)) {
      const inner = mergePatchBetween(old, fresh);
      if (inner !== undefined) define(patch, name, inner);
    } else {
      define(patch, name, fresh);
    }
  }
  return Object.keys(patch).length === 0 ? undefined : patch;
}

function isRecord(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Assignment would lose a key named `__proto__`. */
function define(target: Json, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
}
