/** With so many, all are forgotten: what is still worth sharing comes again, and what nobody has any more goes. */
const MOST_TEXTS = 1_000;
/** A longer text is left as it is. */
const LONGEST_TEXT = 100;

const texts = new Map<string, string>();

/**
 * A text that was given lately with these characters: of ten thousand equal ones, as parsers make them, a few stay in memory. For
 * texts that many objects have in common, such as namespaces, reasons, and times at which many were made.
 */
export function intern(text: string): string {
  const known = texts.get(text);
  if (known !== undefined) return known;
  if (text.length > LONGEST_TEXT) return text;
  if (texts.size >= MOST_TEXTS) texts.clear();
  texts.set(text, text);
  return text;
}
