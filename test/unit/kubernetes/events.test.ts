import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { KubernetesClient } from "../../../src/kubernetes/client.ts";
import { EventRecorder, type EventRecorderOptions } from "../../../src/kubernetes/events.ts";
import type { ObjectReference } from "../../../src/kubernetes/objects.ts";
import { silentLogger } from "../../../src/lib/log.ts";
import { ManualClock } from "./support/manualClock.ts";
import { answer, refuse, serve, type TestServer } from "./support/server.ts";
import { until } from "./support/until.ts";

const about: ObjectReference = { apiVersion: "test/v1", kind: "Thing", namespace: "n", name: "a", uid: "u" };
const ready = { type: "Normal" as const, reason: "Ready", message: "all is well" };
let server: TestServer;
let client: KubernetesClient;
let clock: ManualClock;
let dropped: string[];
let recorder: EventRecorder;

beforeEach(async () => {
  server = await serve((request, response) => {
    answer(response, 201, request.body);
  });
  client = KubernetesClient.connect({ kubeconfig: server.kubeconfig, logger: silentLogger });
  clock = new ManualClock();
  dropped = [];
  recorder = record();
});

afterEach(async () => {
  await client.close();
  await server.close();
});

function record(options: Partial<EventRecorderOptions> = {}): EventRecorder {
  const onDropped = (why: string) => dropped.push(why);
  return new EventRecorder({ client, component: "tester", logger: silentLogger, clock, onDropped, ...options });
}

const sent = () => server.requests.map(({ body }) => (body as { message: string }).message);

test("an Event says what happened to which object, in its namespace", async () => {
  recorder.record(about, ready);
  await recorder.stop();
  expect(server.requests).toHaveLength(1);
  expect(server.requests[0]).toMatchObject({
    path: "/api/v1/namespaces/n/events",
    body: {
      metadata: { namespace: "n", name: expect.stringMatching(/^a\.[0-9a-f]{16}$/) as unknown },
      involvedObject: about,
      ...ready,
      source: { component: "tester" },
      firstTimestamp: "2026-01-01T00:00:00Z",
    },
  });
});

test("the same Event is sent once per window", async () => {
  recorder.record(about, ready);
  recorder.record(about, { ...ready });
  await clock.advance(600_000);
  recorder.record(about, ready);
  await recorder.stop();
  expect(server.requests).toHaveLength(2);
  expect(dropped).toEqual(["duplicate"]);
});

test("a flood about one object is cut down and leaves others alone", async () => {
  for (let i = 0; i < 50; i++) recorder.record(about, { ...ready, message: `flood ${i}` });
  recorder.record({ ...about, uid: "other" }, ready);
  await clock.advance(30_000);
  recorder.record(about, { ...ready, message: "later" });
  await recorder.stop();
  expect(sent().filter((message) => message.startsWith("flood"))).toHaveLength(10);
  expect(sent()).toEqual(expect.arrayContaining([ready.message, "later"]));
  expect(dropped.filter((why) => why === "rate")).toHaveLength(40);
});

test("a server that does not answer holds nobody up, and no more than the queue holds is kept", async () => {
  server.handle(() => undefined);
  recorder = record({ capacity: 5, burst: 100 });
  for (let i = 0; i < 20; i++) recorder.record(about, { ...ready, message: `${i}` });
  expect(dropped).toHaveLength(14);
  const stopped = recorder.stop(1000);
  await until("one is under way", () => server.requests.length === 1);
  await clock.advance(1000);
  await stopped;
  recorder.record(about, { ...ready, message: "too late" });
  expect(dropped).toHaveLength(15);
});

test("an Event that is refused is counted and not tried again", async () => {
  server.handle((_, response) => {
    refuse(response, 403, "Forbidden");
  });
  recorder.record(about, ready);
  await recorder.stop();
  expect(server.requests).toHaveLength(1);
  expect(dropped).toEqual(["failed"]);
});
