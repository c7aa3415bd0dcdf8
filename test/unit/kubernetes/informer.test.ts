import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { KubernetesClient } from "../../../src/kubernetes/client.ts";
import { Informer, type InformerOptions } from "../../../src/kubernetes/informer.ts";
import type { AnyObject, ResourceType } from "../../../src/kubernetes/objects.ts";
import { answer, refuse, serveCluster, type Cluster } from "./support/cluster.ts";
import { recordingLogger } from "./support/logger.ts";
import { until } from "./support/until.ts";

type Thing = AnyObject & { value?: unknown };

const things: ResourceType = { group: "test", version: "v1", plural: "things", kind: "Thing", namespaced: true };
let cluster: Cluster;
let client: KubernetesClient;
let logger: ReturnType<typeof recordingLogger>;
let informers: { stop(): Promise<void> }[];
let failures: { error: unknown; at: number }[];
/** What the handlers were told, as `type name`, with what is said of it. */
let told: string[];

beforeEach(async () => {
  cluster = await serveCluster();
  logger = recordingLogger();
  client = KubernetesClient.connect({ kubeconfig: cluster.kubeconfig, logger });
  informers = [];
  failures = [];
  told = [];
});

afterEach(async () => {
  await Promise.all(informers.map((informer) => informer.stop()));
  await client.close();
  await cluster.close();
});

function inform(options: Partial<InformerOptions<Thing>> = {}): Informer<Thing> {
  const informer = new Informer<Thing>({
    client,
    type: things,
    logger,
    backoff: { baseMs: 10, capMs: 40 },
    onFailure: (error) => failures.push({ error, at: performance.now() }),
    ...options,
  });
  informer.addHandler(({ type, object, initial, missed }) => {
    told.push(`${type} ${object.metadata.name}${initial ? " (initial)" : ""}${missed ? " (missed)" : ""}`);
  });
  informers.push(informer);
  return informer;
}

async function watching(options?: Partial<InformerOptions<Thing>>): Promise<Informer<Thing>> {
  const informer = inform(options);
  informer.start();
  await until("the watch is open", () => cluster.open.size === 1 && informer.state === "watching");
  return informer;
}

const names = (informer: Informer<Thing>) => [...informer.store.keys()].sort();

describe("listing", () => {
  test("takes in all pages and then watches from the version of the list", async () => {
    for (let i = 0; i < 7; i++) cluster.put(`t${i}`);
    const informer = await watching({ pageSize: 3 });
    expect(cluster.lists().map(({ query }) => query.get("continue"))).toEqual([null, "3", "6"]);
    expect(informer.store.size).toBe(7);
    expect(informer.hasSynced).toBe(true);
    await informer.synced;
    expect(told).toEqual([0, 1, 2, 3, 4, 5, 6].map((i) => `added t${i} (initial)`));
    expect(cluster.watches()[0]?.query.get("resourceVersion")).toBe("107");
  });

  test("says what each item is, and drops its managed fields", async () => {
    cluster.put("a", { value: 1 });
    const informer = await watching();
    const { metadata, ...rest } = informer.get("n/a") ?? { metadata: {} };
    expect(rest).toEqual({ apiVersion: "test/v1", kind: "Thing", value: 1 });
    expect(metadata).not.toHaveProperty("managedFields");
  });

  test("keeps only the projection of an object", async () => {
    cluster.put("a", { value: "long" });
    const informer = await watching({
      transform: ({ apiVersion, kind, metadata: { name, namespace = "", uid, resourceVersion } }) => ({
        apiVersion,
        kind,
        metadata: { name, namespace, uid, resourceVersion },
      }),
    });
    expect(Object.keys(informer.get("n/a") ?? {})).toEqual(["apiVersion", "kind", "metadata"]);
  });

  test("leaves out an object that cannot be projected, says so, and goes on", async () => {
    cluster.put("bad", { value: "bad" });
    cluster.put("good");
    const informer = await watching({
      transform: (object: Thing) => {
        if (object.value === "bad") throw new Error("too odd");
        return object;
      },
    });
    expect(names(informer)).toEqual(["n/good"]);
    expect(logger.lines).toContainEqual(expect.objectContaining({ level: "error" }));
  });

  test("begins anew when the token of a page has expired", async () => {
    for (let i = 0; i < 4; i++) cluster.put(`t${i}`);
    let refused = false;
    cluster.onList((_, response) => {
      answer(response, 200, { kind: "ThingList", metadata: { resourceVersion: "1", continue: "old" }, items: [] });
      cluster.onList((_, second) => {
        refused = true;
        refuse(second, 410, "Expired");
        cluster.onList(undefined);
      });
    });
    const informer = await watching();
    expect(refused).toBe(true);
    expect(informer.store.size).toBe(4);
  });

  test.each([
    ["500", 500, "InternalError"],
    ["403", 403, "Forbidden"],
    ["404, as a CRD that is not there yet", 404, "NotFound"],
  ])("is tried again after %s, and reports not synced until then", async (_, status, reason) => {
    cluster.onList((_request, response) => {
      refuse(response, status, reason);
    });
    const informer = inform();
    informer.start();
    await until("three attempts", () => failures.length >= 3);
    expect(informer.hasSynced).toBe(false);
    expect(informer.lastError).toMatchObject({ status });
    cluster.onList(undefined);
    cluster.put("a");
    await informer.synced;
    await until("the watch is open", () => cluster.open.size === 1);
    cluster.bookmark();
    await until("all is well", () => informer.lastError === undefined);
    expect(names(informer)).toEqual(["n/a"]);
  });

  test("stays away as long as Retry-After says", async () => {
    cluster.onList((_, response) => {
      cluster.onList(undefined);
      refuse(response, 429, "TooManyRequests", { "retry-after": "1" });
    });
    const began = performance.now();
    await watching();
    expect(performance.now() - began).toBeGreaterThan(990);
  });

  test("waits longer after every failure, up to the cap", async () => {
    cluster.onList((_, response) => {
      refuse(response, 500, "InternalError");
    });
    inform({ random: () => 1, backoff: { baseMs: 20, capMs: 80 } }).start();
    await until("five attempts", () => failures.length >= 5);
    const gaps = failures.slice(1).map(({ at }, i) => at - (failures[i]?.at ?? 0));
    [20, 40, 80, 80].forEach((least, i) => {
      expect(gaps[i]).toBeGreaterThanOrEqual(least - 2);
    });
  });
});

describe("watching", () => {
  test("follows what happens", async () => {
    const informer = await watching();
    cluster.put("a", { value: 1 });
    cluster.put("a", { value: 2 });
    cluster.put("b");
    cluster.remove("b");
    await until("b is gone", () => told.length === 4);
    expect(told).toEqual(["added a", "updated a", "added b", "deleted b"]);
    expect(informer.get("n/a")?.value).toBe(2);
    expect(informer.get("n/b")).toBeUndefined();
    expect(informer.lastContact).toBeGreaterThan(Date.now() - 5_000);
  });

  test("tells what was there before an update", async () => {
    cluster.put("a", { value: 1 });
    const informer = await watching();
    const seen: unknown[] = [];
    informer.addHandler(({ previous, object }) => seen.push([previous?.value, object.value]));
    expect(seen).toEqual([[undefined, 1]]);
    cluster.put("a", { value: 2 });
    await until("the update", () => seen.length === 2);
    expect(seen[1]).toEqual([1, 2]);
  });

  test("resumes after an orderly end from the newest version, bookmarks included, without a list", async () => {
    await watching();
    cluster.put("a");
    cluster.bookmark();
    await until("the event", () => told.length === 1);
    for (const response of cluster.open) response.end();
    await until("a second watch", () => cluster.watches().length === 2);
    expect(cluster.watches()[1]?.query.get("resourceVersion")).toBe("102");
    expect(cluster.lists()).toHaveLength(1);
    expect(failures).toEqual([]);
  });

  test("pauses before it resumes a watch that ended at once", async () => {
    cluster.onWatch((_, response) => response.end());
    inform({ random: () => 1, backoff: { baseMs: 100, capMs: 1000 } }).start();
    await until("a second watch", () => cluster.watches().length === 2);
    const began = performance.now();
    await until("a third watch", () => cluster.watches().length === 3);
    expect(performance.now() - began).toBeGreaterThan(190);
    expect(cluster.lists()).toHaveLength(1);
  });

  test.each([
    ["a cut", (all: Cluster) => all.open.forEach((response) => response.destroy())],
    ["a garbage line", (all: Cluster) => all.send("garbage\n")],
  ])("resumes after %s and loses nothing", async (_, disturb) => {
    const informer = await watching();
    cluster.put("a");
    await until("the event", () => told.length === 1);
    disturb(cluster);
    await until("a second watch", () => cluster.open.size === 1 && cluster.watches().length === 2);
    cluster.put("b");
    await until("b", () => informer.store.size === 2);
    expect(cluster.watches()[1]?.query.get("resourceVersion")).toBe("101");
    expect(failures).toHaveLength(1);
  });

  test.each([
    ["410 in the stream", { code: 410, reason: "Expired" }],
    ["another error event", { code: 500, reason: "InternalError" }],
    ["an error event without a code", { message: "?" }],
  ])("lists again after %s, and notices what went meanwhile", async (_, status) => {
    cluster.put("gone");
    cluster.put("stays");
    const informer = await watching();
    cluster.silently(() => {
      cluster.remove("gone");
      cluster.put("new");
    });
    told.length = 0;
    cluster.sendEvent("ERROR", { kind: "Status", ...status });
    await until("the second list", () => informer.store.size === 2 && informer.get("n/new") !== undefined);
    await until("deletion told", () => told.length === 2);
    expect(told.sort()).toEqual(["added new", "deleted gone (missed)"]);
  });

  test("lists again when the watch is refused with 410", async () => {
    let refusals = 0;
    cluster.onWatch((_, response) => {
      refusals += 1;
      cluster.onWatch(undefined);
      refuse(response, 410, "Expired");
    });
    await watching();
    expect(refusals).toBe(1);
    expect(cluster.lists()).toHaveLength(2);
  });

  test("lists again when watches fail again and again", async () => {
    cluster.onWatch((_, response) => {
      refuse(response, 504, "Timeout");
      if (cluster.lists().length > 1) cluster.onWatch(undefined);
    });
    await watching();
    expect(failures.length).toBeGreaterThanOrEqual(5);
  });

  test("takes a silent watch for dead: resumed if it had spoken, listed if it never did", async () => {
    await watching({ quietMs: 100 });
    cluster.bookmark();
    await until("resumed", () => cluster.watches().length === 2);
    expect(cluster.lists()).toHaveLength(1);
    cluster.silently(() => cluster.put("a"));
    await until("listed", () => cluster.lists().length === 2, 10_000);
    await until("a", () => told.includes("added a"));
    expect(failures).toEqual([]);
  }, 15_000);

  test("sees an object that was made again under its name as a new one", async () => {
    cluster.put("a", {}, "first");
    await watching();
    cluster.silently(() => {
      cluster.remove("a");
      cluster.put("a", {}, "second");
    });
    cluster.sendEvent("ERROR", { code: 410 });
    await until("both", () => told.length === 3);
    expect(told).toEqual(["added a (initial)", "deleted a (missed)", "added a"]);
  });

  test("a handler that throws harms neither the others nor the watch", async () => {
    const informer = await watching();
    informer.addHandler(() => {
      throw new Error("oops");
    });
    const after: string[] = [];
    const remove = informer.addHandler(({ type }) => after.push(type));
    cluster.put("a");
    cluster.put("a", { value: 2 });
    await until("both events", () => after.length === 2);
    remove();
    expect(logger.lines.filter(({ level }) => level === "error")).toHaveLength(2);
    expect(failures).toEqual([]);
  });

  test("a CRD that is removed is not synced, and synced again when it is back", async () => {
    const informer = await watching();
    cluster.onList((_, response) => {
      refuse(response, 404, "NotFound");
    });
    cluster.onWatch((_, response) => {
      refuse(response, 404, "NotFound");
    });
    for (const response of cluster.open) response.destroy();
    await until("not synced", () => !informer.hasSynced);
    cluster.onList(undefined);
    cluster.onWatch(undefined);
    await until("synced again", () => informer.hasSynced && informer.state === "watching", 10_000);
  }, 15_000);
});

describe("learning", () => {
  test("an answer to our own write is there at once, and is told once", async () => {
    cluster.put("a", { value: 1 });
    const informer = await watching();
    const answered = cluster.silently(() => cluster.put("a", { value: 2 }));
    informer.learn(answered);
    expect(informer.get("n/a")?.value).toBe(2);
    cluster.sendEvent("MODIFIED", {
      ...answered,
      metadata: { ...answered.metadata, resourceVersion: "101" },
      value: 1,
    });
    cluster.sendEvent("MODIFIED", answered);
    cluster.put("a", { value: 3 });
    await until("the last update", () => informer.get("n/a")?.value === 3);
    expect(told).toEqual(["added a (initial)", "updated a", "updated a"]);
  });

  test("what is gone is not brought back", async () => {
    const gone = cluster.put("a");
    const informer = await watching();
    cluster.remove("a");
    await until("gone", () => informer.store.size === 0);
    informer.learn({ ...gone, metadata: { ...gone.metadata, resourceVersion: "999" } });
    expect(informer.store.size).toBe(0);
  });

  test("versions are compared as numbers", async () => {
    const old = cluster.put("a");
    const informer = await watching();
    informer.learn({ ...old, metadata: { ...old.metadata, resourceVersion: "99" } });
    expect(informer.get("n/a")?.metadata.resourceVersion).toBe("101");
    informer.learn({ ...old, metadata: { ...old.metadata, resourceVersion: "1000" } });
    expect(informer.get("n/a")?.metadata.resourceVersion).toBe("1000");
  });
});

describe("stopping", () => {
  test("ends the watch, and nothing is told or asked any more", async () => {
    const informer = await watching();
    await informer.stop();
    await until("the watch is closed", () => cluster.open.size === 0);
    const asked = cluster.requests.length;
    cluster.put("a");
    await new Promise((resolve) => setImmediate(resolve));
    expect(told).toEqual([]);
    expect(cluster.requests).toHaveLength(asked);
  });

  test("in the middle of a list, or of a pause, opens no watch afterwards", async () => {
    cluster.onList(() => undefined);
    const hanging = inform();
    hanging.start();
    await until("the list was asked for", () => cluster.lists().length === 1);
    await hanging.stop();
    cluster.onList((_, response) => {
      refuse(response, 500, "InternalError");
    });
    const pausing = inform({ backoff: { baseMs: 60_000, capMs: 60_000 } });
    pausing.start();
    await until("it failed", () => failures.length === 1);
    await pausing.stop();
    expect(cluster.watches()).toEqual([]);
  });
});
