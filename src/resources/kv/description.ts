/** Kestra's server refuses a request with more than 8 KiB of headers. */
const MAX_LENGTH = 4_000;

/**
 * Why Kestra cannot keep a description; undefined when it can. The sentence says what to do. Descriptions travel in an HTTP header, in
 * Latin-1, which holds no other characters, no line ends and no blanks at either end.
 */
export function flawOfDescription(text: string): string | undefined {
  if (text.length > MAX_LENGTH) return `The description is longer than ${MAX_LENGTH} characters: shorten it.`;
  if (/^[ \t]|[ \t]$/.test(text)) return "The description begins or ends with a blank, which Kestra drops: remove it.";
  if (/[\r\n]/.test(text)) return "The description has several lines, and Kestra keeps one: join them.";
  if (/[^ -~\x80-\xff]/.test(text))
    return "The description has characters that Kestra cannot keep: use those of Latin-1, without tabs and controls.";
  return undefined;
}
