import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { describe, expect, test } from "@jest/globals";
import { choosePort, isPortFree } from "../../../sandbox/ports.ts";

describe("choosing a port", () => {
  test("finds taken what a server listens on, and free what none does", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    expect(await isPortFree(port)).toBe(false);
    await new Promise((resolve) => server.close(resolve));
    expect(await isPortFree(port)).toBe(true);
  });

  test("passes over ports of other sandboxes and ports that are not free", async () => {
    const randoms = [0, 0.5, 0.25];
    const random = () => randoms.shift() ?? 0;
    const port = await choosePort(new Set([18_000]), random, (candidate) => Promise.resolve(candidate !== 25_000));
    expect(port).toBe(21_500);
  });

  test("stays below the ports of outgoing connections, so that a stopped server finds its port again", async () => {
    const free = () => Promise.resolve(true);
    expect(await choosePort(new Set(), () => 0.999999, free)).toBeLessThan(32_768);
  });

  test("gives up, and says so, when none is free", async () => {
    await expect(choosePort(new Set(), Math.random, () => Promise.resolve(false))).rejects.toThrow(
      "no free loopback port",
    );
  });
});
