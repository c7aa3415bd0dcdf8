/** Whether a text matches one of these globs as a whole. They know `*` (any characters) and `?` (one). */
export function globs(patterns: readonly string[]): (text: string) => boolean {
  const expressions = patterns.map(toExpression);
  return (text) => expressions.some((expression) => expression.test(text));
}

function toExpression(glob: string): RegExp {
  const escaped = glob.replace(/[.+^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`^${escaped.replaceAll("*", ".*").replaceAll("?", ".")}$`);
}
