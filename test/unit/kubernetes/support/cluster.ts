import type { ServerResponse } from "node:http";
import { answer, refuse, serve, type Handler, type Request, type TestServer } from "./server.ts";

export interface Item {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace: string; uid: string; resourceVersion: string; [field: string]: unknown };
  [field: string]: unknown;
}

export interface Cluster extends TestServer {
  /** Requests of one kind so far. */
  lists: () => Request[];
  watches: () => Request[];
  gets: () => Request[];
  /** Watches that are open. */
  open: Set<ServerResponse>;
  /** Makes the object what it says, in its next version, and tells the watches. */
  put: (name: string, fields?: object, uid?: string) => Item;
  remove: (name: string) => void;
  /** Changes the world, and tells nobody. */
  silently: <R>(change: () => R) => R;
  send: (line: string) => void;
  sendEvent: (type: string, object: unknown) => void;
  bookmark: () => void;
  /** Answers the next lists, watches or reads of one object in place of the cluster. */
  onList: (handler: Handler | undefined) => void;
  onWatch: (handler: Handler | undefined) => void;
  onGet: (handler: Handler | undefined) => void;
}

/**
 * Lists and watches of one type, of all objects or of one name, as an API server serves them, from which a test can have any
 * misbehaviour. It keeps no history: a watch tells what happens after it was opened.
 */
export async function serveCluster(): Promise<Cluster> {
  const items = new Map<string, Item>();
  const open = new Set<ServerResponse>();
  /** The one name that a watch asked for. */
  const selected = new WeakMap<ServerResponse, string>();
  let version = 100;
  let silent = false;
  let listHandler: Handler | undefined;
  let watchHandler: Handler | undefined;
  let getHandler: Handler | undefined;

  const server = await serve((request, response) => {
    const watch = request.query.get("watch") === "true";
    const name = request.method === "GET" ? /\/things\/(.+)$/.exec(request.path)?.[1] : undefined;
    const handler = watch ? watchHandler : name === undefined ? listHandler : getHandler;
    if (request.path === "/apis/test/v1") {
      answer(response, 200, { kind: "APIResourceList", resources: [{ name: "things", kind: "Thing" }] });
    } else if (handler !== undefined) handler(request, response);
    else if (name !== undefined) get(name, response);
    else if (watch) {
      open.add(response);
      const wanted = nameIn(request);
      if (wanted !== undefined) selected.set(response, wanted);
      response.on("close", () => open.delete(response));
      response.writeHead(200);
      response.flushHeaders();
    } else {
      list(request, response);
    }
  });

  function get(name: string, response: ServerResponse): void {
    const item = items.get(name);
    if (item === undefined) refuse(response, 404, "NotFound");
    else answer(response, 200, item);
  }

  function list(request: Request, response: ServerResponse): void {
    const wanted = nameIn(request);
    const all = [...items.values()].filter(({ metadata: { name } }) => wanted === undefined || wanted === name);
    const from = Number(request.query.get("continue") ?? 0);
    const limit = Number(request.query.get("limit") ?? all.length);
    const next = from + limit < all.length ? { continue: String(from + limit) } : {};
    const metadata = { resourceVersion: String(version), ...next };
    // As for the types that Kubernetes brings along: what each item is stands in the watch only.
    const page = all.slice(from, from + limit).map((item) => ({ ...item, apiVersion: undefined, kind: undefined }));
    answer(response, 200, { kind: "ThingList", apiVersion: "test/v1", metadata, items: page });
  }

  function tell(type: string, item: Item): void {
    sendEvent(type, item, (response) => (selected.get(response) ?? item.metadata.name) === item.metadata.name);
  }

  function sendEvent(type: string, object: unknown, to?: (response: ServerResponse) => boolean): void {
    send(`${JSON.stringify({ type, object })}\n`, to);
  }

  function send(line: string, to: (response: ServerResponse) => boolean = () => true): void {
    if (!silent) for (const response of open) if (to(response)) response.write(line);
  }

  return {
    ...server,
    open,
    lists: () => server.requests.filter(({ query }) => query.has("limit")),
    watches: () => server.requests.filter(({ query }) => query.has("watch")),
    gets: () => server.requests.filter(({ method, path }) => method === "GET" && path.includes("/things/")),
    put(name, fields = {}, uid = `uid-${name}`) {
      const resourceVersion = String(++version);
      const known = items.get(name)?.metadata.uid === uid;
      const metadata = { name, namespace: "n", uid, resourceVersion, managedFields: [{ manager: "test" }] };
      const item = { apiVersion: "test/v1", kind: "Thing", metadata, ...fields };
      items.set(name, item);
      tell(known ? "MODIFIED" : "ADDED", item);
      return structuredClone(item);
    },
    remove(name) {
      const item = items.get(name);
      items.delete(name);
      version += 1;
      if (item === undefined) return;
      tell("DELETED", { ...item, metadata: { ...item.metadata, resourceVersion: String(version) } });
    },
    silently(change) {
      silent = true;
      const result = change();
      silent = false;
      return result;
    },
    send: (line) => {
      send(line);
    },
    sendEvent: (type, object) => {
      sendEvent(type, object);
    },
    bookmark() {
      sendEvent("BOOKMARK", { kind: "Thing", metadata: { resourceVersion: String(++version) } });
    },
    onList(handler) {
      listHandler = handler;
    },
    onWatch(handler) {
      watchHandler = handler;
    },
    onGet(handler) {
      getHandler = handler;
    },
  };
}

/** The value of the field selector `metadata.name`, with what was escaped in it. */
function nameIn({ query }: Request): string | undefined {
  return /^metadata\.name=(.*)$/.exec(query.get("fieldSelector") ?? "")?.[1];
}

export { answer, refuse };
