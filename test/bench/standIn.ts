// A stand-in for Kestra's operations on flows and entries, for figures that the engine's own time would hide: how many calls are made, and
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

/** An entry as it is listed, and its value as JSON text. */
interface Entry {
  row: { namespace: string; key: string; version: number; creationDate: string; updateDate: string };
  json: string;
}

const flows = new Map<string, Flow>();
const entries = new Map<string, Entry>();
const latencyMs = Number(process.argv[2] ?? "0");

const server = createServer((request, response) => {
  void handle(request, response);
});
server.listen(0, "127.0.0.1", () => {
  console.log(JSON.stringify({ port: (server.address() as AddressInfo).port }));
});
// Its input ends with whoever started it.
process.stdin.resume().once("end", () => process.exit(0));

async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await textOf(request);
  if (latencyMs > 0) await new Promise((resolve) => setTimeout(resolve, latencyMs));
  const [status, answer] = answerTo(request.method ?? "", new URL(request.url ?? "", "http://stand-in"), body);
  response.writeHead(status, { "Content-Type": "application/json" });
  response.end(answer === undefined ? "" : JSON.stringify(answer));
}

function answerTo(method: string, url: URL, body: string): [status: number, answer?: unknown] {
  if (url.pathname === "/api/v1/configs") return [200, { uuid: "stand-in", version: "1.1.15", edition: "OSS" }];
  const entryOf = /^\/api\/v1\/main\/namespaces\/([^/]+)\/kv\/([^/]+)$/.exec(url.pathname);
  if (entryOf) return answerOnEntry(method, entryOf[1] ?? "", entryOf[2] ?? "", body);
  if (url.pathname === "/api/v1/main/kv") return [200, listEntries(url.searchParams)];
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

function answerOnEntry(
  method: string,
  namespace: string,
  key: string,
  body: string,
): [status: number, answer?: unknown] {
  const path = `${namespace}/${key}`;
  const entry = entries.get(path);
  if (method === "PUT") {
    const now = new Date().toISOString();
    const { version = 0, creationDate = now } = entry?.row ?? {};
    entries.set(path, { row: { namespace, key, version: version + 1, creationDate, updateDate: now }, json: body });
    return [200];
  }
  if (method === "DELETE") return [200, entries.delete(path)];
  if (entry === undefined) return [404, { message: "Not Found" }];
  return [200, { type: "STRING", value: JSON.parse(entry.json) as unknown }];
}

function listEntries(query: URLSearchParams): unknown {
  const namespace = query.get("filters[namespace][EQUALS]");
  const key = query.get("filters[q][EQUALS]");
  const found = key === null ? [...entries.values()] : [entries.get(`${namespace}/${key}`)];
  const rows = found.flatMap((entry) => (entry?.row.namespace === namespace ? [entry?.row] : []));
  const size = Number(query.get("size"));
  const start = (Number(query.get("page")) - 1) * size;
  return { results: rows.slice(start, start + size), total: rows.length };
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
