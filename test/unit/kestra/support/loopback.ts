import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Received {
  method: string;
  /** Path and query as they came, percent signs and all. */
  target: string;
  headers: IncomingHttpHeaders;
  body: string;
}

export interface Loopback {
  url: string;
  received: Received[];
  /** Connections that were opened. */
  connections: () => number;
  close: () => Promise<void>;
}

/** An HTTP server that answers as a test wants it to, where a Kestra cannot be made to misbehave. */
export async function serve(answer: (request: Received, response: ServerResponse) => void): Promise<Loopback> {
  const received: Received[] = [];
  let connections = 0;
  const server = createServer((message, response) => {
    let body = "";
    message.setEncoding("utf8");
    message.on("data", (chunk: string) => (body += chunk));
    message.on("end", () => {
      const request = { method: message.method ?? "", target: message.url ?? "", headers: message.headers, body };
      received.push(request);
      answer(request, response);
    });
  });
  server.on("connection", () => (connections += 1));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    connections: () => connections,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export function reply(response: ServerResponse, status: number, body: unknown = "", headers: object = {}): void {
  response.writeHead(status, { ...headers });
  response.end(typeof body === "string" ? body : JSON.stringify(body));
}

/** The body of Kestra's errors, as transcripts have it. */
export function kestraError(message: string, errors: { message: string; path: string }[] = []): object {
  return { message, logref: null, path: null, _links: {}, _embedded: errors.length === 0 ? {} : { errors } };
}
