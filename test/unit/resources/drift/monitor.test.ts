import { beforeEach, describe, expect, test } from "@jest/globals";
import { ManualClock } from "../../kubernetes/support/manualClock.ts";
import { recordingLogger } from "../../kubernetes/support/logger.ts";
import type { FlowItem } from "../../../../src/kestra/types.ts";
import { listedFlows } from "../../../../src/resources/flow/listing.ts";
import { DriftMonitor } from "../../../../src/resources/drift/monitor.ts";
import { identity } from "../flow/support/observed.ts";

const INTERVAL = 60_000;
const REREAD = 3_600_000;
const OWNER = "team/ours";
const { signal } = new AbortController();

let clock: ManualClock;
let logger: ReturnType<typeof recordingLogger>;
let suspects: string[];
let listed: string[];
let items: FlowItem[];
let epoch: number;
let ready: boolean;
let monitor: DriftMonitor;
let list: (namespace: string) => Promise<FlowItem[]>;

beforeEach(() => {
  clock = new ManualClock();
  logger = recordingLogger();
  [suspects, listed, items, epoch, ready] = [[], [], [item(1)], 1, true];
  list = () => Promise.resolve(items);
  monitor = new DriftMonitor({
    nouns: "flows",
    list: async (namespace) => {
      listed.push(namespace);
      return listedFlows(await list(namespace));
    },
    ready: () => ready,
    epoch: () => epoch,
    onSuspect: (key) => suspects.push(key),
    clock,
    logger,
    intervalMs: INTERVAL,
    rereadMs: REREAD,
    random: () => 0.5,
  });
});

function item(revision: number, more: Partial<FlowItem> = {}): FlowItem {
  return { id: "hello", namespace: "n", revision, disabled: false, ...more };
}

/** A look at the flow, and a list some time after it. */
async function sawAndListed(revision: number | undefined): Promise<void> {
  monitor.saw(identity(), OWNER, revision);
  clock.freeze(1);
  await monitor.look(signal);
}

describe("a flow must be read", () => {
  test("when it was never seen, and not any more once it was", () => {
    expect(monitor.mustLook(identity(), OWNER)).toBe(true);
    monitor.saw(identity(), OWNER, 1);
    expect(monitor.mustLook(identity(), OWNER)).toBe(false);
  });

  test("by another owner, whatever the former one saw", () => {
    monitor.saw(identity(), OWNER, 1);
    expect(monitor.mustLook(identity(), "team/other")).toBe(true);
  });

  test("in another epoch", () => {
    monitor.saw(identity(), OWNER, 1);
    epoch = 2;
    expect(monitor.mustLook(identity(), OWNER)).toBe(true);
  });

  test("when its owner had let it go", () => {
    monitor.saw(identity(), OWNER, 1);
    monitor.forget(identity(), "team/other");
    expect(monitor.mustLook(identity(), OWNER)).toBe(false);
    monitor.forget(identity(), OWNER);
    expect(monitor.mustLook(identity(), OWNER)).toBe(true);
  });
});

describe("a list makes a flow suspect", () => {
  test.each<[string, FlowItem[]]>([
    ["whose revision differs", [item(2)]],
    ["whose revision went back, as after a restore", [item(0)]],
    ["that is absent", []],
    ["that is marked as deleted", [item(1, { deleted: true })]],
  ])("%s", async (_what, found) => {
    items = found;
    await sawAndListed(1);
    expect(suspects).toEqual([OWNER]);
    expect(monitor.mustLook(identity(), OWNER)).toBe(true);
  });

  test("whose content differs between two lists at one revision", async () => {
    await sawAndListed(1);
    items = [item(1, { labels: [{ key: "a", value: "b" }] })];
    await monitor.look(signal);
    expect(suspects).toEqual([OWNER]);
  });

  test("that was missing and is back", async () => {
    await sawAndListed(undefined);
    expect(suspects).toEqual([OWNER]);
  });

  test("once, until its owner has looked", async () => {
    items = [item(2)];
    await sawAndListed(1);
    await monitor.look(signal);
    expect(suspects).toEqual([OWNER]);
    await sawAndListed(3);
    expect(suspects).toEqual([OWNER, OWNER]);
  });
});

describe("a list leaves a flow in peace", () => {
  test("that is as it was, in whatever order its fields come", async () => {
    await sawAndListed(1);
    items = [{ disabled: false, revision: 1, namespace: "n", id: "hello" }];
    await monitor.look(signal);
    expect(suspects).toEqual([]);
    expect(monitor.mustLook(identity(), OWNER)).toBe(false);
  });

  test("that is known to be missing", async () => {
    items = [];
    await sawAndListed(undefined);
    expect(suspects).toEqual([]);
  });

  test("that was looked at after the list began: the look knows better", async () => {
    monitor.saw(identity(), OWNER, 1);
    clock.freeze(1);
    list = () => {
      clock.freeze(1);
      monitor.saw(identity(), OWNER, 2);
      return Promise.resolve([item(1)]);
    };
    await monitor.look(signal);
    expect(suspects).toEqual([]);
  });

  test("when the list fails; the failure is logged", async () => {
    list = () => Promise.reject(new Error("boom"));
    await sawAndListed(1);
    expect(suspects).toEqual([]);
    expect(logger.lines).toMatchObject([{ level: "warn", fields: { namespace: "n" } }]);
  });
});

test("one list is made per Kestra namespace, and the failure of one does not keep the others from theirs", async () => {
  const there = { ...identity(), namespace: "m" };
  monitor.saw(identity(), OWNER, 1);
  monitor.saw(identity("second"), "team/second", 1);
  monitor.saw(there, "team/there", 1);
  clock.freeze(1);
  list = (namespace) => (namespace === "n" ? Promise.reject(new Error("boom")) : Promise.resolve([]));
  await monitor.look(signal);
  expect(listed).toEqual(["n", "m"]);
  expect(suspects).toEqual(["team/there"]);
});

test("every flow is read again within about an hour, though nothing looks different", async () => {
  await sawAndListed(1);
  clock.freeze(REREAD - 2);
  await monitor.look(signal);
  expect(suspects).toEqual([]);
  clock.freeze(1);
  await monitor.look(signal);
  expect(suspects).toEqual([OWNER]);
});

describe("running", () => {
  test("lists once an interval while the server is in reach, until it is stopped", async () => {
    const stop = new AbortController();
    const running = monitor.run(stop.signal);
    monitor.saw(identity(), OWNER, 1);
    await clock.advance(3 * INTERVAL);
    expect(listed).toHaveLength(3);
    ready = false;
    await clock.advance(3 * INTERVAL);
    expect(listed).toHaveLength(3);
    stop.abort();
    await running;
    expect(clock.timers).toBe(0);
  });

  test("forgets what was seen before: another replica may have written since", async () => {
    const stop = new AbortController();
    monitor.saw(identity(), OWNER, 1);
    const running = monitor.run(stop.signal);
    expect(monitor.mustLook(identity(), OWNER)).toBe(true);
    stop.abort();
    await running;
  });
});
