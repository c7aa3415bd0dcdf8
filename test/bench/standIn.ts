// A counting stand-in for Kestra's flow operations, for figures that the engine's own time would hide: how many calls are made, and
// how convergence grows with latency. Never used by tests of behaviour. Run as: node standIn.ts [latency in ms]
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

interface Flow {
  id: string;
  namespace: string;
  revision: number;
  disabled: boolean;
  deleted: boolean;
  source: string;
}

const flows = new Map<string, Flow>();
const latencyMs = Number(process.argv[2] ?? "0");

const server = createServer((request, response) => {
  void handle(request, response);
});
server.listen(0, "127.0.0.1", () => {
  console.log(JSON.stringify({ port: (server.address() as AddressInfo).port }));
});

async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await textOf(request);
  if (latencyMs > 0) await new Promise((resolve) => setTimeout(resolve, latencyMs));
  const [status, answer] = answerTo(request.method ?? "", new URL(request.url ?? "", "http://stand-in"), body);
  response.writeHead(status, { "Content-Type": "application/json" });
  response.end(answer === undefined ? "" : JSON.stringify(answer));
}

function answerTo(method: string, url: URL, body: string): [status: number, answer?: unknown] {
  if (url.pathname === "/api/v1/configs") return [200, { uuid: "stand-in", version: "1.1.15", edition: "OSS" }];
  const [namespace, id] = url.pathname.replace(/^\/api\/v1\/main\/flows\/?/, "").split("/");
  if (namespace === "search") return [200, { results: [], total: 0 }];
  if (namespace === "validate") return [200, [{ ...identityOf(body), index: 0 }]];
  if (method === "POST") return create(body);
  if (id === undefined)
    return [200, [...flows.values()].filter((flow) => flow.namespace === namespace).map(withoutSource)];
  const flow = flows.get(`${namespace}/${id}`);
  if (flow === undefined) return [404, { message: "Not Found" }];
  if (method === "DELETE") return [flows.delete(`${namespace}/${id}`) ? 204 : 404];
  if (method === "PUT" && flow.source !== body) {
    flow.source = body;
    flow.revision += 1;
  }
  return [200, flow];
}

function create(source: string): [status: number, answer: unknown] {
  const { flow: id, namespace } = identityOf(source);
  const key = `${namespace}/${id}`;
  if (flows.has(key)) return [422, { message: "Invalid entity: flow.id: Flow id already exists" }];
  const flow = { id, namespace, revision: 1, disabled: false, deleted: false, source };
  flows.set(key, flow);
  return [200, flow];
}

function identityOf(source: string): { flow: string; namespace: string } {
  const read = (field: string) => new RegExp(`^${field}: (.*)$`, "m").exec(source)?.[1] ?? "";
  return { flow: read("id"), namespace: read("namespace") };
}

function withoutSource({ source, ...item }: Flow): Omit<Flow, "source"> {
  void source;
  return item;
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
