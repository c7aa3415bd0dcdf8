import { once } from "node:events";
import { createServer } from "node:http";
import { request } from "node:https";
import type { AddressInfo } from "node:net";
import type { ApiServer } from "../process/access.ts";

/** A request to the API server, and what the server answered so far. */
export interface Heard {
  path: string;
  accept: string;
  answer: string;
}

/** Stands before an API server, passes everything on and keeps what was said. Listens on plain HTTP on the loopback address. */
export async function wiretap(target: ApiServer): Promise<{ url: string; heard: Heard[]; close: () => Promise<void> }> {
  const heard: Heard[] = [];
  const server = createServer((incoming, outgoing) => {
    const { method = "GET", url: path = "/", headers } = incoming;
    const line: Heard = { path, accept: headers.accept ?? "", answer: "" };
    heard.push(line);
    const options = { method, headers: { ...headers, host: new URL(target.url).host }, ca: target.ca };
    const forwarded = request(target.url + path, options, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      outgoing.flushHeaders();
      answer.on("data", (chunk: Buffer) => (line.answer += chunk.toString()));
      answer.pipe(outgoing);
    });
    forwarded.on("error", () => outgoing.destroy());
    outgoing.on("close", () => forwarded.destroy());
    incoming.pipe(forwarded);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    heard,
    close: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
