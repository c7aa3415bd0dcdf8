import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { ManualClock } from "../kubernetes/support/manualClock.ts";
import { silentLogger } from "../../../src/lib/log.ts";
import type { KestraClient } from "../../../src/kestra/client.ts";
import { KestraProtocolError, KestraUnauthorized, KestraUnreachable } from "../../../src/kestra/errors.ts";
import { ServerMonitor } from "../../../src/kestra/server.ts";
import type { ServerInfo } from "../../../src/kestra/types.ts";

const INTERVAL = 60_000;
let clock: ManualClock;
let stop: AbortController;
let running: Promise<void>;
let monitor: ServerMonitor;
let changes: string[];
/** What the server does when it is asked. */
let server: { info: ServerInfo; broken: Error | undefined; login: Error | undefined };
let looks: number;
let logins: number;

beforeEach(() => {
  clock = new ManualClock();
  stop = new AbortController();
  changes = [];
  looks = 0;
  logins = 0;
  server = { info: { uuid: "u", version: "1.1.0", pluginsHash: 1 }, broken: undefined, login: undefined };
  const answer = <T>(failure: Error | undefined, value: T) =>
    failure ? Promise.reject(failure) : Promise.resolve(value);
  const client: Pick<KestraClient, "info" | "checkLogin"> = {
    info: () => {
      looks += 1;
      return answer(server.broken, server.info);
    },
    checkLogin: () => {
      logins += 1;
      return answer(server.login, undefined);
    },
  };
  monitor = new ServerMonitor({
    client: client as KestraClient,
    clock,
    logger: silentLogger,
    intervalMs: INTERVAL,
    random: () => 1,
  });
  monitor.onChange(() => changes.push(`${monitor.state.kind} ${monitor.epoch}`));
  running = Promise.resolve();
});

afterEach(async () => {
  stop.abort();
  await clock.advance(0);
  await running;
});

async function start(): Promise<void> {
  running = monitor.run(stop.signal);
  await clock.advance(0);
}

test("nothing is known before the first look", () => {
  expect(monitor.state).toEqual({ kind: "unknown" });
  expect(monitor.epoch).toBe(0);
  expect(monitor.lastContact).toBe(0);
});

test("a server that answers and lets us in is up, and the first contact begins an epoch", async () => {
  await start();
  expect(monitor.state).toEqual({ kind: "up", info: server.info });
  expect(monitor.lastContact).toBe(clock.now());
  expect(changes).toEqual(["up 1"]);
});

test("a healthy server is looked at once an interval, its login only at first, and listeners are left in peace", async () => {
  await start();
  await clock.advance(10 * INTERVAL);
  expect([looks, logins]).toEqual([11, 1]);
  expect(changes).toEqual(["up 1"]);
});

describe("out of reach", () => {
  test.each([new KestraUnreachable("configs: ECONNREFUSED"), new KestraProtocolError("configs: not JSON")])(
    "%s: down at once, lost after two minutes, up with another epoch",
    async (failure) => {
      await start();
      const since = clock.now() + INTERVAL;
      server.broken = failure;
      await clock.advance(INTERVAL);
      expect(monitor.state).toEqual({ kind: "down", since, message: failure.message });
      await clock.advance(119_000);
      expect(monitor.state.kind).toBe("down");
      await clock.advance(16_000);
      expect(monitor.state).toEqual({ kind: "lost", since, message: failure.message });
      server.broken = undefined;
      await clock.advance(15_000);
      expect(changes).toEqual(["up 1", "down 1", "lost 1", "up 2"]);
    },
  );

  test("is asked again with growing pauses, at most 15 s", async () => {
    server.broken = new KestraUnreachable("no");
    await start();
    const at: number[] = [];
    for (let seen = looks; clock.monotonic() < 120_000; seen = looks) {
      await clock.advance(100);
      if (looks > seen) at.push(clock.monotonic());
    }
    const pauses = at.map((time, i) => time - (at[i - 1] ?? 0));
    expect(pauses.slice(0, 6)).toEqual([500, 1_000, 2_000, 4_000, 8_000, 15_000]);
    expect(Math.max(...pauses)).toBe(15_000);
  });

  test("never reached is down from the first look on, and no epoch begins", async () => {
    server.broken = new KestraUnreachable("no");
    await start();
    expect(changes).toEqual(["down 0"]);
    expect(monitor.lastContact).toBe(0);
  });
});

test.each([
  ["uuid", { uuid: "other" }],
  ["version", { version: "1.1.1" }],
  ["plugins", { pluginsHash: 2 }],
])("another %s begins an epoch, though the server was never away", async (_what, change) => {
  await start();
  server.info = { ...server.info, ...change };
  await clock.advance(INTERVAL);
  expect(changes).toEqual(["up 1", "up 2"]);
});

describe("the login", () => {
  test("refused is a state of its own, tried again slowly, and recovers with a new epoch", async () => {
    server.login = new KestraUnauthorized("Kestra refused the login");
    await start();
    expect(monitor.state).toEqual({ kind: "unauthorized", message: "Kestra refused the login" });
    await clock.advance(300_000);
    expect(looks).toBe(11);
    server.login = undefined;
    await clock.advance(30_000);
    expect(changes).toEqual(["unauthorized 0", "up 1"]);
  });

  test("refused to somebody's call while the server is up is noticed at once", async () => {
    await start();
    await clock.advance(10_000);
    server.login = new KestraUnauthorized("Kestra refused the login");
    monitor.suspect();
    await clock.advance(0);
    expect(monitor.state.kind).toBe("unauthorized");
  });

  test("replaced is tried at once", async () => {
    server.login = new KestraUnauthorized("Kestra refused the login");
    await start();
    await clock.advance(10_000);
    server.login = undefined;
    monitor.suspect();
    await clock.advance(0);
    expect(monitor.state.kind).toBe("up");
  });
});

describe("suspicion", () => {
  test("leads to a look at once", async () => {
    await start();
    await clock.advance(10_000);
    server.broken = new KestraUnreachable("no");
    monitor.suspect();
    await clock.advance(0);
    expect(monitor.state.kind).toBe("down");
  });

  test.each(["up", "down", "unauthorized"])(
    "without end does not make a tight loop of a server that is %s",
    async (kind) => {
      if (kind === "down") server.broken = new KestraUnreachable("no");
      if (kind === "unauthorized") server.login = new KestraUnauthorized("no");
      await start();
      expect(monitor.state.kind).toBe(kind);
      for (let i = 0; i < 1_000; i++) {
        monitor.suspect();
        await clock.advance(10);
      }
      expect(looks).toBeLessThanOrEqual(21);
    },
  );

  test("that comes during a look is not forgotten", async () => {
    await start();
    await clock.advance(10_000);
    const { info } = server;
    Object.defineProperty(server, "info", {
      get: () => {
        Object.defineProperty(server, "info", { value: info });
        server.login = new KestraUnauthorized("no");
        monitor.suspect();
        return info;
      },
      configurable: true,
    });
    await clock.advance(INTERVAL);
    expect(monitor.state.kind).toBe("unauthorized");
  });
});

test("a look under way when the monitor is stopped changes nothing", async () => {
  await start();
  server.broken = new KestraUnreachable("aborted");
  stop.abort();
  monitor.suspect();
  await clock.advance(INTERVAL);
  await running;
  expect(monitor.state.kind).toBe("up");
});
