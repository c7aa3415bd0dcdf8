import { pino, stdSerializers } from "pino";
import type { Logger as PinoLogger } from "pino";
import type { Settings } from "./config.ts";

/** Paths that could hold a login, wherever somebody logs a request or an error with one. */
const SECRETS = [
  "password",
  "*.password",
  "auth",
  "*.auth",
  "headers.authorization",
  "*.headers.authorization",
  "config",
  "*.config",
];

/** Structured logs, one JSON object a line. */
export function createLogger({
  LOG_LEVEL,
  KESTRA_PASSWORD,
}: Pick<Settings, "LOG_LEVEL" | "KESTRA_PASSWORD">): PinoLogger {
  const hide = (text: string) => (KESTRA_PASSWORD ? text.replaceAll(KESTRA_PASSWORD, "[redacted]") : text);
  return pino({
    level: LOG_LEVEL,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (level) => ({ level }) },
    redact: { paths: SECRETS, censor: "[redacted]" },
    serializers: { err: serializeError },
    hooks: { streamWrite: hide },
  });
}

/** An error without what libraries hang on it: request configurations hold credentials. */
function serializeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { type, message, stack } = stdSerializers.err(error);
  return { type, message, stack };
}
