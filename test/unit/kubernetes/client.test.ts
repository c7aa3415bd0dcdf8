import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { writeFile } from "node:fs/promises";
import { KubernetesClient, type CallReport, type ClientOptions } from "../../../src/kubernetes/client.ts";
import * as errors from "../../../src/kubernetes/errors.ts";
import { coreTypes } from "../../../src/kubernetes/objects.ts";
import { silentLogger } from "../../../src/lib/log.ts";
import { answer, kubeconfigFor, refuse, serve, type TestServer } from "./support/server.ts";

const name = { namespace: "n", name: "x" };
const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { ...name, uid: "u", resourceVersion: "1" } };
let server: TestServer;
let reports: CallReport[];
let opened: KubernetesClient[];

function connect(options: Partial<ClientOptions> = {}): KubernetesClient {
  const onCall = (report: CallReport) => reports.push(report);
  const client = KubernetesClient.connect({ kubeconfig: server.kubeconfig, logger: silentLogger, onCall, ...options });
  opened.push(client);
  return client;
}

beforeEach(async () => {
  reports = [];
  opened = [];
  server = await serve((_, response) => {
    answer(response, 200, object);
  });
});

afterEach(async () => {
  await Promise.all(opened.map((client) => client.close()));
  await server.close();
});

describe("calls", () => {
  test("reuse connections", async () => {
    const client = connect();
    for (let i = 0; i < 20; i++) await client.get(coreTypes.configMap, name);
    expect(server.connections()).toBeLessThanOrEqual(2);
  });

  test("carry path, query, media type and name of the caller", async () => {
    const client = connect({ userAgent: "tester/1" });
    await client.list(coreTypes.lease, {
      namespace: "n",
      limit: 5,
      continue: "c",
      labelSelector: "a=b",
      metadataOnly: true,
    });
    await client.mergePatch(coreTypes.configMap, name, { data: { a: null } });
    await client.patchStatus(coreTypes.lease, name, { status: { a: 1 } });
    await client.delete(coreTypes.namespace, { name: "n" }, { preconditions: { uid: "u" } });
    const [list, patch, status, deletion] = server.requests;
    expect(list?.path).toBe("/apis/coordination.k8s.io/v1/namespaces/n/leases");
    expect(list?.query.toString()).toBe("labelSelector=a%3Db&limit=5&continue=c");
    expect(list?.headers.accept).toContain("as=PartialObjectMetadataList");
    expect(list?.headers["user-agent"]).toBe("tester/1");
    expect(list?.headers.authorization).toBe("Bearer first");
    expect(patch).toMatchObject({
      method: "PATCH",
      path: "/api/v1/namespaces/n/configmaps/x",
      body: { data: { a: null } },
    });
    expect(patch?.headers["content-type"]).toBe("application/merge-patch+json");
    expect(status?.path).toBe("/apis/coordination.k8s.io/v1/namespaces/n/leases/x/status");
    expect(deletion).toMatchObject({ path: "/api/v1/namespaces/n", body: { preconditions: { uid: "u" } } });
  });

  test("are reported with verb, resource and code", async () => {
    const client = connect();
    await client.get(coreTypes.configMap, name);
    server.handle((_, response) => {
      refuse(response, 409, "Conflict");
    });
    await client.patchStatus(coreTypes.configMap, name, { status: {} }).catch(() => undefined);
    expect(reports).toMatchObject([
      { verb: "get", resource: "configmaps", code: 200 },
      { verb: "patch", resource: "configmaps/status", code: 409 },
    ]);
  });

  test.each(["..", ".", ""])("refuse %j as a name: it would lead elsewhere", (bad) => {
    expect(() => connect().get(coreTypes.configMap, { namespace: "n", name: bad })).toThrow("cannot be part");
  });

  test("encode what is not a name", async () => {
    await connect().get(coreTypes.configMap, { namespace: "n", name: "a/../../b?c" });
    expect(server.requests[0]?.path).toBe("/api/v1/namespaces/n/configmaps/a%2F..%2F..%2Fb%3Fc");
  });
});

describe("failures", () => {
  test.each([
    [403, "Forbidden", errors.isForbidden],
    [404, "NotFound", errors.isNotFound],
    [409, "Conflict", errors.isConflict],
    [409, "AlreadyExists", errors.isAlreadyExists],
    [410, "Expired", errors.isGone],
    [422, "Invalid", errors.isInvalid],
  ] as const)("%d %s is known by its predicate and says why", async (status, reason, is) => {
    server.handle((_, response) => {
      refuse(response, status, reason);
    });
    const error = await connect()
      .get(coreTypes.configMap, name)
      .catch((thrown: unknown) => thrown);
    expect(is(error)).toBe(true);
    expect(error).toMatchObject({
      status,
      reason,
      message: `GET /api/v1/namespaces/n/configmaps/x: ${reason}: ${reason}!`,
    });
  });

  test("a Retry-After is passed on in milliseconds", async () => {
    server.handle((_, response) => {
      refuse(response, 429, "TooManyRequests", { "retry-after": "7" });
    });
    const error = await connect()
      .get(coreTypes.configMap, name)
      .catch((thrown: unknown) => thrown);
    expect(errors.isTooManyRequests(error)).toBe(true);
    expect(errors.retryAfterOf(error)).toBe(7000);
  });

  test("HTML from a proxy is an error that quotes it", async () => {
    server.handle((_, response) => {
      answer(response, 502, "<html>bad gateway</html>");
    });
    await expect(connect().get(coreTypes.configMap, name)).rejects.toThrow("<html>bad gateway</html>");
  });

  test("an error on a Secret's data quotes nothing: a proxy may have written the data into it", async () => {
    for (const body of ["<html>hidden</html>", { message: "hidden", reason: "hidden" }]) {
      server.handle((_, response) => {
        answer(response, 403, body);
      });
      const error: unknown = await connect()
        .get(coreTypes.secret, name)
        .catch((thrown: unknown) => thrown);
      expect(errors.isForbidden(error)).toBe(true);
      expect(error).toHaveProperty("message", "GET /api/v1/namespaces/n/secrets/x: HTTP 403");
      const about = connect().get(coreTypes.secret, name, { metadataOnly: true });
      await expect(about).rejects.toThrow("hidden");
    }
  });

  test("HTML with status 200 and a cut body are no answers", async () => {
    server.handle((_, response) => {
      answer(response, 200, "<html>");
    });
    await expect(connect().get(coreTypes.configMap, name)).rejects.toBeInstanceOf(errors.UnreachableError);
    server.handle((_, response) => {
      response.writeHead(200, { "content-length": "100" });
      response.write("{");
      setImmediate(() => response.destroy());
    });
    await expect(connect().get(coreTypes.configMap, name)).rejects.toBeInstanceOf(errors.UnreachableError);
  });

  test("a redirect is not followed, and credentials go nowhere else", async () => {
    const other = await serve((_, response) => {
      answer(response, 200, object);
    });
    server.handle((_, response) => {
      answer(response, 307, "", { location: "http://127.0.0.1:1/elsewhere" });
    });
    await expect(connect().get(coreTypes.configMap, name)).rejects.toMatchObject({ status: 307 });
    expect(other.requests).toEqual([]);
    await other.close();
  });

  test("no answer ends at the deadline, and a half answer too", async () => {
    server.handle(() => undefined);
    const client = connect({ deadlineMs: 50 });
    await expect(client.get(coreTypes.configMap, name)).rejects.toBeInstanceOf(errors.DeadlineError);
    server.handle((_, response) => {
      response.writeHead(200);
      response.write("{");
    });
    await expect(client.get(coreTypes.configMap, name)).rejects.toBeInstanceOf(errors.DeadlineError);
    expect(reports.map(({ code }) => code)).toEqual(["deadline", "deadline"]);
  });

  test("an aborted call rejects with the reason of its signal", async () => {
    server.handle(() => undefined);
    const aborter = new AbortController();
    const call = connect().get(coreTypes.configMap, name, { signal: aborter.signal });
    aborter.abort(new Error("never mind"));
    await expect(call).rejects.toThrow("never mind");
    expect(reports).toMatchObject([{ code: "aborted" }]);
  });

  test("a server that is not there is unreachable", async () => {
    const gone = await serve(() => undefined);
    const client = connect({ kubeconfig: gone.kubeconfig });
    await writeFile(server.kubeconfig, kubeconfigFor("http://127.0.0.1:1", "x"));
    await expect(connect().get(coreTypes.configMap, name)).rejects.toBeInstanceOf(errors.UnreachableError);
    await client.close();
    await gone.close();
  });
});

describe("credentials", () => {
  test("are read anew after a 401, and the call is made again", async () => {
    server.handle((request, response) => {
      if (request.headers.authorization === "Bearer second") answer(response, 200, object);
      else refuse(response, 401, "Unauthorized");
    });
    const client = connect();
    await expect(client.get(coreTypes.configMap, name)).rejects.toMatchObject({ status: 401 });
    await writeFile(server.kubeconfig, kubeconfigFor(client.kubeConfig.getCurrentCluster()?.server ?? "", "second"));
    await expect(client.get(coreTypes.configMap, name)).resolves.toMatchObject({ metadata: { uid: "u" } });
  });

  test("a context that does not exist is told", () => {
    expect(() => connect({ context: "nowhere" })).toThrow('no cluster for the context "nowhere"');
  });
});

describe("fence", () => {
  test("lets reads pass and keeps every kind of write from being sent", async () => {
    const refusal = new Error("not the leader");
    const client = connect().withFence(() => {
      throw refusal;
    });
    await client.get(coreTypes.configMap, name);
    const { requests } = server;
    const sent = requests.length;
    const writes = [
      client.create(coreTypes.configMap, object),
      client.replace(coreTypes.configMap, object),
      client.mergePatch(coreTypes.configMap, name, {}),
      client.patchStatus(coreTypes.configMap, name, { status: {} }),
      client.delete(coreTypes.configMap, name),
    ];
    for (const write of writes) await expect(write).rejects.toBe(refusal);
    expect(requests).toHaveLength(sent);
    expect(reports.slice(1).every(({ code }) => code === "fenced")).toBe(true);
  });

  test("is asked when the connection is open, not when the call is made", async () => {
    let leader = true;
    const client = connect().withFence(() => {
      if (!leader) throw new Error("not the leader");
    });
    const write = client.create(coreTypes.configMap, object);
    leader = false;
    await expect(write).rejects.toThrow("not the leader");
    expect(server.requests).toEqual([]);
  });

  test("lets the writes of a leader pass whole", async () => {
    const client = connect().withFence(() => undefined);
    const data = { text: "ü".repeat(300_000) };
    await client.create(coreTypes.configMap, { ...object, data });
    expect(server.requests[0]?.body).toMatchObject({ data });
  });

  test("leaves no end of a request to be sent later: its length is known to the server from the start", async () => {
    const client = connect().withFence(() => undefined);
    await client.create(coreTypes.configMap, object);
    expect(server.requests[0]?.headers["transfer-encoding"]).toBeUndefined();
    expect(Number(server.requests[0]?.headers["content-length"])).toBeGreaterThan(0);
  });
});

describe("watch", () => {
  const options = { resourceVersion: "1", timeoutSeconds: 60, quietMs: 5_000 };
  const line = (type: string, uid = "u") => `${JSON.stringify({ type, object: { metadata: { uid } } })}\n`;

  async function collect(client = connect(), quietMs = 5_000): Promise<{ types: string[]; error?: unknown }> {
    const types: string[] = [];
    try {
      for await (const event of await client.watch(coreTypes.configMap, { ...options, quietMs }))
        types.push(event.type);
    } catch (error) {
      return { types, error };
    }
    return { types };
  }

  test("asks for bookmarks and a bounded time, from where it left off", async () => {
    server.handle((_, response) => response.end());
    await collect();
    const { query } = server.requests[0] ?? { query: new URLSearchParams() };
    expect(Object.fromEntries(query)).toEqual({
      watch: "true",
      allowWatchBookmarks: "true",
      resourceVersion: "1",
      timeoutSeconds: "60",
    });
  });

  test("delivers lines however they are cut into pieces, and ends with the stream", async () => {
    server.handle(async (_, response) => {
      const bytes = Buffer.from(line("ADDED", "grüß 🙂") + line("MODIFIED") + "\n" + line("BOOKMARK"));
      for (let at = 0; at < bytes.length; at += 7) {
        response.write(bytes.subarray(at, at + 7));
        await new Promise((resolve) => setImmediate(resolve));
      }
      response.end();
    });
    expect(await collect()).toEqual({ types: ["ADDED", "MODIFIED", "BOOKMARK"] });
  });

  test.each([
    ["garbage", "garbage\n", "not JSON"],
    ["JSON that is no event", '{"kind":"Status"}\n', "not an event"],
    ["half a line", line("ADDED").slice(0, 20), "middle of a line"],
  ])("throws on %s", async (_, text, message) => {
    server.handle((_request, response) => response.end(line("ADDED") + text));
    const { types, error } = await collect();
    expect(types).toEqual(["ADDED"]);
    expect(error).toBeInstanceOf(errors.UnreachableError);
    expect(error).toMatchObject({ message: expect.stringContaining(message) as unknown });
  });

  test("tells silence from a cut", async () => {
    server.handle((_, response) => {
      response.writeHead(200);
      response.write(line("ADDED"));
    });
    expect((await collect(connect(), 100)).error).toBeInstanceOf(errors.QuietError);
    server.handle((_, response) => {
      response.writeHead(200);
      response.write(line("ADDED"), () => response.destroy());
    });
    expect((await collect()).error).toMatchObject({ name: "UnreachableError" });
  });

  test("is refused like any other call", async () => {
    server.handle((_, response) => {
      refuse(response, 410, "Expired");
    });
    expect(errors.isGone((await collect()).error)).toBe(true);
  });

  test("ends when its signal is aborted, and when its reader leaves", async () => {
    let closed = 0;
    server.handle((_, response) => {
      response.on("close", () => (closed += 1));
      response.writeHead(200);
      response.write(line("ADDED"));
    });
    const client = connect();
    const aborter = new AbortController();
    const read = async () => {
      const events = await client.watch(coreTypes.configMap, { ...options, signal: aborter.signal });
      for await (const event of events) if (event.type === "ADDED") aborter.abort();
    };
    await expect(read()).rejects.toBeInstanceOf(Error);
    for await (const event of await client.watch(coreTypes.configMap, options)) if (event.type === "ADDED") break;
    while (closed < 2) await new Promise((resolve) => setImmediate(resolve));
  });
});
