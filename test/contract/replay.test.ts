import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, describe, expect, test } from "@jest/globals";
import { type Answer, firstDifference } from "./compare.ts";
import { differences, lenient, notServed } from "./differences.ts";
import { type Recorded, recording } from "./recording.ts";

/**
 * Replays what was recorded on a real Kestra 1.1.0 against the engine server at KESTRA_URL. A recorded GET came after a
 * wait that was not recorded, so it is repeated until its answer is the recorded one.
 */
const server = required("KESTRA_URL");
const login = `Basic ${Buffer.from(`${required("KESTRA_USERNAME")}:${required("KESTRA_PASSWORD")}`).toString("base64")}`;
const namespace = `p${Math.floor(Math.random() * 36 ** 4)
  .toString(36)
  .padStart(4, "0")}`;
const patience: Record<string, number> = { backfill: 60_000 };
const usualPatience = 5_000;

const recordings = ["meta", "flows", "kv", "backfill"].map((name) => ({ name, requests: recording(name, namespace) }));

describe.each(recordings)("$name, as Kestra 1.1.0 answered", ({ name, requests }) => {
  const limit = patience[name] ?? usualPatience;

  test.each(requests.filter(({ key }) => !(key in notServed)))(
    "$key: $answer.status",
    async (recorded) => {
      const listed = differences[recorded.key]?.at;
      const found = await replayed(recorded, listed === undefined ? limit : 0);
      const difference = listed !== undefined && found?.startsWith(listed) ? listed : found;
      expect(difference).toBe(listed);
    },
    limit + 10_000,
  );
});

test("every listed exception names a recorded request", () => {
  const keys = recordings.flatMap(({ requests }) => requests.map(({ key }) => key));
  const listed = [...Object.keys(differences), ...Object.keys(notServed), ...Object.keys(lenient)];
  expect(listed.filter((key) => !keys.includes(key))).toEqual([]);
});

afterAll(async () => {
  const flows = (await (await call("GET", `/api/v1/main/flows/${namespace}`)).json()) as { id: string }[];
  for (const { id } of flows) await call("DELETE", `/api/v1/main/flows/${namespace}/${id}`);
}, 60_000);

interface TriggerRow {
  backfill?: { currentDate: string };
  executionId?: string;
}

/** What has to be so before some requests that change a trigger's row, where the recording waited. */
const before: Record<string, (row: TriggerRow) => boolean> = {
  "backfill: create big backfill (to pause)": (row) => row.backfill === undefined,
  "backfill: pause": (row) => (row.backfill?.currentDate ?? "") > "2023-01-01T00:00:00Z",
};

/**
 * Waits for the moment to change the trigger's row. Never while the execution of a slot runs: at its end the engine reads
 * the row and writes it back without a lock, and undoes what was changed in between.
 */
async function settled(condition: (row: TriggerRow) => boolean = () => true): Promise<void> {
  for (;;) {
    const answer = await call("GET", `/api/v1/main/triggers/${namespace}/bf`);
    const [row] = ((await answer.json()) as { results: TriggerRow[] }).results;
    if (row === undefined || (row.executionId === undefined && condition(row))) return;
    await sleep(20);
  }
}

/** Sends the request, a GET until its answer is right or time is up, and says what differs in the last answer. */
async function replayed(recorded: Recorded, limit: number): Promise<string | undefined> {
  if (recorded.key.startsWith("backfill:") && recorded.method !== "GET") await settled(before[recorded.key]);
  const deadline = Date.now() + limit;
  for (;;) {
    const found = firstDifference(recorded, await answerTo(recorded), lenient[recorded.key]);
    if (found === undefined || recorded.method !== "GET" || Date.now() > deadline) return found;
    await sleep(100);
  }
}

async function answerTo(recorded: Recorded): Promise<Answer> {
  const response = await call(recorded.method, recorded.path, {
    headers: { ...authorization(recorded.key), ...recorded.headers },
    ...(recorded.body === undefined ? {} : { body: recorded.body }),
  });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

function call(method: string, path: string, init: RequestInit = {}): Promise<Response> {
  return fetch(new URL(path, server), { method, headers: { authorization: login }, redirect: "manual", ...init });
}

/** The recordings do not hold the login; those of a refused one say so in their names. */
function authorization(key: string): Record<string, string> {
  if (key === "meta: no auth" || key === "meta: configs without auth") return {};
  if (key === "meta: bad password")
    return { authorization: `Basic ${Buffer.from("admin@kestra.io:nope").toString("base64")}` };
  if (key === "meta: garbage auth header") return { authorization: "garbage" };
  return { authorization: login };
}

function required(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === "")
    throw new Error(`Set ${name}: the contract test needs a running engine server.`);
  return value;
}
