import { Agent as HttpAgent } from "node:http";
import type { ClientRequest } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import axios, { AxiosError } from "axios";
import type { AxiosInstance, AxiosResponse } from "axios";
import type { z } from "zod";
import { parseExactJson } from "../lib/exactJson.ts";
import { describeRejection, isErrorOfKestra } from "./rejection.ts";
import { KestraFailed, KestraProtocolError, KestraRejected, KestraUnauthorized, KestraUnreachable } from "./errors.ts";

export interface Credentials {
  username: string;
  password: string;
}

export interface TransportOptions {
  /** Where Kestra listens, with its base path if it has one. */
  url: string;
  /** Asked before every call, so that a changed file is followed. */
  credentials: () => Credentials;
  /** PEM of a private certificate authority. */
  ca?: string | undefined;
  /** Connections kept open at most. */
  connections?: number;
  /** Longest answer that is read. Default 64 MiB: a list of ten thousand parsed flows stays well below, an endless body does not. */
  maxBodyBytes?: number;
  /** Called right before every request that changes something; throws when this process may not write. */
  fence?: () => void;
  /** Told of every call, for metrics. `code` is the HTTP status, or the error's code where there was none. */
  onCall?: (call: KestraCall) => void;
}

export interface KestraCall {
  operation: string;
  code: string;
  seconds: number;
}

export interface Request {
  /** Name of the operation in metrics and errors. */
  operation: string;
  method: "GET" | "POST" | "PUT" | "DELETE";
  path: string;
  query?: Record<string, string | number | boolean>;
  headers?: Record<string, string>;
  /** The body, as YAML, as plain text or as JSON. */
  yaml?: string;
  text?: string;
  json?: unknown;
  /** Its body or its answer holds what may be secret: errors tell the operation and the status, and no word of Kestra's. */
  confidential?: boolean;
  /** It changes something in Kestra: the fence is asked first. */
  writes?: boolean;
  /** Milliseconds until the call is given up. */
  deadline?: number;
  signal?: AbortSignal | undefined;
  /** Statuses that are an answer rather than an error, besides 2xx, if it is Kestra that gives them. */
  accept?: readonly number[];
}

export interface Answer {
  status: number;
  body: string;
}

const DEADLINE_MS = 30_000;
const MAX_BODY_BYTES = 64 * 1024 * 1024;

/**
 * HTTP to one Kestra: basic authentication, reused connections, a deadline and a body cap for every call, typed errors.
 *
 * Guaranteed: no redirect is followed and no cookie kept, so credentials reach the configured address only; TLS is verified; no
 * error carries the credentials, nor, for a confidential request, anything of its body or of the answer.
 */
export class Transport {
  readonly #http: AxiosInstance;
  readonly #agents: readonly HttpAgent[];
  readonly #options: TransportOptions;

  constructor(options: TransportOptions) {
    this.#options = options;
    const pool = { keepAlive: true, maxSockets: options.connections ?? 32 };
    const httpAgent = new HttpAgent(pool);
    const httpsAgent = new HttpsAgent(options.ca === undefined ? pool : { ...pool, ca: options.ca });
    this.#agents = [httpAgent, httpsAgent];
    this.#http = axios.create({
      baseURL: options.url.replace(/\/+$/, ""),
      httpAgent,
      httpsAgent,
      proxy: false,
      maxRedirects: 0,
      maxContentLength: options.maxBodyBytes ?? MAX_BODY_BYTES,
      maxBodyLength: Infinity,
      responseType: "text",
      transformRequest: [(data: unknown) => data],
      transformResponse: [(data: unknown) => data],
      validateStatus: () => true,
    });
  }

  /**
   * Sends one request and returns the answer if its status is 2xx or accepted.
   *
   * @throws {KestraError} one of the classes of errors.ts
   */
  async send(request: Request): Promise<Answer> {
    checkHeaders(request);
    if (request.writes) this.#options.fence?.();
    const started = performance.now();
    const record = (code: string): void =>
      this.#options.onCall?.({ operation: request.operation, code, seconds: (performance.now() - started) / 1000 });
    let response: AxiosResponse<string>;
    try {
      response = await this.#request(request);
    } catch (error) {
      const translated = translateFailure(error, request);
      record(translated instanceof KestraUnreachable ? "unreachable" : "protocol");
      throw translated;
    }
    record(String(response.status));
    if (response.status >= 400 && !isErrorOfKestra(response.data)) this.#hangUp(response);
    return checkStatus(response, request);
  }

  /** Sends a request and parses its JSON answer. A body of another shape is a KestraProtocolError. */
  async json<T extends z.ZodType>(request: Request, schema: T): Promise<z.infer<T>> {
    return parseBody((await this.send(request)).body, schema, request);
  }

  /**
   * Has the next call make a new connection. One that was made while the address led elsewhere, as for a moment after the restart of a node,
   * would lead there for as long as it is used. One that another call has by now is left to that.
   */
  #hangUp({ request }: AxiosResponse<string>): void {
    const { socket } = request as ClientRequest;
    const idle = this.#agents.flatMap(({ freeSockets }) => Object.values(freeSockets).flat());
    if (socket && idle.includes(socket)) socket.destroy();
  }

  #request({ method, path, query, headers, deadline, signal, ...content }: Request): Promise<AxiosResponse<string>> {
    const { type, body } = bodyOf(content);
    const timeout = AbortSignal.timeout(deadline ?? DEADLINE_MS);
    const { username, password } = this.#options.credentials();
    return this.#http.request<string>({
      method,
      url: path,
      headers: {
        Accept: "application/json",
        ...headers,
        ...(type === undefined ? {} : { "Content-Type": type }),
      },
      auth: { username, password },
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
      ...(query ? { params: query } : {}),
      ...(body === undefined ? {} : { data: body }),
    });
  }
}

function bodyOf({ yaml, text, json }: Pick<Request, "yaml" | "text" | "json">): { type?: string; body?: string } {
  if (yaml !== undefined) return { type: "application/x-yaml", body: yaml };
  if (text !== undefined) return { type: "text/plain", body: text };
  return json === undefined ? {} : { type: "application/json", body: JSON.stringify(json) };
}

/** Axios would leave out what a header cannot carry, and send the rest. */
function checkHeaders({ operation, headers = {} }: Request): void {
  for (const [name, value] of Object.entries(headers))
    if (!/^(?:[!-~\x80-\xff](?:[ -~\x80-\xff]*[!-~\x80-\xff])?)?$/.test(value))
      throw new TypeError(`${operation}: the header ${name} cannot carry its value`);
}

/** Parses a JSON body by a schema; the error names what was wrong, not what was in it. */
export function parseBody<T extends z.ZodType>(body: string, schema: T, request: Request): z.infer<T> {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    throw notJson(request);
  }
  return checkShape(json, schema, request);
}

/** The same with every digit of the numbers in the answer: the schema meets them as {@link ExactNumber}. */
export function parseExactBody<T extends z.ZodType>(body: string, schema: T, request: Request): z.infer<T> {
  const json = parseExactJson(body);
  if (json === undefined) throw notJson(request);
  return checkShape(json, schema, request);
}

function notJson({ operation }: Request): KestraProtocolError {
  return new KestraProtocolError(`${operation}: the answer is not JSON; is KESTRA_URL the address of a Kestra?`);
}

function checkShape<T extends z.ZodType>(json: unknown, schema: T, { operation, confidential }: Request): z.infer<T> {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const where = confidential ? "" : ` (${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""})`;
  throw new KestraProtocolError(`${operation}: the answer has another shape than expected${where}`);
}

function checkStatus(response: AxiosResponse<string>, { operation, accept, confidential }: Request): Answer {
  const { status, data } = response;
  if (status >= 200 && status < 300) return { status, body: data };
  if (accept?.includes(status)) {
    // The 404 of a proxy in front of Kestra must not pass for a flow that is gone.
    if (isErrorOfKestra(data)) return { status, body: data };
    throw new KestraProtocolError(`${operation}: the answer ${status} is not Kestra's; is KESTRA_URL its address?`);
  }
  if (status === 401)
    throw new KestraUnauthorized("Kestra refused the login; check KESTRA_USERNAME and KESTRA_PASSWORD");
  if (status === 403) throw new KestraUnauthorized("Kestra's login may not do this (403)");
  if (status === 429 || (status >= 502 && status <= 504))
    throw new KestraUnreachable(`${operation}: Kestra answered ${status}`);
  const failed = `${operation}: Kestra failed (${status})`;
  if (status >= 500) throw new KestraFailed(confidential ? failed : `${failed}: ${describeRejection(data)}`);
  const refused = `${operation}: Kestra refused the request (${status})`;
  if (status >= 400) throw new KestraRejected(status, confidential ? refused : describeRejection(data));
  throw new KestraProtocolError(`${operation}: unexpected status ${status}; redirects are not followed`);
}

/** Axios errors hold the whole request, credentials included: only their code survives. */
function translateFailure(error: unknown, { operation, signal, deadline }: Request): unknown {
  if (signal?.aborted) return signal.reason;
  if (!(error instanceof AxiosError)) return error;
  // Axios has one code for a body that is too long and one that was cut.
  if (error.message.startsWith("maxContentLength"))
    return new KestraProtocolError(`${operation}: the answer is too long`);
  if (error.code === AxiosError.ERR_CANCELED) {
    return new KestraUnreachable(`${operation}: no answer within ${(deadline ?? DEADLINE_MS) / 1000} s`);
  }
  return new KestraUnreachable(`${operation}: ${error.code ?? "connection failed"}`);
}
