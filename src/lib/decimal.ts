/** A number by its decimal digits: `digits` × 10^`exponent`. No digit is zero at either end; of zero there are none. */
export interface Decimal {
  negative: boolean;
  digits: string;
  exponent: bigint;
}

const GRAMMAR = /^(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?$/;

/**
 * Reads a number as JSON writes it; undefined for anything else. Exact for any length: an exponent is kept as a number, however
 * large, and never written out as digits.
 */
export function readDecimal(text: string): Decimal | undefined {
  const match = GRAMMAR.exec(text);
  if (!match) return undefined;
  const [, sign, whole = "", fraction = "", exponent = "0"] = match;
  const all = whole + fraction;
  let start = 0;
  while (all[start] === "0") start += 1;
  if (start === all.length) return { negative: false, digits: "", exponent: 0n };
  let end = all.length;
  while (all[end - 1] === "0") end -= 1;
  return {
    negative: sign === "-",
    digits: all.slice(start, end),
    exponent: BigInt(exponent.replace("+", "")) - BigInt(fraction.length) + BigInt(all.length - end),
  };
}

/** Whether two numbers, as JSON writes them, are the same: `1.10`, `1.1` and `11e-1` are. */
export function sameDecimal(a: string, b: string): boolean {
  if (a === b) return true;
  const [left, right] = [readDecimal(a), readDecimal(b)];
  if (left === undefined || right === undefined) return false;
  return left.digits === right.digits && left.negative === right.negative && left.exponent === right.exponent;
}
