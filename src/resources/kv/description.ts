/** Why Kestra cannot keep a description, as a sentence that says what to do; undefined when it can. */
export function flawOfDescription(_text: string): string | undefined {
  return undefined;
}
