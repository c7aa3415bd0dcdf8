import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { cacheEntry } from "../../../sandbox/cacheEntry.ts";
import { withoutDirect } from "../../../sandbox/kubernetes/goToolchain.ts";
import { saysPortTaken } from "../../../sandbox/component.ts";
import { temporaryFolder } from "./temporaryFolder.ts";

const folder = temporaryFolder();
const entry = () => join(folder(), "cache", "thing");
const silent = () => undefined;

function make(text: string) {
  return (work: string) => {
    mkdirSync(join(work, "result"));
    writeFileSync(join(work, "result", "file"), text);
    return Promise.resolve(join(work, "result"));
  };
}

describe("a cache entry", () => {
  test("is made once, also when many want it at the same time, and nothing lies beside it", async () => {
    await Promise.all(["first", "second", "third"].map((text) => cacheEntry(entry(), silent, make(text))));
    expect(readFileSync(join(entry(), "file"), "utf8")).toBe("first");
    expect(readdirSync(join(folder(), "cache"))).toEqual(["thing"]);
  });

  test("is not there when its making fails, and what a killed maker left is removed", async () => {
    mkdirSync(`${entry()}.work-killed`, { recursive: true });
    await expect(cacheEntry(entry(), silent, () => Promise.reject(new Error("failed")))).rejects.toThrow("failed");
    expect(existsSync(entry())).toBe(false);
    expect(readdirSync(join(folder(), "cache"))).toEqual([]);
  });
});

test.each([
  ["https://a,direct", "https://a"],
  ["https://a|direct", "https://a"],
  ["https://a,https://b", "https://a,https://b"],
  ["direct", "direct"],
  ["off", "off"],
])("Go modules come from %s through %s", (proxies, used) => {
  expect(withoutDirect(proxies)).toBe(used);
});

test.each([
  ["listen tcp 127.0.0.1:2379: bind: address already in use", true],
  ["java.net.BindException: Address already in use", true],
  ["Bind for 127.0.0.1:8080 failed: port is already allocated", true],
  ["permission denied", false],
])("a server's %j says whether its port is taken", (log, taken) => {
  expect(saysPortTaken(log)).toBe(taken);
});
