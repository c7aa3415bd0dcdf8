import type { ServerResponse } from "node:http";
import { afterEach, describe, expect, test } from "@jest/globals";
import { z } from "zod";
import { messageOf } from "../../../src/lib/async.ts";
import {
  KestraFailed,
  KestraProtocolError,
  KestraRejected,
  KestraUnauthorized,
  KestraUnreachable,
} from "../../../src/kestra/errors.ts";
import { Transport } from "../../../src/kestra/transport.ts";
import type { KestraCall, Request, TransportOptions } from "../../../src/kestra/transport.ts";
import { kestraError, reply, serve } from "./support/loopback.ts";
import type { Loopback, Received } from "./support/loopback.ts";

const PASSWORD = "canary-Passw0rd";
const servers: Loopback[] = [];

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function listen(answer: (request: Received, response: ServerResponse) => void): Promise<Loopback> {
  const server = await serve(answer);
  servers.push(server);
  return server;
}

function transportTo(url: string, options: Partial<TransportOptions> = {}): Transport {
  return new Transport({ url, credentials: () => ({ username: "me@example.org", password: PASSWORD }), ...options });
}

const get: Request = { operation: "getThing", method: "GET", path: "/thing" };

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => {
      throw new Error("it should have failed");
    },
    (error: unknown) => error,
  );
}

describe("a request", () => {
  test("carries login, YAML and query, below the base path", async () => {
    const server = await listen((_request, response) => {
      reply(response, 200, { fine: true });
    });
    const transport = transportTo(`${server.url}/base/`);
    await transport.send({ ...get, method: "POST", query: { page: 1, deep: true }, yaml: "id: ä\n" });
    const [request] = server.received;
    expect(request).toMatchObject({ method: "POST", target: "/base/thing?page=1&deep=true", body: "id: ä\n" });
    expect(request?.headers["content-type"]).toBe("application/x-yaml");
    expect(request?.headers.authorization).toBe(`Basic ${btoa(`me@example.org:${PASSWORD}`)}`);
  });

  test("without a body has no content type, which Kestra would answer with 415", async () => {
    const server = await listen((_request, response) => {
      reply(response, 204);
    });
    await transportTo(server.url).send({ ...get, method: "DELETE" });
    expect(server.received[0]?.headers).not.toHaveProperty("content-type");
  });

  test("asks for the login every time", async () => {
    const server = await listen((_request, response) => {
      reply(response, 200, {});
    });
    const passwords = ["old", "new"];
    const transport = transportTo(server.url, {
      credentials: () => ({ username: "u", password: passwords.shift() ?? "" }),
    });
    await transport.send(get);
    await transport.send(get);
    expect(server.received.map(({ headers }) => headers.authorization)).toEqual(
      ["u:old", "u:new"].map((login) => `Basic ${btoa(login)}`),
    );
  });

  test("reuses a connection, and keeps no cookie", async () => {
    const server = await listen((_request, response) => {
      reply(response, 200, {}, { "Set-Cookie": "BASIC_AUTH=x; Path=/" });
    });
    const transport = transportTo(server.url);
    for (let i = 0; i < 5; i++) await transport.send(get);
    expect(server.connections()).toBe(1);
    for (const { headers } of server.received) expect(headers).not.toHaveProperty("cookie");
  });

  test("leaves a connection on which somebody else answers than Kestra", async () => {
    const server = await listen((_request, response) => {
      if (server.received.length % 2 === 1) reply(response, 404, "not found");
      else reply(response, 404, kestraError("no such thing"));
    });
    const transport = transportTo(server.url);
    for (let i = 0; i < 4; i++) await failureOf(transport.send(get));
    expect(server.connections()).toBe(3);
  });

  test("that would write asks the fence first, and is not sent when it throws", async () => {
    const server = await listen((_request, response) => {
      reply(response, 200, {});
    });
    const transport = transportTo(server.url, {
      fence: () => {
        throw new Error("not the leader");
      },
    });
    await expect(transport.send({ ...get, method: "PUT", writes: true })).rejects.toThrow("not the leader");
    await transport.send(get);
    expect(server.received.map(({ method }) => method)).toEqual(["GET"]);
  });
});

describe("an answer", () => {
  const html = "<html><body>Sign in</body></html>";
  test.each([
    [401, "", KestraUnauthorized, /check KESTRA_USERNAME/],
    [403, "", KestraUnauthorized, /may not do this/],
    [429, "", KestraUnreachable, /getThing: Kestra answered 429/],
    [502, html, KestraUnreachable, /502/],
    [503, "", KestraUnreachable, /503/],
    [504, "", KestraUnreachable, /504/],
    [500, kestraError("Internal server error: boom"), KestraFailed, /getThing: Kestra failed \(500\): .*boom/],
    [500, html, KestraFailed, /no message/],
    [
      422,
      kestraError("Invalid entity: tasks: must not be empty\n"),
      KestraRejected,
      /^Invalid entity: tasks: must not/,
    ],
    [400, kestraError("Bad Request: no"), KestraRejected, /^Bad Request: no$/],
    [302, "", KestraProtocolError, /redirects are not followed/],
  ])("%d with %j is a typed error that says what to do", async (status, body, type, message) => {
    const server = await listen((_request, response) => {
      reply(response, status, body);
    });
    const calls: KestraCall[] = [];
    const error = await failureOf(transportTo(server.url, { onCall: (call) => calls.push(call) }).send(get));
    expect(error).toBeInstanceOf(type);
    expect(messageOf(error)).toMatch(message);
    expect(error).toHaveProperty("code", type.name);
    expect(calls).toEqual([{ operation: "getThing", code: String(status), seconds: expect.any(Number) }]);
  });

  test("of another shape than expected is an error that names the place, and not what was there", async () => {
    const server = await listen((_request, response) => {
      reply(response, 200, { revision: "canary" });
    });
    const error = await failureOf(transportTo(server.url).json(get, z.object({ revision: z.number() })));
    expect(error).toBeInstanceOf(KestraProtocolError);
    expect(messageOf(error)).toMatch(/getThing: the answer has another shape.*revision/);
    expect(messageOf(error)).not.toMatch(/canary/);
  });

  test.each([
    ["HTML", html],
    ["nothing", ""],
    ["half a JSON", '{"revision": 1'],
  ])("of %s with 200 is an error that asks for the address", async (_what, body) => {
    const server = await listen((_request, response) => {
      reply(response, 200, body);
    });
    const error = await failureOf(transportTo(server.url).json(get, z.object({})));
    expect(error).toBeInstanceOf(KestraProtocolError);
    expect(messageOf(error)).toMatch(/is KESTRA_URL the address of a Kestra/);
  });

  test("that is accepted must be Kestra's: the 404 of a proxy is none", async () => {
    const bodies: unknown[] = [kestraError("Not Found"), "default backend - 404"];
    const server = await listen((_request, response) => {
      reply(response, 404, bodies.shift());
    });
    const transport = transportTo(server.url);
    await expect(transport.send({ ...get, accept: [404] })).resolves.toMatchObject({ status: 404 });
    await expect(transport.send({ ...get, accept: [404] })).rejects.toThrow(KestraProtocolError);
  });

  test("that redirects is not followed, so that the login stays at home", async () => {
    const other = await listen((_request, response) => {
      reply(response, 200, {});
    });
    const server = await listen((_request, response) => {
      reply(response, 307, "", { Location: `${other.url}/steal` });
    });
    await expect(transportTo(server.url).send(get)).rejects.toThrow(KestraProtocolError);
    expect(other.received).toEqual([]);
  });

  test("without end is cut off at the cap", async () => {
    let sent = 0;
    const server = await listen((_request, response) => {
      const chunk = "x".repeat(64 * 1024);
      const more = () => {
        if (response.destroyed) return;
        sent += chunk.length;
        if (response.write(chunk)) setImmediate(more);
        else response.once("drain", more);
      };
      more();
    });
    const calls: string[] = [];
    const options = { maxBodyBytes: 1024 * 1024, onCall: ({ code }: KestraCall) => calls.push(code) };
    const error = await failureOf(transportTo(server.url, options).send(get));
    expect(error).toBeInstanceOf(KestraProtocolError);
    expect(messageOf(error)).toMatch(/too long/);
    expect(calls).toEqual(["protocol"]);
    expect(sent).toBeLessThan(64 * 1024 * 1024);
  });
});

describe("no answer", () => {
  test("within the deadline is unreachable, and the connection is given up", async () => {
    let closed = false;
    const server = await listen((_request, response) => {
      response.on("close", () => (closed = true));
    });
    const calls: string[] = [];
    const transport = transportTo(server.url, { onCall: ({ code }) => calls.push(code) });
    const error = await failureOf(transport.send({ ...get, deadline: 50 }));
    expect(error).toBeInstanceOf(KestraUnreachable);
    expect(messageOf(error)).toBe("getThing: no answer within 0.05 s");
    expect(calls).toEqual(["unreachable"]);
    while (!closed) await new Promise((resolve) => setImmediate(resolve));
  });

  test("a body that trickles past the deadline is unreachable too", async () => {
    const server = await listen((_request, response) => {
      response.write("[");
      const timer = setInterval(() => response.write(" "), 5);
      response.on("close", () => {
        clearInterval(timer);
      });
    });
    await expect(transportTo(server.url).send({ ...get, deadline: 60 })).rejects.toThrow(KestraUnreachable);
  });

  test("a slow answer within the deadline is an answer", async () => {
    const server = await listen((_request, response) => {
      setTimeout(() => {
        reply(response, 200, {});
      }, 30);
    });
    await expect(transportTo(server.url).send({ ...get, deadline: 5_000 })).resolves.toMatchObject({ status: 200 });
  });

  test("a body that is cut is unreachable, not a protocol error", async () => {
    const server = await listen((_request, response) => {
      response.writeHead(200, { "Content-Length": "100" });
      response.write("{");
      setImmediate(() => response.destroy());
    });
    await expect(transportTo(server.url).send(get)).rejects.toThrow(KestraUnreachable);
  });

  test("nobody listening is unreachable", async () => {
    const server = await serve(() => undefined);
    await server.close();
    const error = await failureOf(transportTo(server.url).send(get));
    expect(error).toBeInstanceOf(KestraUnreachable);
    expect(messageOf(error)).toBe("getThing: ECONNREFUSED");
  });

  test("an aborted call fails with the reason of its signal", async () => {
    const abort = new AbortController();
    const server = await listen(() => {
      abort.abort(new Error("shutting down"));
    });
    await expect(transportTo(server.url).send({ ...get, signal: abort.signal })).rejects.toThrow("shutting down");
  });

  test("TLS that cannot be verified fails closed", async () => {
    const server = await listen(() => undefined);
    const url = server.url.replace("http:", "https:");
    await expect(transportTo(url).send(get)).rejects.toThrow(KestraUnreachable);
    expect(server.received).toEqual([]);
  });
});

test("no error carries the login, however deep one looks", async () => {
  const server = await listen((request, response) => {
    if (request.target === "/cut") response.destroy();
    else if (request.target !== "/hang") reply(response, Number(request.target.slice(1)), "x");
  });
  const transport = transportTo(server.url);
  for (const path of ["/cut", "/hang", "/401", "/404", "/500", "/302"]) {
    const error = (await failureOf(transport.send({ ...get, path, deadline: 50 }))) as Error;
    const everything = `${error.stack ?? ""} ${JSON.stringify(error)} ${Object.values(error).join()} ${String(error.cause)}`;
    expect(everything).not.toContain(PASSWORD);
    expect(everything).not.toContain(btoa(`me@example.org:${PASSWORD}`));
  }
});
