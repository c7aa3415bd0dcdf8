import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "@jest/globals";
import { poll } from "../../../sandbox/polling.ts";
import { isRunning, memoryOf, ownIdentity, startOf, type ProcessIdentity } from "../../../sandbox/processIdentity.ts";
import { closeRecords, end, launch, openRecords, runningProcesses } from "../../../sandbox/recordedProcess.ts";
import { temporaryFolder } from "./temporaryFolder.ts";

const folder = temporaryFolder();
const records = () => join(folder(), "processes");
const log = () => join(folder(), "log");
const SLEEP = { command: "sleep", args: ["600"] };
// Leaves a child in its process group and ignores the request to end.
const STUBBORN = { command: "/bin/sh", args: ["-c", 'trap "" TERM; sleep 600 & echo $!; while :; do sleep 1; done'] };

const started: ProcessIdentity[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((identity) => end(identity, 0)));
});

async function start(name: string, command: { command: string; args: string[] }) {
  await openRecords(records());
  const launched = await launch(records(), name, command, log());
  started.push(launched.identity);
  return launched;
}

describe("a process's identity", () => {
  test("is the same at every reading while it runs", () => {
    expect(isRunning(ownIdentity())).toBe(true);
    expect(startOf(process.pid)).toBe(ownIdentity().start);
  });

  test("is not that of another process that has its id", () => {
    expect(isRunning({ pid: process.pid, start: "an earlier process" })).toBe(false);
  });

  test("has ended once the process has, also before its parent took note of it", async () => {
    const child: ChildProcess = spawn("sleep", ["600"]);
    const pid = child.pid ?? 0;
    const identity = { pid, start: startOf(pid) ?? "" };
    expect(isRunning(identity)).toBe(true);
    child.kill("SIGKILL");
    expect(await poll(() => !isRunning(identity), { timeout: 10_000 })).toBe(true);
  });

  test("comes with the resident memory while it runs", () => {
    expect(memoryOf(process.pid)).toBeGreaterThan(10 * 1024 ** 2);
    expect(memoryOf(2 ** 22 + 1)).toBeUndefined();
  });
});

describe("a recorded process", () => {
  test("is known by the identity that the system tells", async () => {
    const { identity } = await start("server", SLEEP);
    expect(startOf(identity.pid)).toBe(identity.start);
    expect(runningProcesses(records())).toMatchObject([{ name: "server", ...identity }]);
  });

  test("does not start when it cannot be recorded", async () => {
    await openRecords(records());
    rmSync(records(), { recursive: true });
    const marker = join(folder(), "started");
    await expect(launch(records(), "server", { command: "touch", args: [marker] }, log())).rejects.toThrow("server");
    expect(existsSync(marker)).toBe(false);
  });

  test("tells its exit code and leaves its output in the log", async () => {
    const { exited } = await start("server", { command: "/bin/sh", args: ["-c", "echo said; exit 3"] });
    expect(await exited).toBe(3);
    expect(readFileSync(log(), "utf8")).toBe("said\n");
  });

  test("is ended with its children, even when it ignores the request", async () => {
    const { identity } = await start("server", STUBBORN);
    const child = await poll(() => Number(readFileSync(log(), "utf8")) || undefined, { timeout: 10_000 });
    await end(identity, 50);
    expect(isRunning(identity)).toBe(false);
    expect(await poll(() => startOf(child ?? 0) === undefined, { timeout: 10_000 })).toBe(true);
  });

  test("is left alone when another process has its id by now", async () => {
    const { identity } = await start("server", SLEEP);
    writeFileSync(join(records(), "server.pid"), `${identity.pid} another start\n`);
    expect(runningProcesses(records())).toEqual([]);
    await closeRecords(records());
    expect(isRunning(identity)).toBe(true);
  });
});

describe("closing the records", () => {
  test("ends every recorded process and lets none start after", async () => {
    const { identity: first } = await start("first", SLEEP);
    const { identity: second } = await start("second", SLEEP);
    await closeRecords(records());
    expect([first, second].map(isRunning)).toEqual([false, false]);
    await expect(launch(records(), "third", SLEEP, log())).rejects.toThrow("third");
  });

  test("can be repeated, and ends what a killed closing left", async () => {
    const { identity } = await start("server", SLEEP);
    const record = readFileSync(join(records(), "server.pid"));
    await closeRecords(records());
    await closeRecords(records());
    expect(isRunning(identity)).toBe(false);

    const { identity: left } = await start("other", SLEEP);
    writeFileSync(join(records(), "gone.pid"), record);
    renameSync(records(), `${records()}.closed`);
    await openRecords(records());
    expect(isRunning(left)).toBe(false);
  });
});
