import { existsSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { withLock } from "../../../sandbox/lock.ts";
import { ownIdentity } from "../../../sandbox/processIdentity.ts";
import { temporaryFolder } from "./temporaryFolder.ts";

const folder = temporaryFolder();
const file = () => join(folder(), "some", "lock");

/** Work that counts how many do it at the same time. */
function countedWork() {
  let [working, most] = [0, 0];
  const work = async () => {
    most = Math.max(most, ++working);
    await new Promise((resolve) => setImmediate(resolve));
    working--;
  };
  return { work, most: () => most };
}

describe("a lock", () => {
  test("lets one at a time work, and leaves nothing behind", async () => {
    const { work, most } = countedWork();
    await Promise.all([withLock(file(), work), withLock(file(), work), withLock(file(), work)]);
    expect(most()).toBe(1);
    expect(existsSync(file())).toBe(false);
  });

  test("is released when the work fails", async () => {
    await expect(withLock(file(), () => Promise.reject(new Error("failed")))).rejects.toThrow("failed");
    expect(await withLock(file(), () => "mine")).toBe("mine");
  });

  test("is taken over from a process that no longer runs, by one of many", async () => {
    mkdirSync(join(folder(), "some"));
    symlinkSync(`${process.pid} an earlier process`, file());
    const { work, most } = countedWork();
    await Promise.all([1, 2, 3, 4].map(() => withLock(file(), work)));
    expect(most()).toBe(1);
    expect(existsSync(file())).toBe(false);
  });

  test("of a running process is waited for, which is said once, until the wait is aborted", async () => {
    mkdirSync(join(folder(), "some"));
    const { pid, start } = ownIdentity();
    symlinkSync(`${pid} ${start}`, file());
    const abort = new AbortController();
    const told: number[] = [];
    const onWait = (holder: { pid: number }) => {
      told.push(holder.pid);
      abort.abort(new Error("enough"));
    };
    await expect(withLock(file(), () => "mine", { onWait, signal: abort.signal })).rejects.toThrow("enough");
    expect(told).toEqual([pid]);
  });
});
