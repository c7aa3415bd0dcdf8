import type { ServerResponse } from "node:http";
import { afterEach, describe, expect, test } from "@jest/globals";
import { KestraClient } from "../../../src/kestra/client.ts";
import { KestraProtocolError, KestraRejected, KestraUnreachable } from "../../../src/kestra/errors.ts";
import type { Triggers } from "../../../src/kestra/triggers.ts";
import { kestraError, reply, serve } from "./support/loopback.ts";
import type { Loopback, Received } from "./support/loopback.ts";

const identity = { namespace: "probe", flow: "bf", trigger: "hourly" };
/** Rows as Kestra 1.1.0 sent them. */
const idle = {
  tenantId: "main",
  namespace: "probe",
  flowId: "bf",
  triggerId: "hourly",
  date: "2026-11-22T19:26:38Z",
  nextExecutionDate: "2026-11-22T20:00:00Z",
  disabled: false,
};
const busy = {
  ...idle,
  date: "2024-01-01T01:00:00Z",
  nextExecutionDate: "2024-01-01T01:00:00Z",
  backfill: {
    start: "2024-01-01T00:00:00Z",
    end: "2024-01-01T23:00:00Z",
    currentDate: "2024-01-01T01:00:00Z",
    paused: false,
    inputs: { color: "blue" },
    labels: [{ key: "bf", value: "one" }],
    previousNextExecutionDate: "2026-11-22T20:00:00Z",
  },
  executionId: "1B0YebZoIzABPfIYp8qXNY",
  updatedDate: "2026-11-22T19:26:39.661272Z",
};
const request = { start: Date.parse("2024-01-01T00:00:00Z"), end: Date.parse("2024-01-01T23:00:00Z") };
let server: Loopback;

afterEach(async () => {
  await server.close();
});

async function triggersOf(answer: (request: Received, response: ServerResponse) => void): Promise<Triggers> {
  server = await serve(answer);
  const credentials = () => ({ username: "u", password: "p" });
  return new KestraClient({ url: server.url, tenant: "main", credentials }).triggers;
}

function answering(status: number, body: unknown = ""): Promise<Triggers> {
  return triggersOf((_request, response) => {
    reply(response, status, body);
  });
}

function sent(): unknown {
  return JSON.parse(server.received[0]?.body ?? "");
}

describe("get", () => {
  test("reads the row of an idle trigger", async () => {
    const triggers = await answering(200, { results: [idle], total: 1 });
    await expect(triggers.get(identity)).resolves.toEqual({
      namespace: "probe",
      flowId: "bf",
      triggerId: "hourly",
      nextExecutionDate: Date.parse("2026-11-22T20:00:00Z"),
      disabled: false,
    });
    expect(server.received[0]?.target).toBe("/api/v1/main/triggers/probe/bf?page=1&size=100&sort=triggerId:asc");
  });

  test("reads whose backfill runs, and which execution holds the trigger", async () => {
    const triggers = await answering(200, { results: [busy], total: 1 });
    await expect(triggers.get(identity)).resolves.toMatchObject({
      executionId: "1B0YebZoIzABPfIYp8qXNY",
      nextExecutionDate: Date.parse("2024-01-01T01:00:00Z"),
      backfill: {
        labels: { bf: "one" },
        paused: false,
        currentDate: Date.parse("2024-01-01T01:00:00Z"),
        previousNextExecutionDate: Date.parse("2026-11-22T20:00:00Z"),
      },
    });
  });

  test.each([
    ["no labels", { ...busy.backfill, labels: undefined }, undefined],
    ["null for labels", { ...busy.backfill, labels: null }, null],
    ["labels as a map", { ...busy.backfill, labels: { bf: "one" } }, { bf: "one" }],
  ])("reads a backfill with %s", async (_what, backfill, labels) => {
    const triggers = await answering(200, { results: [{ ...busy, backfill }], total: 1 });
    expect((await triggers.get(identity))?.backfill?.labels).toEqual(labels);
  });

  test("reads a row that was switched off, which has no next date", async () => {
    const { nextExecutionDate, ...off } = idle;
    const triggers = await answering(200, { results: [{ ...off, disabled: true }], total: 1 });
    const row = await triggers.get(identity);
    expect(row).toMatchObject({ disabled: true });
    expect(row).not.toHaveProperty("nextExecutionDate", nextExecutionDate);
  });

  test("finds one among many, page by page, and no further", async () => {
    const all = Array.from({ length: 250 }, (_, index) => ({
      ...idle,
      triggerId: index === 150 ? "hourly" : `t${index}`,
    }));
    const triggers = await triggersOf(({ target }, response) => {
      const page = Number(new URL(target, server.url).searchParams.get("page"));
      reply(response, 200, { results: all.slice((page - 1) * 100, page * 100), total: all.length });
    });
    await expect(triggers.get(identity)).resolves.toMatchObject({ triggerId: "hourly" });
    expect(server.received).toHaveLength(2);
    await expect(triggers.get({ ...identity, trigger: "none" })).resolves.toBeUndefined();
    expect(server.received).toHaveLength(5);
  });

  test("knows of none where the list is empty, whatever its total says", async () => {
    const triggers = await answering(200, { results: [], total: 500 });
    await expect(triggers.get(identity)).resolves.toBeUndefined();
  });

  test("takes no trigger of another name for the one that is meant", async () => {
    const triggers = await answering(200, { results: [{ ...idle, triggerId: "hourly2" }], total: 1 });
    await expect(triggers.get(identity)).resolves.toBeUndefined();
  });

  test("is wrong about nothing that is no row", async () => {
    const triggers = await answering(200, { results: [{ ...idle, nextExecutionDate: "soon" }], total: 1 });
    await expect(triggers.get(identity)).rejects.toThrow(KestraProtocolError);
  });
});

describe("startBackfill", () => {
  test("sends range, labels and inputs, and tells what it replaced", async () => {
    const triggers = await answering(200, busy);
    const started = await triggers.startBackfill(identity, {
      ...request,
      labels: { bf: "one" },
      inputs: { color: "blue" },
    });
    expect(server.received[0]).toMatchObject({ method: "PUT", target: "/api/v1/main/triggers" });
    expect(sent()).toEqual({
      tenantId: "main",
      namespace: "probe",
      flowId: "bf",
      triggerId: "hourly",
      backfill: {
        start: "2024-01-01T00:00:00.000Z",
        end: "2024-01-01T23:00:00.000Z",
        labels: [{ key: "bf", value: "one" }],
        inputs: { color: "blue" },
      },
    });
    expect(started.backfill?.previousNextExecutionDate).toBe(Date.parse("2026-11-22T20:00:00Z"));
  });

  test("sends no inputs where there are none, and starts one paused only where that is asked for", async () => {
    const triggers = await answering(200, busy);
    await triggers.startBackfill(identity, { ...request, labels: {}, paused: true });
    expect(sent()).toMatchObject({ backfill: { paused: true, labels: [] } });
    expect((sent() as { backfill: object }).backfill).not.toHaveProperty("inputs");
    // Without the word, Kestra keeps the flag as it is.
    expect(sent()).not.toHaveProperty("disabled");
  });

  test.each([
    [404, "Not Found: Flow of trigger hourly not found"],
    [404, "Not Found: Flow bf has no trigger nope"],
    [
      400,
      'Bad Request: Cannot invoke "java.time.ZonedDateTime.withZoneSameInstant(java.time.ZoneId)" because "date" is null',
    ],
    [422, "Invalid json mapping"],
  ])("throws what Kestra says with %d: %s", async (status, message) => {
    const triggers = await answering(status, kestraError(message));
    await expect(triggers.startBackfill(identity, { ...request, labels: {} })).rejects.toThrow(
      new KestraRejected(status, message),
    );
  });

  test("has no answer where the connection is cut", async () => {
    const triggers = await triggersOf((_request, response) => {
      response.destroy();
    });
    await expect(triggers.startBackfill(identity, { ...request, labels: {} })).rejects.toThrow(KestraUnreachable);
    expect(server.received).toHaveLength(1);
  });
});

describe("deleteBackfill", () => {
  test("names the row with its tenant, without which 1.x finds none", async () => {
    const triggers = await answering(200, idle);
    await expect(triggers.deleteBackfill(identity)).resolves.toMatchObject({
      nextExecutionDate: Date.parse("2026-11-22T20:00:00Z"),
    });
    expect(server.received[0]).toMatchObject({ method: "POST", target: "/api/v1/main/triggers/backfill/delete" });
    expect(sent()).toEqual({ tenantId: "main", namespace: "probe", flowId: "bf", triggerId: "hourly" });
  });

  test.each([
    ["the trigger has none", 400, "Bad Request: No backfill found"],
    ["there is no trigger", 404, "Not Found"],
  ])("says so where %s", async (_what, status, message) => {
    const triggers = await answering(status, kestraError(message));
    await expect(triggers.deleteBackfill(identity)).resolves.toBe("none");
  });

  test.each([
    ["another complaint", 400, kestraError("Bad Request: something else")],
    ["a page of something in front of Kestra", 404, "<html>404</html>"],
    ["a login page", 200, "<html>Sign in</html>"],
  ])("does not take %s for done", async (_what, status, body) => {
    const triggers = await answering(status, body);
    await expect(triggers.deleteBackfill(identity)).rejects.toThrow(KestraProtocolError);
  });
});
