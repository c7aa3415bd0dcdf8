import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { Counter, Registry } from "prom-client";
import { serveHealth } from "../../../src/operator/health.ts";

const registry = new Registry();
const calls = new Counter({ name: "calls_total", help: "Calls.", registers: [registry] });
let unhealthy: string | undefined;
let unready: string | undefined;
let server: Awaited<ReturnType<typeof serveHealth>>;

beforeEach(async () => {
  unhealthy = unready = undefined;
  server = await serveHealth({
    host: "127.0.0.1",
    port: 0,
    registry,
    unhealthy: () => unhealthy,
    unready: () => unready,
  });
});

afterEach(() => server.close());

async function get(path: string): Promise<[number, string]> {
  const response = await fetch(`http://127.0.0.1:${server.port}${path}`);
  return [response.status, await response.text()];
}

describe("probes", () => {
  test.each(["/healthz", "/readyz"])("%s is fine", async (path) => {
    await expect(get(path)).resolves.toEqual([200, "ok\n"]);
  });

  test("tell why not, each its own", async () => {
    unready = "the list is not in yet";
    await expect(get("/readyz")).resolves.toEqual([503, "the list is not in yet\n"]);
    await expect(get("/healthz")).resolves.toEqual([200, "ok\n"]);
    unhealthy = "stuck";
    await expect(get("/healthz")).resolves.toEqual([503, "stuck\n"]);
  });
});

test("metrics are served as Prometheus reads them", async () => {
  calls.inc();
  const response = await fetch(`http://127.0.0.1:${server.port}/metrics`);
  expect(response.headers.get("content-type")).toBe(registry.contentType);
  await expect(response.text()).resolves.toContain("calls_total 1");
});

test("a gauge that cannot be collected is a 500, and no crash", async () => {
  const broken = { metrics: () => Promise.reject(new Error("x")) } as unknown as Registry;
  const other = await serveHealth({
    host: "127.0.0.1",
    port: 0,
    registry: broken,
    unhealthy: () => undefined,
    unready: () => undefined,
  });
  const response = await fetch(`http://127.0.0.1:${other.port}/metrics`);
  expect(response.status).toBe(500);
  await other.close();
});

test("anything else is not found", async () => {
  for (const path of ["/", "/metricsx", "/../etc/passwd"]) expect((await get(path))[0]).toBe(404);
});

test("a taken port is an error, not silence", async () => {
  const options = { registry, unhealthy: () => undefined, unready: () => undefined };
  await expect(serveHealth({ ...options, host: "127.0.0.1", port: server.port })).rejects.toThrow("EADDRINUSE");
});
