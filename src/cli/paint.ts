import { styleText } from "node:util";

type Style = Parameters<typeof styleText>[0];

/**
 * A text in colour where the stream is a terminal that shows colours. NO_COLOR switches them off and FORCE_COLOR on, as Node.js itself
 * has it.
 */
export function paint(style: Style, text: string, stream: NodeJS.WritableStream = process.stdout): string {
  return styleText(style, text, { stream });
}
