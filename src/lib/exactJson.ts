import { sameDecimal } from "./decimal.ts";

/** A number by the text it was written as. JSON.stringify writes that text. */
export interface ExactNumber {
  readonly rawJSON: string;
}

/** JSON without loss: JSON.parse would round a number to the nearest double. */
export type ExactJson = string | boolean | null | ExactNumber | ExactJson[] | { [key: string]: ExactJson };

/** What JSON can do since ES2026 and the library of TypeScript does not know yet. */
interface SourceTextJson {
  parse(text: string, reviver: (key: string, value: unknown, context: { source?: string }) => unknown): unknown;
  rawJSON(text: string): ExactNumber;
  isRawJSON(value: unknown): value is ExactNumber;
}
const Json = JSON as unknown as SourceTextJson;

/**
 * Reads JSON with every digit of its numbers. Undefined for what is no JSON, and for what is nested so deep (thousands of levels) that
 * the reader runs out of stack. It throws nothing: the message of a SyntaxError quotes the text, which may be secret.
 */
export function parseExactJson(text: string): ExactJson | undefined {
  try {
    return Json.parse(text, (_key, value, { source }) =>
      typeof value === "number" && source !== undefined ? Json.rawJSON(source) : value,
    ) as ExactJson;
  } catch {
    return undefined;
  }
}

/** Writes a tree as it was read, without blanks between its parts. */
export function writeExactJson(tree: ExactJson): string {
  return JSON.stringify(tree);
}

export function isExactNumber(tree: unknown): tree is ExactNumber {
  return Json.isRawJSON(tree);
}

/**
 * Whether two trees mean the same: whatever the order of keys, numbers as exact decimals (`1.10` = `1.1` = `11e-1`), strings by
 * their UTF-16 units.
 */
export function sameExactJson(a: ExactJson, b: ExactJson): boolean {
  if (typeof a !== "object" || a === null || typeof b !== "object" || b === null) return a === b;
  if (isExactNumber(a) || isExactNumber(b))
    return isExactNumber(a) && isExactNumber(b) && sameDecimal(a.rawJSON, b.rawJSON);
  if (Array.isArray(a) || Array.isArray(b)) return Array.isArray(a) && Array.isArray(b) && sameItems(a, b);
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && sameExactJson(a[key] ?? null, b[key] ?? null))
  );
}

function sameItems(a: ExactJson[], b: ExactJson[]): boolean {
  return a.length === b.length && a.every((item, index) => sameExactJson(item, b[index] ?? null));
}

/** Whether an object in a JSON text names a key twice. `tree` is what the text was read as: it has the last of the two. */
export function repeatsKey(text: string, tree: ExactJson): boolean {
  let named = 0;
  for (const [, colon] of text.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"(\s*:)?/g)) if (colon !== undefined) named += 1;
  return named > countKeys(tree);
}

function countKeys(tree: ExactJson): number {
  if (typeof tree !== "object" || tree === null || isExactNumber(tree)) return 0;
  const children = Object.values(tree);
  return children.reduce((sum, child) => sum + countKeys(child), Array.isArray(tree) ? 0 : children.length);
}
