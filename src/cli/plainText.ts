const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });
/** Control characters, and those that reverse the direction of writing: a terminal would act on them. */
// eslint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;
const ASCII = /^[\u0020-\u007e]*$/;

/** A text from elsewhere on one line of a terminal: line ends are blanks, and control characters can be seen and do nothing. */
export function plain(text: string): string {
  return visible(text.replace(/\r?\n|\t/g, " "));
}

/** The same for text of several lines. A carriage return at the end of a line is shown as well. */
export function visible(text: string): string {
  return text.replace(CONTROL, (character) => {
    if (character === "\n" || character === "\t") return character;
    const code = character.charCodeAt(0);
    if (code < 0x20) return `^${String.fromCharCode(code + 0x40)}`;
    return code === 0x7f ? "^?" : `<U+${code.toString(16).toUpperCase().padStart(4, "0")}>`;
  });
}

/** Columns that a text takes, as far as that can be told: what a reader takes for one character counts as one. */
export function textWidth(text: string): number {
  if (ASCII.test(text)) return text.length;
  let width = 0;
  for (const part of graphemes.segment(text)) if (part.segment !== "") width += 1;
  return width;
}

/** Cuts a text to so many columns, with an ellipsis where something was cut. */
export function truncated(text: string, columns: number): string {
  if (textWidth(text) <= columns) return text;
  const parts = [...graphemes.segment(text)].map(({ segment }) => segment);
  return `${parts
    .slice(0, columns - 1)
    .join("")
    .trimEnd()}…`;
}
