/**
 * Cuts a text to at most `limit` UTF-16 units, ending in an ellipsis when something was cut. What comes out is well-formed: no half of a
 * surrogate pair is made, and one that was there is replaced.
 */
export function truncate(text: string, limit: number): string {
  const whole = text.toWellFormed();
  if (whole.length <= limit) return whole;
  const end = limit - 1;
  const splitsPair = (whole.charCodeAt(end - 1) & 0xfc00) === 0xd800;
  return `${whole.slice(0, splitsPair ? end - 1 : end)}…`;
}
