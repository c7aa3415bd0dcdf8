/** What every part of the program logs through: the shape of a pino logger, so that one can be passed as it is. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

function discard(): void {
  // A silent logger has nothing to do.
}

export const silentLogger: Logger = { debug: discard, info: discard, warn: discard, error: discard };
