import { once } from "node:events";
import { createServer, request as requestHttp } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { request as requestHttps } from "node:https";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";

/** One request and what became of it. */
export interface Exchange {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly authorization: string | undefined;
  readonly body: string;
  /** `performance.now()` at its arrival. */
  readonly at: number;
  /** What the server answered; undefined while, or because, it was not asked. */
  status?: number;
}

/** What happens to a request instead of what the server would do: this answer, a cut connection, or silence. */
export type Fault = { status: number; body?: string; headers?: Record<string, string> } | "cut" | "hang";

type Decide = (exchange: Exchange) => Fault | undefined | Promise<Fault | undefined>;

export interface Faults {
  /** Asked before a request is forwarded; while it thinks, the request waits. */
  before?: Decide;
  /** Asked once the server has answered, before the answer is passed on. */
  after?: Decide;
}

/**
 * Stands between the operator and a server, passes everything on, logs it, and does harm where it is told to.
 *
 * Listens on plain HTTP on the loopback address; speaks TLS to a server that wants it. A server that is out of reach looks like one to
 * the caller: the connection is cut. A change that was forwarded is carried out even if its caller dies meanwhile.
 */
export class FaultProxy {
  readonly url: string;
  /** Everything that arrived, in order. */
  readonly log: Exchange[] = [];
  faults: Faults = {};
  readonly #server: Server;
  readonly #target: { url: string; ca?: string | undefined };

  private constructor(server: Server, target: { url: string; ca?: string | undefined }) {
    this.#server = server;
    this.#target = target;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on("request", (incoming: IncomingMessage, outgoing: ServerResponse) => {
      void this.#serve(incoming, outgoing).catch(() => {
        outgoing.destroy();
      });
    });
  }

  /** @param target where to forward to, with the PEM of the authority that signed its certificate */
  static async before(target: { url: string; ca?: string | undefined }): Promise<FaultProxy> {
    const server = createServer({ keepAliveTimeout: 0 });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new FaultProxy(server, target);
  }

  /** Passes everything on from now on. */
  heal(): void {
    this.faults = {};
  }

  /** Treats everything like this from now on, until {@link heal}. */
  break(fault: Fault): void {
    this.faults = { before: () => fault };
  }

  /**
   * Stops every request that matches, before it is forwarded or before its answer is passed on, until all are released.
   *
   * @returns what tells of the first one stopped, and what releases them
   */
  hold(
    point: keyof Faults,
    matches: (exchange: Exchange) => boolean,
  ): { reached: Promise<Exchange>; release: () => void } {
    const reached = Promise.withResolvers<Exchange>();
    const released = Promise.withResolvers<undefined>();
    const faults: Faults = {
      [point]: (exchange: Exchange) => {
        if (!matches(exchange)) return undefined;
        reached.resolve(exchange);
        return released.promise;
      },
    };
    this.faults = faults;
    const release = () => {
      if (this.faults === faults) this.heal();
      released.resolve(undefined);
    };
    return { reached: reached.promise, release };
  }

  async close(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const body = await buffer(incoming);
    const { method = "GET", url = "/", headers } = incoming;
    const { authorization } = headers;
    const exchange: Exchange = { method, path: url, authorization, body: body.toString(), at: performance.now() };
    this.log.push(exchange);
    if (inflict(await this.faults.before?.(exchange), outgoing)) return;
    const answer = await this.#forward(exchange, headers, body, outgoing);
    exchange.status = answer.statusCode ?? 0;
    if (inflict(await this.faults.after?.(exchange), outgoing)) {
      answer.resume();
      return;
    }
    outgoing.writeHead(exchange.status, without(answer.headers, "connection", "keep-alive"));
    outgoing.flushHeaders();
    await pipeline(answer, outgoing);
  }

  async #forward(
    { method, path }: Exchange,
    headers: IncomingMessage["headers"],
    body: Buffer,
    outgoing: ServerResponse,
  ): Promise<IncomingMessage> {
    const { url, ca } = this.#target;
    const passed = without(headers, "connection", "host", "transfer-encoding", "content-length");
    const length = method === "GET" ? {} : { "content-length": body.length };
    const options = { method, headers: { ...passed, ...length }, agent: false, ...(ca === undefined ? {} : { ca }) };
    const request = (url.startsWith("https:") ? requestHttps : requestHttp)(url.replace(/\/$/, "") + path, options);
    if (method === "GET") outgoing.once("close", () => request.destroy());
    request.end(body);
    const [answer] = (await once(request, "response")) as [IncomingMessage];
    return answer;
  }
}

function inflict(fault: Fault | undefined, outgoing: ServerResponse): boolean {
  if (fault === undefined) return false;
  if (fault === "cut") outgoing.destroy();
  else if (fault !== "hang") outgoing.writeHead(fault.status, fault.headers).end(fault.body);
  return true;
}

function without(headers: IncomingMessage["headers"], ...names: string[]): IncomingMessage["headers"] {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !names.includes(name)));
}

/** Whether a request to Kestra asks for a change. */
export function changesKestra({ method, path }: Exchange): boolean {
  return method !== "GET" && !path.endsWith("/flows/validate");
}

/** Whether a request to the API server asks for a change; Events and leases apart. */
export function changesKubernetes({ method, path }: Exchange): boolean {
  return method !== "GET" && !/\/(events|leases)(\/|$)/.test(path);
}
