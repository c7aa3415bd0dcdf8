import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Request {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: IncomingMessage["headers"];
  body: unknown;
}

export type Handler = (request: Request, response: ServerResponse) => unknown;

export interface TestServer {
  /** Every request that arrived whole. */
  requests: Request[];
  /** Connections that were opened. */
  connections: () => number;
  kubeconfig: string;
  handle: (handler: Handler) => void;
  close: () => Promise<void>;
}

/** A server that answers as a test tells it to, where a real API server cannot be made to misbehave. */
export async function serve(handler: Handler): Promise<TestServer> {
  let current = handler;
  let connections = 0;
  const requests: Request[] = [];
  const server = createServer((message, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      try {
        for await (const chunk of message) chunks.push(chunk as Buffer);
      } catch {
        return;
      }
      const url = new URL(message.url ?? "/", "http://server");
      const text = Buffer.concat(chunks).toString();
      const request = {
        method: message.method ?? "",
        path: url.pathname,
        query: url.searchParams,
        headers: message.headers,
        body: text === "" ? undefined : (JSON.parse(text) as unknown),
      };
      requests.push(request);
      await current(request, response);
    })();
  });
  server.on("connection", () => (connections += 1));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const folder = await mkdtemp(join(tmpdir(), "kubernetes-test-"));
  const kubeconfig = join(folder, "kubeconfig");
  await writeFile(kubeconfig, kubeconfigFor(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, "first"));
  return {
    requests,
    connections: () => connections,
    kubeconfig,
    handle(next) {
      current = next;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true });
    },
  };
}

export function kubeconfigFor(server: string, token: string): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "test",
    contexts: [{ name: "test", context: { cluster: "test", user: "test" } }],
    clusters: [{ name: "test", cluster: { server, "insecure-skip-tls-verify": true } }],
    users: [{ name: "test", user: { token } }],
  });
}

export function answer(response: ServerResponse, status: number, body: unknown, headers: object = {}): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(typeof body === "string" ? body : JSON.stringify(body));
}

export function refuse(response: ServerResponse, status: number, reason: string, headers: object = {}): void {
  answer(response, status, { kind: "Status", status: "Failure", code: status, reason, message: `${reason}!` }, headers);
}
