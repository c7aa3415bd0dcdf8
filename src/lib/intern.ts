/** Beyond these a text is left as it is: what is worth sharing is short and comes from a small set. */
const MOST_TEXTS = 1_000;
const LONGEST_TEXT = 100;

const texts = new Map<string, string>();

/**
 * The first text that was given with these characters: of ten thousand equal ones, as parsers make them, one stays in memory. For
 * texts that many objects have in common, such as namespaces and reasons.
 */
export function intern(text: string): string {
  const known = texts.get(text);
  if (known !== undefined) return known;
  if (text.length <= LONGEST_TEXT && texts.size < MOST_TEXTS) texts.set(text, text);
  return text;
}
