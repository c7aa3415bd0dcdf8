import { readDecimal, sameDecimal } from "../../lib/decimal.ts";
import { isExactNumber } from "../../lib/exactJson.ts";
import { truncate } from "../../lib/text.ts";

/** Most nested lists and objects of a value. */
const MAX_DEPTH = 200;
/** Most characters of a number. */
const MAX_NUMBER = 1_000;
/** Below it doubles have fewer digits, and Java writes them in another way than others do. */
const LEAST_NORMAL_DOUBLE = 2.2250738585072014e-308;
/** Significant digits that every decimal keeps in a double, and so in what the API server makes of a manifest. */
const DIGITS_OF_DOUBLE = 15;

/** Why Kestra would not give a text back as it is; undefined when it would. The sentence has nothing of the text, and so in all of these. */
export function flawOfString(text: string): string | undefined {
  if (text.isWellFormed()) return undefined;
  return "The text has half of a surrogate pair, which is no Unicode: encode what is binary, in Base64 for example.";
}

/** Why Kestra would not keep a number written like this. */
export function flawOfNumber(text: string): string | undefined {
  if (readDecimal(text) === undefined)
    return "The value is not a number: write digits with a minus, a decimal point or an exponent where needed, as JSON has them, and no leading zeros.";
  if (text.length > MAX_NUMBER) return `The number is longer than ${MAX_NUMBER} characters: keep it as a STRING.`;
  // Kestra reads a number with an exponent as a double, and any other one with all its digits.
  if (/e/i.test(text) && !fitsDouble(text))
    return "The number has an exponent and does not fit a double: write it without the exponent.";
  return undefined;
}

/** Why a literal of a manifest cannot be trusted to be what its author wrote, or would not be kept. It names the place within the literal. */
export function flawOfLiteral(literal: unknown): string | undefined {
  return flawOfTree(literal, "");
}

/**
 * Why Kestra would not keep a tree: of JSON, or of exact JSON. Places are named with `path` only, the place of the tree itself: leave it
 * out where even the keys of objects are secret.
 */
export function flawOfTree(tree: unknown, path?: string, depth = 0): string | undefined {
  if (typeof tree === "string") return flawOfString(tree);
  if (typeof tree === "number") return flawOfDouble(tree, path ?? "");
  if (isExactNumber(tree)) return flawOfNumber(tree.rawJSON);
  if (typeof tree !== "object" || tree === null) return undefined;
  if (depth === MAX_DEPTH)
    return `The value is nested deeper than ${MAX_DEPTH} levels: flatten it, or keep it as a STRING.`;
  for (const [key, child] of Object.entries(tree)) {
    const flaw =
      flawOfString(key) ?? flawOfTree(child, path === undefined ? path : placeOf(tree, key, path), depth + 1);
    if (flaw !== undefined) return flaw;
  }
  return undefined;
}

function flawOfDouble(value: number, path: string): string | undefined {
  const keepsDigits = (readDecimal(String(value))?.digits.length ?? Infinity) <= DIGITS_OF_DOUBLE;
  if (Number.isInteger(value) ? Number.isSafeInteger(value) : keepsDigits) return flawOfNumber(String(value));
  return path === ""
    ? "The number has more digits than JSON keeps: give it as text, with type NUMBER."
    : `The number at ${truncate(path, 200)} has more digits than JSON keeps: give the whole value as text, with type JSON.`;
}

function fitsDouble(text: string): boolean {
  const double = Number(text);
  return sameDecimal(text, String(double)) && (double === 0 || Math.abs(double) >= LEAST_NORMAL_DOUBLE);
}

function placeOf(parent: object, key: string, path: string): string {
  if (Array.isArray(parent)) return `${path}[${key}]`;
  return path === "" ? key : `${path}.${key}`;
}
