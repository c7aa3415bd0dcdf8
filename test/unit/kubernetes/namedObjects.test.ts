import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { KubernetesClient } from "../../../src/kubernetes/client.ts";
import { NamedObjects, type NamedObjectsOptions } from "../../../src/kubernetes/namedObjects.ts";
import type { ResourceType } from "../../../src/kubernetes/objects.ts";
import { refuse, serveCluster, type Cluster } from "./support/cluster.ts";
import { recordingLogger } from "./support/logger.ts";
import { ManualClock } from "./support/manualClock.ts";
import type { Handler } from "./support/server.ts";
import { until } from "./support/until.ts";

const things: ResourceType = { group: "test", version: "v1", plural: "things", kind: "Thing", namespaced: true };
const POLL_MS = 30_000;
const forbid: Handler = (_, response) => {
  refuse(response, 403, "Forbidden");
};
let cluster: Cluster;
let client: KubernetesClient;
let clock: ManualClock;
let logger: ReturnType<typeof recordingLogger>;
let objects: NamedObjects;
/** Followers that were told of a change, with what was known then. */
let told: string[];

beforeEach(async () => {
  cluster = await serveCluster();
  logger = recordingLogger();
  clock = new ManualClock();
  client = KubernetesClient.connect({ kubeconfig: cluster.kubeconfig, logger });
  told = [];
  objects = follower();
});

afterEach(async () => {
  await objects.stop();
  await client.close();
  await cluster.close();
});

function follower(options: Partial<NamedObjectsOptions> = {}): NamedObjects {
  const onChange = (name: string) => told.push(`${name} ${objects.version("n/a") ?? "unknown"}`);
  return new NamedObjects({
    client,
    type: things,
    logger,
    clock,
    random: () => 0.5,
    pollMs: POLL_MS,
    onChange,
    ...options,
  });
}

const watched = (watches: number) => until(`${watches} watches`, () => cluster.open.size === watches);
const warnings = () => logger.lines.filter(({ level }) => level === "warn");
const restart = () => {
  cluster.open.forEach((response) => response.destroy());
};

/** Lets the clock go on until what is waited for has happened: calls take real time, pauses none. */
async function inTime(what: string, condition: () => boolean): Promise<void> {
  await until(what, async () => {
    await clock.advance(5_000);
    return condition();
  });
}

async function following(): Promise<void> {
  objects.follow("one", "n/a");
  await watched(1);
}

describe("an object that may be watched", () => {
  test("is asked for by its name and for its metadata, and no other is", async () => {
    cluster.put("b");
    await following();
    for (const { path, query, headers } of cluster.requests) {
      expect(path).toBe("/apis/test/v1/namespaces/n/things");
      expect(query.get("fieldSelector")).toBe("metadata.name=a");
      expect(headers.accept).toContain("as=PartialObjectMetadata");
    }
    expect([cluster.lists(), cluster.watches(), cluster.gets()].map(({ length }) => length)).toEqual([1, 1, 0]);
    expect(objects.version("n/a")).toBe("missing");
    expect(objects.version("n/b")).toBeUndefined();
  });

  test("is known once it was read, changed, gone, and back again, and each is told once", async () => {
    cluster.put("a");
    expect(objects.version("n/a")).toBeUndefined();
    await following();
    expect(told).toEqual(["one 101"]);
    cluster.put("a");
    cluster.put("b");
    cluster.remove("a");
    cluster.put("a", {}, "another");
    await until("all is told", () => told.length === 4);
    expect(told).toEqual(["one 101", "one 102", "one missing", "one 105"]);
  });

  test("is right again after a cut, with what happened meanwhile", async () => {
    cluster.put("a");
    await following();
    cluster.silently(() => {
      cluster.remove("a");
    });
    cluster.sendEvent("ERROR", { code: 410, reason: "Expired" });
    await inTime("the deletion is known", () => objects.version("n/a") === "missing");
    expect(told).toEqual(["one 101", "one missing"]);
  });

  test("has one watch for all that follow it, until the last of them leaves", async () => {
    cluster.put("a");
    await following();
    objects.follow("two", "n/a");
    objects.follow("two", "n/a");
    expect(objects.version("n/a")).toBe("101");
    cluster.put("a");
    await until("both are told", () => told.length === 3);
    expect(told.slice(1)).toEqual(["one 102", "two 102"]);
    objects.unfollow("one");
    objects.unfollow("one");
    cluster.put("a");
    await until("the other is told", () => told.length === 4);
    expect(told[3]).toBe("two 103");
    expect(cluster.watches()).toHaveLength(1);
    objects.unfollow("two");
    expect(objects.size).toBe(0);
    expect(objects.version("n/a")).toBeUndefined();
    await watched(0);
  });

  test("is left when its follower follows another", async () => {
    cluster.put("b");
    await following();
    objects.follow("one", "n/b");
    expect(objects.size).toBe(1);
    await until("the other is known", () => objects.version("n/b") === "102" || objects.version("n/b") === "101");
    await watched(1);
    const before = told.length;
    cluster.put("a");
    cluster.put("b");
    await until("the other is told", () => told.length > before);
    expect(told).toHaveLength(before + 1);
  });

  test("is watched once after any number of edits, and nothing is left of the others", async () => {
    cluster.put("a");
    for (let i = 0; i < 50; i++) {
      objects.follow("one", "n/a");
      if (i % 10 === 0) await until("known", () => objects.version("n/a") === "101");
      objects.unfollow("one");
      objects.follow("one", `n/other-${i}`);
    }
    objects.follow("one", "n/a");
    await until("known", () => objects.version("n/a") === "101");
    await watched(1);
    expect(objects.size).toBe(1);
    await objects.stop();
    await watched(0);
    expect(clock.timers).toBe(0);
  });

  test("cannot have others selected by its name", async () => {
    objects.follow("one", "n/a,metadata.name=b\\");
    await until("it was asked for", () => cluster.lists().length === 1);
    expect(cluster.lists()[0]?.query.get("fieldSelector")).toBe("metadata.name=a\\,metadata.name\\=b\\\\");
  });

  test("keeps its value out of the log, whatever the server sends of it", async () => {
    await following();
    cluster.send('{"type":"MODIFIED","object":{"metadata":{"annotations":{"password":hunter2}}}}\n');
    await inTime("it is watched again", () => cluster.watches().length === 2);
    cluster.onList((_, response) => response.end('{"items":[{"password":hunter2}]}'));
    objects.follow("two", "n/b");
    await until("it failed", () => logger.lines.filter(({ message }) => message.includes("failed")).length === 2);
    const said = logger.lines.flatMap(({ message, fields }) => [message, ...texts(fields)]).join("\n");
    expect(said).toContain("not JSON");
    expect(said).not.toMatch(/hunter|password/);
  });
});

describe("an object that may not be watched", () => {
  beforeEach(() => {
    cluster.onList(forbid);
  });

  test("is looked at instead, about every pollMs", async () => {
    cluster.put("a");
    objects.follow("one", "n/a");
    await until("it is known", () => told.length === 1);
    expect(cluster.gets()[0]?.headers.accept).toContain("as=PartialObjectMetadata");
    cluster.put("a");
    await clock.advance(POLL_MS - 1);
    expect(cluster.gets()).toHaveLength(1);
    await inTime("the change is known", () => told.length === 2);
    cluster.remove("a");
    await inTime("the deletion is known", () => told.length === 3);
    expect(told).toEqual(["one 101", "one 102", "one missing"]);
    expect(cluster.gets()).toHaveLength(3);
    expect(cluster.lists()).toHaveLength(1);
    expect(cluster.watches()).toEqual([]);
  });

  test("is unknown while looking is forbidden too, and known as soon as it is allowed", async () => {
    cluster.put("a");
    cluster.onGet(forbid);
    objects.follow("one", "n/a");
    await until("it was looked at", () => cluster.gets().length === 1);
    expect(objects.version("n/a")).toBeUndefined();
    cluster.onGet(undefined);
    await inTime("it is known", () => objects.version("n/a") === "101");
    cluster.onGet(forbid);
    await inTime("it is unknown again", () => objects.version("n/a") === undefined);
    expect(told).toEqual(["one 101", "one unknown"]);
  });

  test("keeps its version while looking fails, and is looked at again", async () => {
    cluster.put("a");
    objects.follow("one", "n/a");
    await until("it is known", () => told.length === 1);
    cluster.onGet((_, response) => {
      refuse(response, 500, "InternalError");
    });
    await inTime("two looks failed", () => cluster.gets().length === 3);
    expect(objects.version("n/a")).toBe("101");
    cluster.onGet(undefined);
    cluster.put("a");
    await inTime("the change is known", () => objects.version("n/a") === "102");
  });

  test("is watched once that is allowed, which is tried rarely", async () => {
    cluster.put("a");
    objects.follow("one", "n/a");
    await until("it is known", () => told.length === 1);
    await inTime("another list", () => cluster.lists().length === 2);
    expect(clock.monotonic()).toBeGreaterThan(9 * 60_000);
    expect(clock.monotonic()).toBeLessThan(11 * 60_000);
    cluster.onList(undefined);
    await inTime("it is watched", () => cluster.open.size === 1);
    const looks = cluster.gets().length;
    cluster.put("a");
    await until("the change is known", () => told.length === 2);
    await clock.advance(10 * POLL_MS);
    expect(cluster.gets()).toHaveLength(looks);
    expect(told).toEqual(["one 101", "one 102"]);
  });

  test.each(["from the start", "later"])(
    "is looked at when it is the watch alone that is forbidden, %s",
    async (when) => {
      cluster.onList(undefined);
      if (when === "from the start") cluster.onWatch(forbid);
      cluster.put("a");
      objects.follow("one", "n/a");
      await until("it is known", () => told.length === 1);
      if (when === "later") {
        await watched(1);
        cluster.onWatch(forbid);
        restart();
      }
      await inTime("it was looked at", () => cluster.gets().length === 1);
      cluster.put("a");
      await inTime("the change is known", () => told.length === 2);
      expect(told).toEqual(["one 101", "one 102"]);
    },
  );

  test("is said to be so in one line for its namespace, however often it is tried", async () => {
    for (let i = 0; i < 20; i++) objects.follow(`follower-${i}`, `n/t${i}`);
    objects.follow("elsewhere", "m/a");
    await until("all were looked at", () => cluster.gets().length === 21);
    await inTime("all were tried again", () => cluster.lists().length === 42);
    expect(warnings().map(({ fields }) => (fields as { key: string }).key.slice(0, 2))).toEqual(["n/", "m/"]);
    expect(warnings()[0]?.fields).toMatchObject({ resource: "things", pollMs: POLL_MS });
  });

  test("takes up watching and looking no more when it is left", async () => {
    objects.follow("one", "n/a");
    await until("it was looked at", () => cluster.gets().length === 1);
    await objects.stop();
    const asked = cluster.requests.length;
    await clock.advance(3_600_000);
    expect(cluster.requests).toHaveLength(asked);
    expect(clock.timers).toBe(0);
  });
});

test("an API server that is away is one line a minute in the log, however many are followed", async () => {
  for (let i = 0; i < 20; i++) objects.follow(`follower-${i}`, `n/t${i}`);
  await watched(20);
  cluster.onWatch((_, response) => {
    refuse(response, 503, "ServiceUnavailable");
  });
  restart();
  const failures = () => logger.lines.filter(({ message }) => message.includes("failed")).length;
  await until("all are cut", () => failures() === 20);
  expect(warnings()).toHaveLength(1);
  await clock.advance(60_000);
  await inTime("they fail on", () => failures() >= 60);
  expect(warnings()).toHaveLength(1 + Math.floor(clock.monotonic() / 60_000));
});

test("a follower that throws harms neither the others nor the watch", async () => {
  objects = follower({
    onChange: (name) => {
      told.push(name);
      if (name === "one") throw new Error("oops");
    },
  });
  objects.follow("one", "n/a");
  objects.follow("two", "n/a");
  await watched(1);
  cluster.put("a");
  await until("both are told twice", () => told.length === 4);
  expect(told).toEqual(["one", "two", "one", "two"]);
  expect(logger.lines.filter(({ level }) => level === "error")).toHaveLength(2);
});

test("once stopped nothing is told, asked, or followed any more", async () => {
  await following();
  const stopping = objects.stop();
  cluster.put("a");
  await stopping;
  await watched(0);
  const asked = cluster.requests.length;
  objects.follow("two", "n/b");
  expect(objects.size).toBe(0);
  expect(told).toEqual(["one missing"]);
  expect(cluster.requests).toHaveLength(asked);
});

/** All that an error and what caused it say. */
function texts(thrown: unknown): string[] {
  if (typeof thrown !== "object" || thrown === null) return [String(thrown)];
  return Object.getOwnPropertyNames(thrown).flatMap((key) => texts((thrown as Record<string, unknown>)[key]));
}
