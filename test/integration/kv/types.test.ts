import { describe, expect, test } from "@jest/globals";
import type { KvType } from "../../../src/kestra/types.ts";
import { kubectl, uniqueName } from "../../support/cluster.ts";
import { eventually } from "../../support/eventually.ts";
import { fromConfigMap, fromSecret, KvScene, messageOf } from "./scene.ts";

const scene = new KvScene("types", { STALLED_RETRY_INTERVAL: "1h" });
const { kestra, namespace } = scene;

/** A manifest as people write it; `value` is the YAML that stands after `value:`. */
function manifest(key: string, value: string, type?: KvType): string {
  return `apiVersion: kestraflow.dev/v1alpha1
kind: KestraKV
metadata:
  name: ${key}
  namespace: ${scene.cluster.name}
spec:
  namespace: ${namespace}
  key: ${key}
  value: ${value}
${type === undefined ? "" : `  type: ${type}\n`}`;
}

async function apply(text: string, ...flags: string[]): Promise<void> {
  await kubectl(["apply", ...flags, "-f", "-"], text);
}

/** About 500 KB of JSON, with what is hard to keep in it. */
function largeJson(): Record<string, unknown>[] {
  return Array.from({ length: 5_000 }, (_, index) => ({
    index,
    name: `ü日本🙂"\\ ${"x".repeat(50)}`,
    half: index / 2,
    nothing: index % 2 === 0 ? [null] : [],
  }));
}

describe("a manifest's literal comes to Kestra as what it is:", () => {
  test.each<[what: string, yaml: string, stored: { type: string; value: unknown }]>([
    ["text", "hello world // and /* more */", { type: "STRING", value: "hello world // and /* more */" }],
    ["an empty text", '""', { type: "STRING", value: "" }],
    ["unicode", "Größe 日本語 👩‍👩‍👧‍👦", { type: "STRING", value: "Größe 日本語 👩‍👩‍👧‍👦" }],
    ["lines", '"one\\r\\n\\ttwo\\n"', { type: "STRING", value: "one\r\n\ttwo\n" }],
    ["a block of lines", "|\n    one\n\n      two\n", { type: "STRING", value: "one\n\n  two\n" }],
    ["text like a number", '"007"', { type: "STRING", value: "007" }],
    ["text like a day", '"2024-05-01"', { type: "STRING", value: "2024-05-01" }],
    ["text like null", '"null"', { type: "STRING", value: "null" }],
    ["a whole number", "-42", { type: "NUMBER", value: -42 }],
    ["the largest safe number", "9007199254740991", { type: "NUMBER", value: 9007199254740991 }],
    ["a fraction", "0.1", { type: "NUMBER", value: 0.1 }],
    ["true", "true", { type: "BOOLEAN", value: true }],
    ["false", "false", { type: "BOOLEAN", value: false }],
    ["a list", "[1, two, [true], null]", { type: "JSON", value: [1, "two", [true], null] }],
    ["an object", '{a: {b: [1.5]}, "": "PT5M"}', { type: "JSON", value: { a: { b: [1.5] }, "": "PT5M" } }],
    ["an empty object", "{}", { type: "JSON", value: {} }],
  ])("%s", async (_what, yaml, stored) => {
    const key = uniqueName("literal");
    await apply(manifest(key, yaml));
    const { status } = await scene.kvs.waitReady(key);
    expect(status?.entry).toMatchObject({ key, namespace, type: stored.type, version: 1 });
    expect(await scene.stored(key)).toMatchObject(stored);
  });

  // A client-side apply takes null for a field that is to be left out.
  test("null", async () => {
    await expect(apply(manifest("nothing", "null"))).rejects.toThrow(/spec\.value/);
    await apply(manifest("nothing", "null"), "--server-side");
    await scene.kvs.waitReady("nothing");
    expect(await scene.stored("nothing")).toMatchObject({ type: "STRING", value: null });
  });

  test("500 KB of JSON", async () => {
    const value = largeJson();
    const json = JSON.stringify(value);
    expect(Buffer.byteLength(json)).toBeGreaterThan(500_000);
    // The annotation in which a client-side apply keeps the manifest is limited to 256 KB.
    await apply(manifest("large", json), "--server-side");
    await scene.kvs.waitReady("large");
    expect((await scene.stored("large")).value).toEqual(value);
    expect(await scene.version("large")).toBe(1);
  });
});

describe("a manifest's text comes to Kestra as the type that it is given:", () => {
  test.each<[type: KvType, text: string, json: string]>([
    ["NUMBER", "123456789012345678901234567890", "123456789012345678901234567890"],
    ["NUMBER", "9007199254740993", "9007199254740993"],
    ["NUMBER", "0.1234567890123456789012345678901234567890", "0.1234567890123456789012345678901234567890"],
    ["BOOLEAN", "true", "true"],
    ["DATE", "2024-02-29", '"2024-02-29"'],
    ["DATETIME", "2024-05-01T03:02:03.120+02:00", '"2024-05-01T01:02:03.120Z"'],
    ["DURATION", "PT90M", '"PT1H30M"'],
    ["JSON", '{"big": 123456789012345678901234567890}', '{"big":123456789012345678901234567890}'],
  ])("%s %s", async (type, text, json) => {
    const key = uniqueName("typed");
    await apply(manifest(key, JSON.stringify(text), type));
    const { status } = await scene.kvs.waitReady(key);
    expect(status?.entry?.type).toBe(type);
    const stored = await scene.stored(key);
    expect(stored.type).toBe(type);
    expect(stored.text).toContain(`"value":${json}`);
  });

  test.each<[type: KvType, text: string, value: unknown]>([
    ["NUMBER", "42\n", 42],
    ["DATE", "2024-02-29\n", "2024-02-29"],
    ["JSON", '\n{"a": [1]}\n', { a: [1] }],
    ["STRING", "kept as it is\n", "kept as it is\n"],
  ])("%s from a Secret and a ConfigMap, as files end", async (type, text, value) => {
    const key = uniqueName("typed");
    await scene.cluster.putSecret(key, { value: text });
    await scene.cluster.putConfigMap(key, { value: text });
    await scene.inSync(`${key}-s`, { ...fromSecret(key), type });
    await scene.inSync(`${key}-c`, { ...fromConfigMap(key), type });
    expect(await scene.stored(`${key}-s`)).toMatchObject({ type, value });
    expect(await scene.stored(`${key}-c`)).toMatchObject({ type, value });
  });

  test("500 KB of JSON from a ConfigMap", async () => {
    const value = largeJson();
    await scene.cluster.putConfigMap("large-map", { value: JSON.stringify(value, undefined, 1) });
    await scene.inSync("large-map", { ...fromConfigMap("large-map"), type: "JSON" });
    expect(await scene.stored("large-map")).toMatchObject({ type: "JSON", value });
  });
});

describe("refused with a condition that says why, and never told, is", () => {
  test.each<[what: string, yaml: string, type: KvType | undefined, why: RegExp]>([
    ["a whole number beyond 2^53", "9007199254740993", undefined, /more digits than JSON keeps.*type NUMBER/],
    ["a long decimal", "0.12345678901234567", undefined, /more digits than JSON keeps.*type NUMBER/],
    ["such a number in a tree", "{a: [9007199254740993]}", undefined, /The number at a\[0\].*type JSON/],
    ["text that Kestra takes for a duration", "PT97M", undefined, /takes a text like this for a duration/],
    ["a day that there is not", '"2023-02-29"', "DATE", /is not a DATE/],
    ["midnight", '"2023-02-27T00:00:00Z"', "DATETIME", /midnight in UTC/],
    ["a month as a duration", '"P77M"', "DURATION", /is not a DURATION/],
    ["a comma for a point", '"77,55"', "NUMBER", /is not a number/],
    ["yes", '"yes-no"', "BOOLEAN", /is not a BOOLEAN/],
    ["half of an object", '"{\\"half\\": 77"', "JSON", /is not JSON/],
    ["a key twice", '"{\\"again-77\\": 77, \\"again-77\\": 78}"', "JSON", /the same key twice/],
    ["a number as a STRING", "775577", "STRING", /write it in quotes/],
  ])("%s", async (_what, yaml, type, why) => {
    const key = uniqueName("refused");
    await apply(manifest(key, yaml, type));
    const resource = await scene.kvs.waitFor(key, "Stalled", "True", "InvalidValue");
    expect(messageOf(resource)).toMatch(why);
    const [, value = "none"] = /([^"{}\\[\] :]{5,})/.exec(yaml) ?? [];
    expect(JSON.stringify(resource.status)).not.toContain(value);
    expect(resource.metadata.finalizers ?? []).toEqual([]);
    expect(await kestra.value(namespace, key)).toBeUndefined();
  });
});

test("a value edited into an invalid one keeps the last good entry, and goes on when it is put right", async () => {
  await apply(manifest("spoiled", "fine"));
  await scene.kvs.waitReady("spoiled");
  await apply(manifest("spoiled", '"PT5M"'));
  const resource = await scene.kvs.waitFor("spoiled", "Stalled", "True", "InvalidValue");
  expect(messageOf(resource)).toContain(`Kestra keeps version 1 of ${namespace}/spoiled.`);
  expect((await scene.stored("spoiled")).value).toBe("fine");
  await apply(manifest("spoiled", '"PT5M"', "DURATION"));
  await scene.kvs.waitReady("spoiled");
  expect(await scene.stored("spoiled")).toMatchObject({ type: "DURATION", value: "PT5M" });
});

test("a value of another type, and null, take the place of one another", async () => {
  for (const [yaml, value] of [
    ["one", "one"],
    ["null", null],
    ["[1]", [1]],
    ["false", false],
  ] as const) {
    await apply(manifest("changing", yaml), "--server-side");
    await scene.waitValue("changing", value);
    await scene.kvs.waitReady("changing");
  }
  expect(await scene.version("changing")).toBe(4);
});

test("applied again, nothing is written", async () => {
  await apply(manifest("again", "{a: [1, null]}"));
  await scene.kvs.waitReady("again");
  await apply(manifest("again", "{a: [1, null]}"));
  await apply(manifest("again", "{ a: [ 1.0, null ] }"));
  await scene.driftLooks(2);
  await eventually(async () => {
    expect((await scene.kvs.waitReady("again")).status?.entry?.version).toBe(1);
  });
  expect(await scene.version("again")).toBe(1);
});

describe("the API server refuses", () => {
  test.each([
    ["a value and a reference", "value: 1\n  valueFrom: {secretKeyRef: {name: a, key: b}}", /spec/],
    ["neither", "description: none", /spec/],
    [
      "two references",
      "valueFrom: {secretKeyRef: {name: a, key: b}, configMapKeyRef: {name: a, key: b}}",
      /exactly one of secretKeyRef and configMapKeyRef/,
    ],
    ["Renew without a ttl", "value: 1\n  ttlPolicy: Renew", /ttlPolicy Renew needs a ttl/],
    ["a type that there is not", "value: 1\n  type: INTEGER", /type/],
  ])("%s", async (_what, fields, why) => {
    const text = manifest("refused-at-once", "1").replace("value: 1\n", `${fields}\n`);
    await expect(apply(text)).rejects.toThrow(why);
  });

  test.each(["a key with spaces", "../up", "-dash", "x".repeat(201)])("the key %s", async (key) => {
    const text = manifest("refused-at-once", "1").replace("key: refused-at-once", `key: ${JSON.stringify(key)}`);
    await expect(apply(text)).rejects.toThrow(/spec\.key/);
  });
});
