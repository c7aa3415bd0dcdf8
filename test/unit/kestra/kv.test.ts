import type { ServerResponse } from "node:http";
import { afterEach, describe, expect, test } from "@jest/globals";
import { messageOf } from "../../../src/lib/async.ts";
import { KestraFailed, KestraProtocolError, KestraRejected, KestraUnreachable } from "../../../src/kestra/errors.ts";
import { KestraClient } from "../../../src/kestra/client.ts";
import type { KvStore } from "../../../src/kestra/kv.ts";
import { kestraError, reply, serve } from "./support/loopback.ts";
import type { Loopback, Received } from "./support/loopback.ts";

const identity = { tenant: "main", namespace: "my.team", id: "GCP_PROJECT_ID" };
const CANARY = "canary-S3cret";
const DATES = { creationDate: "2026-11-22T19:11:02.303497Z", updateDate: "2026-11-22T19:11:02.303497Z" };
let server: Loopback;
let operations: string[] = [];

afterEach(async () => {
  await server.close();
});

async function kvOf(answer: (request: Received, response: ServerResponse) => void): Promise<KvStore> {
  server = await serve(answer);
  operations = [];
  return new KestraClient({
    url: server.url,
    tenant: "main",
    credentials: () => ({ username: "u", password: "p" }),
    onCall: ({ operation }) => operations.push(operation),
  }).kv;
}

function answering(status: number, body: unknown = ""): Promise<KvStore> {
  return kvOf((_request, response) => {
    reply(response, status, body);
  });
}

/** A Kestra that holds these keys in `my.team`, and whose search finds a key only where `searchable` lets it. */
function holding(keys: string[], searchable: (key: string, query: string) => boolean): Promise<KvStore> {
  return kvOf(({ target }, response) => {
    const query = new URL(target, server.url).searchParams;
    const [page, size] = [Number(query.get("page")), Number(query.get("size"))];
    const search = query.get("filters[q][EQUALS]");
    const found = keys.filter((key) => search === null || searchable(key, search));
    const results = found.slice((page - 1) * size, page * size).map((key) => row(key));
    reply(response, 200, { results, total: found.length });
  });
}

function row(key: string, more: object = {}): object {
  return { namespace: "my.team", key, version: 1, ...DATES, ...more };
}

async function failureOf(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => {
      throw new Error("it should have failed");
    },
    (error: unknown) => error as Error,
  );
}

describe("list", () => {
  test("reads all pages of one namespace in the order of keys", async () => {
    const keys = Array.from({ length: 2_500 }, (_, index) => `key${index}`);
    const kv = await holding(keys, () => false);
    expect((await kv.list("my.team")).map(({ key }) => key)).toEqual(keys);
    expect(server.received.map(({ target }) => decodeURIComponent(target))).toEqual(
      [1, 2, 3].map((page) => `/api/v1/main/kv?page=${page}&size=1000&sort=key:asc&filters[namespace][EQUALS]=my.team`),
    );
    expect(operations).toEqual(["listKv", "listKv", "listKv"]);
  });

  test("takes rows of 1.x and of 2.0", async () => {
    const kv = await answering(200, {
      results: [
        row("a", { description: "of a", expirationDate: "2026-11-22T19:11:04.608614Z" }),
        { namespace: "my.team", key: "b", revision: 7, description: null, ...DATES },
      ],
      total: 2,
    });
    await expect(kv.list("my.team")).resolves.toEqual([
      row("a", { description: "of a", expirationDate: "2026-11-22T19:11:04.608614Z" }),
      row("b", { version: 7 }),
    ]);
  });

  test("drops the rows of other namespaces, and has each key once", async () => {
    const results = [row("a"), row("a", { version: 2 }), row("x", { namespace: "my.team.sub" })];
    const kv = await answering(200, { results, total: 3 });
    await expect(kv.list("my.team")).resolves.toEqual([row("a", { version: 2 })]);
  });

  test("ends with an empty page, whatever the total says", async () => {
    const kv = await answering(200, { results: [], total: 9 });
    await expect(kv.list("my.team")).resolves.toEqual([]);
    expect(server.received).toHaveLength(1);
  });

  test("gives up a list that never ends, rather than take a part for the whole", async () => {
    const kv = await answering(200, { results: [row("a")], total: 1_000_000 });
    await expect(kv.list("my.team")).rejects.toThrow(/listKv: more than 200000 entries/);
  });

  test("refuses a row without a version", async () => {
    const kv = await answering(200, { results: [{ namespace: "my.team", key: "a", ...DATES }], total: 1 });
    await expect(kv.list("my.team")).rejects.toThrow(/another shape than expected \(results\.0\.version: missing\)/);
  });
});

describe("find", () => {
  test("is one call where the search shows the key", async () => {
    const kv = await holding(["GCP_PROJECT", "GCP_PROJECT_ID", "GCP_PROJECT_ID_2"], (key, query) =>
      key.includes(query),
    );
    await expect(kv.find(identity)).resolves.toEqual(row("GCP_PROJECT_ID"));
    expect(operations).toEqual(["findKv"]);
    expect(decodeURIComponent(server.received[0]?.target ?? "")).toContain("filters[q][EQUALS]=GCP_PROJECT_ID");
  });

  test("does not take another spelling for the key", async () => {
    const kv = await holding(["gcp_project_id"], (key, query) => key.toLowerCase() === query.toLowerCase());
    await expect(kv.find(identity)).resolves.toBeUndefined();
  });

  test("reads the list where the search does not show the key", async () => {
    const kv = await holding(["other", "GCP_PROJECT_ID"], () => false);
    await expect(kv.find(identity)).resolves.toEqual(row("GCP_PROJECT_ID"));
    expect(operations).toEqual(["findKv", "listKv"]);
  });

  test.each([400, 500])("reads the list where the search fails with %d", async (status) => {
    const kv = await kvOf(({ target }, response) => {
      if (decodeURIComponent(target).includes("filters[q]")) reply(response, status, kestraError("Bad Request: q"));
      else reply(response, 200, { results: [row("GCP_PROJECT_ID")], total: 1 });
    });
    await expect(kv.find(identity)).resolves.toEqual(row("GCP_PROJECT_ID"));
  });

  test("does not read the list when Kestra is out of reach", async () => {
    const kv = await answering(503);
    await expect(kv.find(identity)).rejects.toThrow(KestraUnreachable);
    expect(operations).toEqual(["findKv"]);
  });

  test("reads the list where the search finds too many", async () => {
    const keys = [...Array.from({ length: 500 }, (_, index) => `A_GCP_PROJECT_ID_${index}`), "GCP_PROJECT_ID"];
    const kv = await holding(keys, (key, query) => key.includes(query));
    await expect(kv.find(identity)).resolves.toEqual(row("GCP_PROJECT_ID"));
    expect(operations).toEqual(["findKv", "listKv"]);
  });
});

describe("get", () => {
  test.each([
    ['{"type":"NUMBER","value":12345678901234567890.10}', { type: "NUMBER", json: "12345678901234567890.10" }],
    [
      '{"type":"JSON","value":{"b":[1.0,1e400],"a":"ü🙂"},"revision":3}',
      { type: "JSON", json: '{"b":[1.0,1e400],"a":"ü🙂"}' },
    ],
    ['{"type":"STRING","value":"x"}', { type: "STRING", json: '"x"' }],
    ['{"type":"STRING"}', { type: "STRING", json: "null" }],
    ['{"type":"STRING","value":null}', { type: "STRING", json: "null" }],
    ['{"type":"BOOLEAN","value":false}', { type: "BOOLEAN", json: "false" }],
  ])("%s is %j", async (body, expected) => {
    const kv = await answering(200, body);
    await expect(kv.get(identity)).resolves.toEqual(expected);
    expect(server.received[0]).toMatchObject({
      method: "GET",
      target: "/api/v1/main/namespaces/my.team/kv/GCP_PROJECT_ID",
    });
    expect(operations).toEqual(["getKv"]);
  });

  test.each([
    [404, "missing"],
    [410, "expired"],
  ])("answers %d as %s", async (status, expected) => {
    const kv = await answering(status, kestraError("No value"));
    await expect(kv.get(identity)).resolves.toBe(expected);
  });

  test("takes the 404 of something in front of Kestra for an error, not for an entry that is gone", async () => {
    const kv = await answering(404, "default backend - 404");
    await expect(kv.get(identity)).rejects.toThrow(KestraProtocolError);
  });
});

describe("put", () => {
  test("sends the body byte for byte as plain text, with description and ttl in headers", async () => {
    const kv = await answering(200);
    const body = '"\\u0000 ü🙂 \u2028"';
    await kv.put(identity, { body, description: "für alle", ttl: "PT1H" });
    const [request] = server.received;
    expect(request).toMatchObject({ method: "PUT", target: "/api/v1/main/namespaces/my.team/kv/GCP_PROJECT_ID", body });
    expect(request?.headers).toMatchObject({ "content-type": "text/plain", description: "für alle", ttl: "PT1H" });
    expect(operations).toEqual(["putKv"]);
  });

  test("leaves out the headers that are not given, which clears what was there", async () => {
    const kv = await answering(200);
    await kv.put(identity, { body: "1" });
    expect(server.received[0]?.headers).not.toHaveProperty("description");
    expect(server.received[0]?.headers).not.toHaveProperty("ttl");
  });
});

describe("delete", () => {
  test.each([
    [200, "true"],
    [200, "false"],
    [404, kestraError("Not Found")],
  ])("succeeds with %d %j", async (status, body) => {
    const kv = await answering(status, body);
    await expect(kv.delete(identity)).resolves.toBeUndefined();
    expect(server.received[0]).toMatchObject({
      method: "DELETE",
      target: "/api/v1/main/namespaces/my.team/kv/GCP_PROJECT_ID",
    });
    expect(operations).toEqual(["deleteKv"]);
  });

  test.each([
    [200, "<html>Sign in</html>"],
    [404, "default backend - 404"],
  ])("does not take %d with %j for done", async (status, body) => {
    const kv = await answering(status, body);
    await expect(kv.delete(identity)).rejects.toThrow(KestraProtocolError);
  });
});

test("what a key or namespace holds stays within its segment", async () => {
  const kv = await answering(404, kestraError("Not Found"));
  await kv.get({ tenant: "main", namespace: "a/../b", id: "x?y#z%2f ü" });
  expect(server.received[0]?.target).toBe("/api/v1/main/namespaces/a%2F..%2Fb/kv/x%3Fy%23z%252f%20%C3%BC");
});

test("writes ask the fence first", async () => {
  server = await serve((_request, response) => {
    reply(response, 200, "true");
  });
  const { kv } = new KestraClient({
    url: server.url,
    tenant: "main",
    credentials: () => ({ username: "u", password: "p" }),
    fence: () => {
      throw new Error("not the leader");
    },
  });
  await expect(kv.put(identity, { body: "1" })).rejects.toThrow("not the leader");
  await expect(kv.delete(identity)).rejects.toThrow("not the leader");
  expect(server.received).toEqual([]);
});

describe("no error tells a value", () => {
  test.each([
    [
      422,
      kestraError(`Illegal argument: Invalid JSON value for: ${CANARY}`),
      KestraRejected,
      "putKv: Kestra refused the request (422)",
    ],
    [500, kestraError(`Internal server error: ${CANARY}`), KestraFailed, "putKv: Kestra failed (500)"],
    [415, CANARY, KestraRejected, "putKv: Kestra refused the request (415)"],
  ])("that Kestra quotes when it answers a put with %d", async (status, body, type, message) => {
    const kv = await answering(status, body);
    const error = await failureOf(kv.put(identity, { body: `"${CANARY}"` }));
    expect(error).toBeInstanceOf(type);
    expect(messageOf(error)).toBe(message);
    expectNoCanary(error);
  });

  test.each([
    ["half of an answer", 200, `{"type":"STRING","value":"${CANARY}`],
    ["a bare value", 200, CANARY],
    ["an unknown type", 200, { type: CANARY, value: CANARY }],
    ["a type of another shape", 200, { type: { [CANARY]: 1 }, value: CANARY }],
    ["a failure", 500, kestraError(CANARY)],
    ["a refusal", 422, kestraError(CANARY)],
    ["a 404 that is not Kestra's", 404, CANARY],
  ])("that a get meets in %s", async (_what, status, body) => {
    const kv = await answering(status, body);
    expectNoCanary(await failureOf(kv.get(identity)));
  });

  test("that a put was about to send when the connection broke", async () => {
    const kv = await kvOf((_request, response) => response.destroy());
    expectNoCanary(await failureOf(kv.put(identity, { body: CANARY, description: CANARY })));
  });

  test("nor a description that no header can carry", async () => {
    const kv = await answering(200);
    for (const end of [" 🙂", "\n", " ", "\u0000"]) {
      const error = await failureOf(kv.put(identity, { body: CANARY, description: CANARY + end }));
      expect(messageOf(error)).toBe("putKv: the header description cannot carry its value");
      expectNoCanary(error);
    }
    expect(server.received).toEqual([]);
  });
});

/** Looks at everything that a logger could print. */
function expectNoCanary(error: Error): void {
  const everything = `${error.stack ?? ""} ${JSON.stringify(error)} ${Object.values(error).join()} ${String(error.cause)}`;
  expect(everything).not.toContain(CANARY);
}
