/** What kept a call to Kestra from succeeding. Each class is one situation that callers treat differently. */
export abstract class KestraError extends Error {
  abstract readonly code: string;
  override get name(): string {
    return this.constructor.name;
  }
}

/** No usable answer: connection refused or cut, deadline passed, 429, or 502-504 from a proxy before the server. Try again later. */
export class KestraUnreachable extends KestraError {
  readonly code = "KestraUnreachable";
}

/** Kestra refused the login (401) or what the login may do (403). Only another credential helps. */
export class KestraUnauthorized extends KestraError {
  readonly code = "KestraUnauthorized";
}

/** An answer that is not Kestra's: HTML, wrong JSON, a redirect, a body beyond the cap. Something else listens at this address. */
export class KestraProtocolError extends KestraError {
  readonly code = "KestraProtocolError";
}

/** Kestra failed on this request (500): it may concern this one entity only. Worth a retry with back-off. */
export class KestraFailed extends KestraError {
  readonly code = "KestraFailed";
}

/** Kestra understood the request and refused it (4xx). The same request will be refused again. */
export class KestraRejected extends KestraError {
  readonly code = "KestraRejected";
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}
