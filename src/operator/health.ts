import { once } from "node:events";
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Registry } from "prom-client";

export interface HealthOptions {
  host: string;
  port: number;
  registry: Registry;
  /** Why the process is of no more use and should be restarted; undefined when it is fine. */
  unhealthy: () => string | undefined;
  /** Why the process does not do its work yet; undefined when it does. */
  unready: () => string | undefined;
}

/** Serves /healthz, /readyz and /metrics until closed. Resolves once it listens; rejects when the port is taken. */
export async function serveHealth(options: HealthOptions): Promise<{ port: number; close: () => Promise<void> }> {
  const server = createServer((request, response) => {
    const respond = (status: number, body: string, type = "text/plain; charset=utf-8"): void => {
      response.writeHead(status, { "Content-Type": type }).end(body);
    };
    const check = (problem: string | undefined): void => {
      respond(problem === undefined ? 200 : 503, `${problem ?? "ok"}\n`);
    };
    switch (request.url ?? "") {
      case "/healthz":
        check(options.unhealthy());
        return;
      case "/readyz":
        check(options.unready());
        return;
      case "/metrics":
        options.registry.metrics().then(
          (text) => {
            respond(200, text, options.registry.contentType);
          },
          () => {
            respond(500, "metrics could not be collected\n");
          },
        );
        return;
      default:
        respond(404, "try /healthz, /readyz or /metrics\n");
    }
  });
  server.listen(options.port, options.host);
  await once(server, "listening");
  return { port: (server.address() as AddressInfo).port, close: () => close(server) };
}

async function close(server: Server): Promise<void> {
  const closed = once(server, "close");
  server.close();
  server.closeAllConnections();
  await closed;
}
