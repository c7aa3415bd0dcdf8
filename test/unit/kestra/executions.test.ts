import { afterEach, describe, expect, test } from "@jest/globals";
import { KestraClient } from "../../../src/kestra/client.ts";
import { KestraProtocolError } from "../../../src/kestra/errors.ts";
import type { Executions } from "../../../src/kestra/executions.ts";
import { reply, serve } from "./support/loopback.ts";
import type { Loopback } from "./support/loopback.ts";

/** An execution as Kestra 1.1.0 sent it, without its task runs. */
const sent = {
  id: "2wmmB0KtyK285hNrgd7icE",
  namespace: "probe",
  flowId: "bf",
  flowRevision: 1,
  inputs: { color: "blue" },
  labels: [
    { key: "team", value: "a" },
    { key: "bf", value: "one" },
    { key: "system.correlationId", value: "2wmmB0KtyK285hNrgd7icE" },
  ],
  state: {
    current: "SUCCESS",
    histories: [{ state: "CREATED", date: "2026-11-22T19:26:50.485638Z" }],
    duration: "PT0.143728S",
    endDate: "2026-11-22T19:26:50.629366Z",
    startDate: "2026-11-22T19:26:50.485638Z",
  },
  originalId: "2wmmB0KtyK285hNrgd7icE",
  trigger: {
    id: "hourly",
    type: "io.kestra.plugin.core.trigger.Schedule",
    variables: { date: "2024-01-01T10:00:00Z", next: "2024-01-01T11:00:00Z", previous: "2024-01-01T09:00:00Z" },
  },
  deleted: false,
  metadata: { attemptNumber: 1, originalCreatedDate: "2026-11-22T19:26:50.485642Z" },
};
let server: Loopback;

afterEach(async () => {
  await server.close();
});

async function answering(status: number, body: unknown): Promise<Executions> {
  server = await serve((_request, response) => {
    reply(response, status, body);
  });
  const credentials = () => ({ username: "u", password: "p" });
  return new KestraClient({ url: server.url, tenant: "main", credentials }).executions;
}

function query(): Record<string, string> {
  return Object.fromEntries(new URL(server.received[0]?.target ?? "", server.url).searchParams);
}

const flow = { namespace: "probe", flow: "bf" };
const first = { page: 1, size: 100, order: "oldest" } as const;

describe("an execution", () => {
  const read = async (execution: object) =>
    (await (await answering(200, { results: [execution], total: 1 })).page(flow, first)).results[0];

  test("tells its slot, its state, its labels and when it was created", async () => {
    await expect(read(sent)).resolves.toEqual({
      id: "2wmmB0KtyK285hNrgd7icE",
      state: "SUCCESS",
      startedAt: Date.parse("2026-11-22T19:26:50.485Z"),
      endedAt: Date.parse("2026-11-22T19:26:50.629Z"),
      labels: { team: "a", bf: "one", "system.correlationId": "2wmmB0KtyK285hNrgd7icE" },
      trigger: "hourly",
      slot: Date.parse("2024-01-01T10:00:00Z"),
      flowRevision: 1,
    });
  });

  test("has a slot in the zone of its trigger", async () => {
    const variables = { date: "2024-01-01T10:00:00+01:00" };
    expect(await read({ ...sent, trigger: { ...sent.trigger, variables } })).toMatchObject({
      slot: Date.parse("2024-01-01T09:00:00Z"),
    });
  });

  test.each([
    ["was started by hand", { trigger: undefined }],
    ["was started by a trigger without variables", { trigger: { id: "hook", type: "x" } }],
    [
      "was started by something that calls another thing a date",
      { trigger: { id: "x", variables: { date: "today" } } },
    ],
    ["was started by something whose date is no text", { trigger: { id: "x", variables: { date: 7 } } }],
  ])("has no slot where it %s", async (_what, more) => {
    expect(await read({ ...sent, ...more })).not.toHaveProperty("slot");
  });

  test("may have no labels and no revision", async () => {
    const read1 = await read({ ...sent, labels: null, flowRevision: null });
    expect(read1).toMatchObject({ labels: {} });
    expect(read1).not.toHaveProperty("flowRevision");
  });
});

describe("a page", () => {
  test("is of one flow, sorted by when executions were created", async () => {
    const executions = await answering(200, { results: [sent], total: 24 });
    await expect(executions.page(flow, first)).resolves.toMatchObject({ total: 24 });
    expect(query()).toEqual({
      page: "1",
      size: "100",
      sort: "state.startDate:asc",
      "filters[namespace][EQUALS]": "probe",
      "filters[flowId][EQUALS]": "bf",
    });
  });

  test("has only those with labels and from a time on, where that is asked for", async () => {
    const executions = await answering(200, { results: [], total: 0 });
    const from = Date.parse("2026-11-22T19:26:50.485Z");
    await executions.page(
      { ...flow, labels: { "kestraflow.backfill": "u" }, from },
      { page: 3, size: 100, order: "newest" },
    );
    expect(query()).toMatchObject({
      page: "3",
      sort: "state.startDate:desc",
      "filters[labels][EQUALS][kestraflow.backfill]": "u",
      "filters[startDate][GREATER_THAN_OR_EQUAL_TO]": "2026-11-22T19:26:50.485Z",
    });
  });

  test.each([
    ["a page without executions", { total: 3 }],
    ["an execution without a state", { results: [{ ...sent, state: undefined }], total: 1 }],
    ["a login page", "<html>Sign in</html>"],
  ])("is not %s", async (_what, body) => {
    const executions = await answering(200, body);
    await expect(executions.page(flow, first)).rejects.toThrow(KestraProtocolError);
  });
});
