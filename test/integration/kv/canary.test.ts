import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { coreTypes } from "../../../src/kubernetes/objects.ts";
import type { KvSpec } from "../../../src/resources/kv/schema.ts";
import { Canaries, formsOf } from "../../support/canary.ts";
import { kubectl, TestNamespace, uniqueName } from "../../support/cluster.ts";
import { eventually } from "../../support/eventually.ts";
import { FaultProxy } from "../../support/faultProxy.ts";
import type { Exchange, Fault } from "../../support/faultProxy.ts";
import { TestKestra } from "../../support/kestra.ts";
import { OperatorProcess } from "../../support/operator.ts";
import { apiServerOf, ServiceAccount, SERVING } from "../process/access.ts";
import { fromConfigMap, fromSecret } from "./scene.ts";

/*
 * Secret values go through every path there is. The operator talks through proxies: everything that it asks Kubernetes to write is
 * seen, whether it lasts or not. In the end nothing of a value may be in that, in what it logged, or in what it served.
 */

jest.setTimeout(120_000);

const RECOVERY = { within: 60_000 };
const HARD = `"q" 'a' ü日 {{x}} <b> \\ %25 &=+/`;
const canaries = new Canaries();
const kestra = new TestKestra();
const namespace = uniqueName("canary");
/** What every operator of this test logged and served, as it came. */
const said: { what: string; text: string }[] = [];

let cluster: TestNamespace;
let account: ServiceAccount;
let kubernetes: FaultProxy;
let proxy: FaultProxy;
let operator: OperatorProcess;

/** A text with everything that encoders treat in their own way. */
const canary = (): string => canaries.make((token) => `${token} ${HARD}\n${token}`);

beforeAll(async () => {
  cluster = await TestNamespace.create("canary");
  account = await ServiceAccount.create(cluster, "operator");
  await account.grantIn(cluster.name, SERVING);
  await account.waitAllowed("watch", "secrets", cluster.name);
  kubernetes = await FaultProxy.before(apiServerOf(cluster));
  proxy = await FaultProxy.before({ url: process.env.KESTRA_URL ?? "" });
  await startOperator();
});

afterAll(async () => {
  await operator.kill("SIGKILL");
  await Promise.all([kubernetes.close(), proxy.close()]);
  await account.remove();
  await cluster.destroy();
  for (const { key } of await kestra.entries(namespace)) await kestra.deleteEntry(namespace, key);
});

async function startOperator(): Promise<void> {
  operator = await OperatorProcess.start(cluster.name, {
    settings: {
      KUBECONFIG: await account.kubeconfig({ url: kubernetes.url }),
      KESTRA_URL: proxy.url,
      LOG_LEVEL: "debug",
      DRIFT_INTERVAL: "300ms",
      STALLED_RETRY_INTERVAL: "1s",
      SHUTDOWN_GRACE: "300ms",
    },
  });
}

/** Keeps what the operator says while it can still say it. */
async function listen(): Promise<void> {
  for (const path of ["/metrics", "/healthz", "/readyz"])
    said.push({ what: path, text: (await operator.get(path)).body });
}

async function endOperator(signal: NodeJS.Signals): Promise<void> {
  await operator.kill(signal);
  said.push({ what: "the operator's output", text: operator.output });
}

function create(name: string, spec: Partial<KvSpec>): Promise<unknown> {
  return cluster.kvs.create(name, { namespace, key: name, ...spec });
}

async function following(name: string, value: string, spec: Partial<KvSpec> = {}): Promise<void> {
  await cluster.putSecret(name, { value });
  await create(name, { ...fromSecret(name), ...spec });
  await holds(name, value);
  await cluster.kvs.waitReady(name);
}

async function holds(key: string, value: unknown): Promise<void> {
  await eventually(async () => {
    const stored = await kestra.value(namespace, key);
    if (JSON.stringify(stored?.value) !== JSON.stringify(value)) throw new Error(`${key} is not written yet`);
  }, RECOVERY);
}

/** Waits until a proxy has treated this many requests with a fault. */
async function struck(strikes: () => number, times = 2): Promise<void> {
  await eventually(() => {
    if (strikes() < times) throw new Error(`only ${strikes()} requests were struck`);
  }, RECOVERY);
}

test("the search finds a value in each of its forms", () => {
  const known = new Canaries();
  const value = known.make((token) => `${token} ${HARD}`);
  const token = value.slice(0, 12);
  for (const [form, pieces] of Object.entries(formsOf(value, token))) {
    expect(pieces.length).toBeGreaterThan(0);
    for (const piece of pieces) expect([form, known.findIn(`before ${piece} after`).length > 0]).toEqual([form, true]);
  }
  for (const around of ["", "x", "xy"]) {
    const inside = Buffer.from(`${around}${value}${around}`).toString("base64");
    expect(known.findIn(inside)).not.toEqual([]);
  }
  expect(known.findIn(`${HARD} 123456789012`)).toEqual([]);
});

test("a value is made, rotated, renamed, contested, handed over, drifted from, expired and deleted", async () => {
  await following("lived", canary(), { ttl: "PT1H", description: "no secret" });
  for (let round = 0; round < 3; round++) {
    const next = canary();
    await cluster.putSecret("lived", { value: next });
    await holds("lived", next);
  }
  // What is changed before the operator has seen what became of its own write is part of that write, and no drift.
  await eventually(async () => {
    const [entry] = (await kestra.entries(namespace)).filter(({ key }) => key === "lived");
    expect((await cluster.kvs.get("lived")).status?.entry?.version).toBe(entry?.version);
  });
  await kestra.putEntry(namespace, "lived", JSON.stringify(canary()));
  await eventually(async () => {
    expect((await cluster.kvs.get("lived")).status?.drift?.correctedAt).toBeDefined();
  });
  await cluster.kvs.patchSpec("lived", { driftPolicy: "Report" });
  await kestra.putEntry(namespace, "lived", JSON.stringify(canary()));
  await cluster.kvs.waitFor("lived", "Drifted", "True");
  await cluster.kvs.patchSpec("lived", { key: "lived-on" });
  await cluster.kvs.waitReady("lived");
  await create("heir", { ...fromSecret("lived"), key: "lived-on" });
  await cluster.kvs.waitFor("heir", "Stalled", "True", "Conflict");
  await cluster.kvs.delete("lived");
  await cluster.kvs.waitReady("heir");
  await following("brief", canary(), { ttl: "PT1S" }).catch(() => undefined);
  await cluster.kvs.waitFor("brief", "Ready", "True", "Expired");
});

test("a value of somebody else's is met in Kestra, and refused", async () => {
  await kestra.putEntry(namespace, "met", JSON.stringify(canary()));
  await cluster.putSecret("met", { value: canary() });
  await create("met", fromSecret("met"));
  await cluster.kvs.waitFor("met", "Stalled", "True", "AdoptionRefused");
  await kestra.putEntry(namespace, "met", "{ half: 12 }");
});

describe("a value that is none of its type is refused:", () => {
  test.each<[KvSpec["type"], (token: string) => string | Buffer]>([
    ["NUMBER", (token) => `${token},5`],
    ["NUMBER", (token) => `${token}e400`],
    ["BOOLEAN", (token) => `yes ${token}`],
    ["DATE", (token) => `2024-02-30 ${token}`],
    ["DATETIME", (token) => `2024-02-30T00:00:00.${token}Z`],
    ["DURATION", (token) => `P${token}W`],
    ["STRING", (token) => `PT${token}H`],
    ["JSON", (token) => `{"a": "${token}"`],
    ["JSON", (token) => `{"${token}": 1, "${token}": 2}`],
    ["JSON", (token) => `${"[".repeat(300)}"${token}"${"]".repeat(300)}`],
    ["JSON", (token) => `{"${token}": 1e400}`],
    ["JSON", (token) => `"${token}"`],
    ["STRING", (token) => Buffer.concat([Buffer.from(token), Buffer.from([0xff, 0xfe])])],
  ])("%s %#", async (type, shape) => {
    let value: string | Buffer = "";
    canaries.make((token) => {
      value = shape(token);
      return value.toString();
    });
    const name = uniqueName("typed");
    await cluster.putSecret(name, { value });
    await create(name, { ...fromSecret(name), ...(type === undefined ? {} : { type }) });
    await cluster.kvs.waitFor(name, "Stalled", "True", "InvalidValue");
    await cluster.putSecret(name, { value: "" });
    await cluster.kvs.waitFor(name, "Ready", "False", "ReferenceMissing");
  });
});

test("a literal becomes a reference and a reference a literal, a Secret a ConfigMap, and Secrets go missing", async () => {
  await create("turned", { value: "no secret" });
  await cluster.kvs.waitReady("turned");
  const values = [canary(), canary()] as const;
  await cluster.putSecret("turned", { value: values[0], binary: Buffer.from([0xff]) });
  await cluster.kvs.patchSpec("turned", { value: null, ...fromSecret("turned") });
  await holds("turned", values[0]);
  await cluster.kvs.patchSpec("turned", { ...fromSecret("turned", "not-there") });
  await cluster.kvs.waitFor("turned", "Ready", "False", "ReferenceMissing");
  await cluster.kvs.patchSpec("turned", { ...fromSecret("turned", "binary") });
  await cluster.kvs.waitFor("turned", "Stalled", "True", "InvalidValue");
  await cluster.putConfigMap("turned", { value: values[1] });
  await cluster.kvs.patch("turned", {
    spec: { valueFrom: { secretKeyRef: null, ...fromConfigMap("turned").valueFrom } },
  });
  await holds("turned", values[1]);
  await cluster.kvs.patchSpec("turned", { valueFrom: null, value: "no secret again" });
  await holds("turned", "no secret again");
  await cluster.kvs.patchSpec("turned", { value: null, ...fromSecret("turned") });
  await cluster.deleteSecret("turned");
  await cluster.kvs.waitFor("turned", "Ready", "False", "ReferenceMissing");
});

/** An error of Kestra's own form in which everything that it was told comes back. */
function kestraError(status: number, text: string): Fault {
  const errors = [{ message: `bad value: ${text}`, path: `value["${text}"]` }];
  const body = JSON.stringify({ message: `Illegal argument: ${text}`, _links: {}, _embedded: { errors } });
  return { status, body, headers: { "content-type": "application/json" } };
}

const html = (text: string): string => `<html><body><h1>Bad Gateway</h1><pre>${text}</pre></body></html>`;

const KESTRA_FAULTS: [string, (text: string) => Fault][] = [
  ...[400, 401, 403, 404, 409, 410, 413, 422, 429, 500, 503].map((status): [string, (text: string) => Fault] => [
    `${status}`,
    (text) => kestraError(status, text),
  ]),
  ["a proxy's 502 in HTML", (text) => ({ status: 502, body: html(text), headers: { "content-type": "text/html" } })],
  ["a page of HTML", (text) => ({ status: 200, body: html(text), headers: { "content-type": "text/html" } })],
  [
    "half of an answer",
    (text) => ({ status: 200, body: `{"type":"STRING","value":${JSON.stringify(text).slice(0, -1)}` }),
  ],
  ["an answer of another shape", (text) => ({ status: 200, body: JSON.stringify({ type: text, [text]: text }) })],
  [
    "a redirect",
    (text) => ({ status: 307, headers: { location: `http://127.0.0.1:9/?value=${encodeURIComponent(text)}` } }),
  ],
];

describe("Kestra answers with the value in an error", () => {
  test.each(KESTRA_FAULTS)("to a write: %s", async (_what, fault) => {
    const name = uniqueName("written");
    await following(name, canary());
    const next = canary();
    let strikes = 0;
    proxy.faults = {
      before: ({ method, path, body }) => {
        if (method !== "PUT" || !path.endsWith(`/kv/${name}`)) return undefined;
        strikes += 1;
        return fault(body);
      },
    };
    await cluster.putSecret(name, { value: next });
    await struck(() => strikes, 1);
    proxy.heal();
    await holds(name, next);
    await cluster.kvs.waitReady(name, RECOVERY);
  });

  test.each(KESTRA_FAULTS)("to a read: %s", async (_what, fault) => {
    const name = uniqueName("read");
    const next = canary();
    await following(name, canary());
    let strikes = 0;
    proxy.faults = {
      before: ({ method, path }) => {
        if (method !== "GET" || !path.endsWith(`/kv/${name}`)) return undefined;
        strikes += 1;
        return fault(next);
      },
    };
    await cluster.putSecret(name, { value: next });
    await struck(() => strikes, 1);
    proxy.heal();
    await holds(name, next);
    await cluster.kvs.waitReady(name, RECOVERY);
  });
});

describe("the API server answers a read of the Secret with its value in", () => {
  const status = (code: number, text: string): Fault => ({
    status: code,
    body: JSON.stringify({
      kind: "Status",
      apiVersion: "v1",
      status: "Failure",
      message: `no: ${text}`,
      reason: text,
      code,
    }),
    headers: { "content-type": "application/json" },
  });
  test.each<[string, (text: string) => Fault]>([
    ["a proxy's 502 in HTML", (text) => ({ status: 502, body: html(text), headers: { "content-type": "text/html" } })],
    [
      "half of an answer",
      (text) => ({ status: 200, body: `{"kind":"Secret","data":{"value":"${btoa(encodeURIComponent(text))}"` }),
    ],
    [
      "half of an answer in text",
      (text) => ({ status: 200, body: `{"kind":"Secret","stringData":{"value":${JSON.stringify(text).slice(0, -1)}` }),
    ],
    ["a failure's message", (text) => status(500, text)],
    ["a refusal's message", (text) => status(403, text)],
  ])("%s", async (_what, fault) => {
    const name = uniqueName("source");
    await following(name, canary());
    const next = canary();
    let strikes = 0;
    kubernetes.faults = {
      before: ({ method, path }: Exchange) => {
        if (method !== "GET" || !path.endsWith(`/secrets/${name}`)) return undefined;
        strikes += 1;
        return fault(next);
      },
    };
    await cluster.putSecret(name, { value: next });
    await struck(() => strikes, 1);
    kubernetes.heal();
    await holds(name, next);
    await cluster.kvs.waitReady(name, RECOVERY);
  });
});

describe("in the middle of a write the operator", () => {
  test.each([
    ["dies", "SIGKILL"],
    ["is told to end, and cuts the write off", "SIGTERM"],
  ] as const)("%s", async (_what, signal) => {
    const name = uniqueName("cut");
    await following(name, canary());
    const next = canary();
    const held = proxy.hold("before", ({ method, body }) => method === "PUT" && body === JSON.stringify(next));
    await cluster.putSecret(name, { value: next });
    await held.reached;
    await listen();
    await endOperator(signal);
    held.release();
    await startOperator();
    await holds(name, next);
  });
});

test("nothing of any value was logged, served, or written to Kubernetes", async () => {
  await listen();
  await endOperator("SIGTERM");
  const everything = ["get", "kestrakvs,kestraflows,events", "-n", cluster.name, "--show-managed-fields"];
  for (const format of ["json", "yaml", "wide"])
    said.push({ what: `kubectl get -o ${format}`, text: await kubectl([...everything, "-o", format]) });
  said.push({ what: "kubectl describe", text: await kubectl(["describe", "kestrakvs", "-n", cluster.name]) });
  for (const { method, path, body } of kubernetes.log)
    said.push({ what: `${method} ${path}`, text: `${path}\n${body}` });
  for (const { method, path } of proxy.log) said.push({ what: `${method} ${path}`, text: path });

  const { items } = await cluster.client.list(coreTypes.event, { namespace: cluster.name });
  expect(items.length).toBeGreaterThan(50);
  expect(said.filter(({ what }) => what.startsWith("PATCH")).length).toBeGreaterThan(100);
  expect(said.filter(({ what }) => what === "the operator's output").map(({ text }) => text.length > 2_000)).toEqual([
    true,
    true,
    true,
  ]);
  const written = proxy.log
    .filter(({ method }) => method === "PUT")
    .map(({ body }) => body)
    .join("\n");
  expect(canaries.findIn(written).length).toBeGreaterThan(100);

  const finds = said.flatMap(({ what, text }) => canaries.findIn(text).map((find) => `${what}: ${find}`));
  expect(finds).toEqual([]);
});
