import type { Logger } from "../../../../src/lib/log.ts";

export interface Line {
  level: keyof Logger;
  message: string;
  fields: object;
}

/** A logger that remembers. */
export function recordingLogger(): Logger & { lines: Line[] } {
  const lines: Line[] = [];
  const at = (level: keyof Logger) => (fields: object, message: string) => {
    lines.push({ level, message, fields });
  };
  return { lines, debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}
