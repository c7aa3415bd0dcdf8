import { pino, stdSerializers } from "pino";
import type { DestinationStream, LoggerOptions, Logger as PinoLogger } from "pino";
import type { Credentials } from "../kestra/transport.ts";
import type { Settings } from "./config.ts";

const CENSOR = "[redacted]";

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

/**
 * Structured logs, one JSON object a line.
 *
 * @param credentials asked before every line: no password that they ever gave shows in one
 * @param destination default: stdout
 */
export function createLogger(
  level: Settings["LOG_LEVEL"],
  credentials: () => Credentials,
  destination?: DestinationStream,
): PinoLogger {
  const options: LoggerOptions = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: { paths: SECRETS, censor: CENSOR },
    serializers: { err: serializeError },
    hooks: { streamWrite: redactor(credentials) },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}

/** Takes every form of a password out of a line: bare, as JSON has it, and as the login of a request. */
function redactor(credentials: () => Credentials): (line: string) => string {
  const secrets = new Set<string>();
  return (line) => {
    const { username, password } = credentials();
    if (password !== "") {
      const login = Buffer.from(`${username}:${password}`).toString("base64");
      for (const form of [password, JSON.stringify(password).slice(1, -1), login]) secrets.add(form);
    }
    return [...secrets].reduce((text, secret) => text.replaceAll(secret, CENSOR), line);
  };
}

/** An error without what libraries hang on it: request configurations hold credentials. */
function serializeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { type, message, stack } = stdSerializers.err(error);
  return { type, message, stack };
}
