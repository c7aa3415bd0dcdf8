import type { ServerResponse } from "node:http";
import { afterEach, describe, expect, test } from "@jest/globals";
import { KestraProtocolError, KestraRejected } from "../../../src/kestra/errors.ts";
import { KestraClient } from "../../../src/kestra/client.ts";
import { eventually } from "../../support/eventually.ts";
import { kestraError, reply, serve } from "./support/loopback.ts";
import type { Loopback, Received } from "./support/loopback.ts";

const identity = { tenant: "main", namespace: "my.team", id: "hello" };
const stored = {
  id: "hello",
  namespace: "my.team",
  revision: 3,
  disabled: false,
  deleted: false,
  source: "id: hello\n",
};
let server: Loopback;

afterEach(async () => {
  await server.close();
});

async function clientOf(answer: (request: Received, response: ServerResponse) => void): Promise<KestraClient> {
  server = await serve(answer);
  return new KestraClient({
    url: server.url,
    tenant: "main",
    credentials: () => ({ username: "u", password: "p" }),
  });
}

function answering(status: number, body: unknown = ""): Promise<KestraClient> {
  return clientOf((_request, response) => {
    reply(response, status, body);
  });
}

describe("paths", () => {
  test("what an id or namespace holds stays within its segment", async () => {
    const { flows } = await answering(404, kestraError("Not Found"));
    await flows.get({ tenant: "main", namespace: "a/../b", id: "x?y#z%2f ü" });
    expect(server.received[0]?.target).toBe("/api/v1/main/flows/a%2F..%2Fb/x%3Fy%23z%252f%20%C3%BC?source=true");
  });
});

describe("get", () => {
  test("returns the flow with its source", async () => {
    const { flows } = await answering(200, { ...stored, tasks: [] });
    await expect(flows.get(identity)).resolves.toMatchObject({ revision: 3, source: "id: hello\n" });
    expect(server.received[0]?.target).toBe("/api/v1/main/flows/my.team/hello?source=true");
  });

  test("returns undefined where there is none", async () => {
    const { flows } = await answering(404, kestraError("Not Found"));
    await expect(flows.get(identity)).resolves.toBeUndefined();
  });

  test("takes the 404 of something in front of Kestra for an error, not for a flow that is gone", async () => {
    const { flows } = await answering(404, "<html>404</html>");
    await expect(flows.get(identity)).rejects.toThrow(KestraProtocolError);
  });
});

describe("create", () => {
  test("sends the source byte for byte", async () => {
    const { flows } = await answering(200, stored);
    const source = "\uFEFFid: hello\r\n# ü 🙂 \n\n";
    await flows.create(source);
    expect(server.received[0]).toMatchObject({ method: "POST", target: "/api/v1/main/flows", body: source });
  });

  test.each([
    [422, "Invalid entity: flow.id: Flow id already exists"],
    [409, "Conflict: Flow 'hello' already exists in namespace 'my.team'."],
  ])("answers %d for a flow that exists", async (status, message) => {
    const { flows } = await answering(status, kestraError(message));
    await expect(flows.create("id: hello")).resolves.toBe("exists");
  });

  test("throws what Kestra says about an invalid flow", async () => {
    const { flows } = await answering(422, kestraError("Invalid entity: tasks: must not be empty\n"));
    await expect(flows.create("id: hello")).rejects.toThrow(
      new KestraRejected(422, "Invalid entity: tasks: must not be empty"),
    );
  });
});

describe("update", () => {
  test("puts the source to the flow's own path", async () => {
    const { flows } = await answering(200, stored);
    await expect(flows.update(identity, "id: hello")).resolves.toMatchObject({ revision: 3 });
    expect(server.received[0]).toMatchObject({ method: "PUT", target: "/api/v1/main/flows/my.team/hello" });
  });

  test("says when there is nothing to update", async () => {
    const { flows } = await answering(404, kestraError("Not Found"));
    await expect(flows.update(identity, "id: hello")).resolves.toBe("missing");
  });
});

describe("delete", () => {
  test.each([
    [204, ""],
    [404, kestraError("Not Found")],
  ])("succeeds with %d", async (status, body) => {
    const { flows } = await answering(status, body);
    await expect(flows.delete(identity)).resolves.toBeUndefined();
    expect(server.received[0]).toMatchObject({ method: "DELETE", target: "/api/v1/main/flows/my.team/hello" });
  });

  test.each([
    [200, "<html>Sign in</html>"],
    [404, "default backend - 404"],
  ])("does not take %d with %j for done", async (status, body) => {
    const { flows } = await answering(status, body);
    await expect(flows.delete(identity)).rejects.toThrow(KestraProtocolError);
  });
});

describe("changes at the same time", () => {
  const plain = "id: plain\n";
  const triggered = "id: triggered\ntriggers: []\n";
  /** Every change that has no answer yet, in the order in which they came, as its answer. */
  let open: (() => void)[];

  async function slow(): Promise<KestraClient["flows"]> {
    open = [];
    const client = await clientOf(({ method }, response) => {
      open.push(() => {
        if (method === "DELETE") reply(response, 204);
        else reply(response, 200, stored);
      });
    });
    return client.flows;
  }

  const answer = () => open.splice(0).forEach((end) => end());
  const come = (count: number) => eventually(() => expect(open).toHaveLength(count), { every: 5 });

  test("creations of flows without triggers go beside each other", async () => {
    const flows = await slow();
    const all = [1, 2, 3].map(() => flows.create(plain));
    await come(3);
    answer();
    await Promise.all(all);
  });

  test.each<[string, (flows: KestraClient["flows"]) => Promise<unknown>]>([
    ["a creation with triggers", (flows) => flows.create(triggered)],
    ["an update", (flows) => flows.update(identity, plain)],
    ["a deletion", (flows) => flows.delete(identity)],
  ])("%s waits for those under way, and those after it wait for it", async (_, change) => {
    const flows = await slow();
    const all = [flows.create(plain), flows.create(plain), change(flows), flows.create(plain), change(flows)];
    for (const beside of [2, 1, 1, 1]) {
      await come(beside);
      answer();
    }
    await Promise.all(all);
  });

  test("one that hangs holds up the others for two seconds at most", async () => {
    const flows = await slow();
    const began = performance.now();
    const all = [flows.create(triggered), flows.create(triggered)];
    await come(2);
    expect(performance.now() - began).toBeGreaterThanOrEqual(1_900);
    answer();
    await Promise.all(all);
  });

  test("one that fails gives its turn to the next", async () => {
    const { flows } = await answering(500, kestraError("down"));
    await expect(flows.create(triggered)).rejects.toThrow("down");
    const began = performance.now();
    await expect(flows.create(triggered)).rejects.toThrow("down");
    expect(performance.now() - began).toBeLessThan(1_900);
  });
});

describe("validate", () => {
  const verdict = {
    flow: "hello",
    namespace: "my.team",
    index: 0,
    outdated: false,
    deprecationPaths: [],
    warnings: [],
    infos: [],
  };

  test("returns the verdict on the one document", async () => {
    const { flows } = await answering(200, [verdict]);
    await expect(flows.validate("id: hello")).resolves.toEqual({
      flow: "hello",
      namespace: "my.team",
      warnings: [],
      deprecationPaths: [],
    });
  });

  test("fills in what Kestra leaves out where it could not read the flow", async () => {
    const { flows } = await answering(200, [{ index: 0, constraints: "Invalid type: nope", outdated: false }]);
    await expect(flows.validate("id: hello")).resolves.toEqual({
      constraints: "Invalid type: nope",
      warnings: [],
      deprecationPaths: [],
    });
  });

  test("refuses a source that Kestra reads as several documents", async () => {
    const { flows } = await answering(200, [verdict, { ...verdict, index: 1 }]);
    await expect(flows.validate("id: hello")).rejects.toThrow(/more than one document/);
  });

  test("no verdict is no approval", async () => {
    const { flows } = await answering(200, []);
    await expect(flows.validate("id: hello")).rejects.toThrow(KestraProtocolError);
  });
});

test("a list keeps what it does not know, so that any change shows in an item's digest", async () => {
  const { flows } = await answering(200, [{ ...stored, labels: [{ key: "a", value: "b" }] }]);
  await expect(flows.list("my.team")).resolves.toEqual([{ ...stored, labels: [{ key: "a", value: "b" }] }]);
  expect(server.received[0]?.target).toBe("/api/v1/main/flows/my.team");
});

test("the server tells who it is, and checking the login asks for as little as can be", async () => {
  const client = await answering(200, { uuid: "u", version: "1.1.0", pluginsHash: 0, results: [], total: 0 });
  await expect(client.info()).resolves.toMatchObject({ uuid: "u", version: "1.1.0", pluginsHash: 0 });
  await client.checkLogin();
  expect(server.received.map(({ target }) => target)).toEqual([
    "/api/v1/configs",
    "/api/v1/main/flows/search?page=1&size=1",
  ]);
});
