type Json = Record<string, unknown>;

/**
 * The smallest JSON merge patch (RFC 7386) that makes `wanted` of `current`, or undefined if they are equal. What is
 * missing or undefined in `wanted` is removed; a list is replaced as a whole. Null in `wanted` cannot be told from missing.
 */
export function mergePatchBetween(current: object | undefined, wanted: object): object | undefined {
  const before = (current ?? {}) as Json;
  const after = wanted as Json;
  const patch = new Map<string, unknown>();
  for (const name of namesOf(before, after)) {
    const [old, fresh] = [valueOf(before, name) ?? null, valueOf(after, name) ?? null];
    if (equalAsJson(old, fresh)) continue;
    patch.set(name, isRecord(old) && isRecord(fresh) ? mergePatchBetween(old, fresh) : fresh);
  }
  // Object.fromEntries takes any name for a property, `__proto__` too.
  return patch.size === 0 ? undefined : Object.fromEntries(patch);
}

/** Whether two values are the same once written as JSON: an undefined property is no property. */
export function equalAsJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, place) => equalAsJson(item, b[place]));
  }
  if (!isRecord(a) || !isRecord(b)) return false;
  return namesOf(a, b).every((name) => equalAsJson(valueOf(a, name), valueOf(b, name)));
}

function namesOf(a: Json, b: Json): string[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])];
}

function valueOf(record: Json, name: string): unknown {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

function isRecord(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
