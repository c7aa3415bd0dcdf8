// Follows Secrets in a process of its own, for test/bench/secrets.ts, which tells it what to do and measures it.
import "../../src/compactHeap.ts";
import { setTimeout as pause } from "node:timers/promises";
import { silentLogger } from "../../src/lib/log.ts";
import { KubernetesClient } from "../../src/kubernetes/client.ts";
import { Informer } from "../../src/kubernetes/informer.ts";
import { NamedObjects } from "../../src/kubernetes/namedObjects.ts";
import { coreTypes, keyOf, parseKey } from "../../src/kubernetes/objects.ts";
import type { Identified } from "../../src/kubernetes/objects.ts";

/** One watch for each Secret, one of all Secrets, or a GET of each Secret every second; of metadata only. */
export type Way = "named" | "cluster" | "poll";

export interface Task {
  way: Way;
  keys: string[];
}

export interface Report {
  is: "ready" | "collected" | "known" | "changed" | "stopped";
  key?: string;
  /** Wall-clock time, in milliseconds since the epoch. */
  at: number;
  milliseconds?: number;
}

type Order = { set: Task } | { do: "collectGarbage" | "follow" | "stop" };

const type = coreTypes.secret;
const client = KubernetesClient.connect({ logger: silentLogger });
const known = new Set<string>();
let task: Task = { way: "named", keys: [] };
let started = 0;
let stop: () => Promise<void> = () => Promise.resolve();

process.on("message", (order: Order) => void carryOut(order));

async function carryOut(order: Order): Promise<void> {
  if ("set" in order) {
    task = order.set;
    await client.list(type, { limit: 1, metadataOnly: true });
    say({ is: "ready" });
  } else if (order.do === "collectGarbage") {
    for (let i = 0; i < 5; i++) {
      globalThis.gc?.();
      await pause(100);
    }
    say({ is: "collected" });
  } else if (order.do === "follow") {
    started = performance.now();
    stop = { named: followByName, cluster: followAll, poll }[task.way]();
  } else {
    await stop();
    say({ is: "stopped" });
  }
}

function onChange(key: string): void {
  if (known.has(key)) {
    say({ is: "changed", key });
    return;
  }
  known.add(key);
  if (known.size === task.keys.length) say({ is: "known", milliseconds: performance.now() - started });
}

function followByName(): () => Promise<void> {
  const objects = new NamedObjects({ client, type, logger: silentLogger, pollMs: 1_000, onChange });
  for (const key of task.keys) objects.follow(key, key);
  return () => objects.stop();
}

function followAll(): () => Promise<void> {
  const wanted = new Set(task.keys);
  const informer = new Informer<Identified>({
    client,
    type,
    metadataOnly: true,
    transform: ({ metadata: { namespace = "", name, uid, resourceVersion } }) => ({
      metadata: { namespace, name, uid, resourceVersion },
    }),
    logger: silentLogger,
  });
  informer.addHandler(({ object }) => {
    if (wanted.has(keyOf(object))) onChange(keyOf(object));
  });
  informer.start();
  return () => informer.stop();
}

function poll(): () => Promise<void> {
  const stopped = new AbortController();
  const { signal } = stopped;
  const look = async (key: string): Promise<void> => {
    let version: string | undefined;
    await pause(Math.random() * 1_000);
    while (!signal.aborted) {
      const began = performance.now();
      const { metadata } = await client.get(type, parseKey(key), { metadataOnly: true, multiplexed: true });
      if (version !== metadata.resourceVersion) onChange(key);
      version = metadata.resourceVersion;
      await pause(Math.max(0, 1_000 - (performance.now() - began)));
    }
  };
  const looking = task.keys.map(look);
  return async () => {
    stopped.abort();
    await Promise.all(looking);
  };
}

function say(report: Omit<Report, "at">): void {
  process.send?.({ ...report, at: Date.now() });
}
