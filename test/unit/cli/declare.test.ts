import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { entryResource, literalOf, secretResource } from "../../../src/cli/export/declare.ts";
import { literalOfText } from "../../../src/cli/convert/entry.ts";
import { NotConverted } from "../../../src/cli/convert/model.ts";
import { fromLiteral, holds } from "../../../src/resources/kv/value.ts";
import type { KvType } from "../../../src/kestra/types.ts";

const NAME = { name: "team.key", short: "key" };

describe("a stored value", () => {
  test.each<[KvType, string, object | undefined]>([
    ["STRING", '"plain"', { value: "plain" }],
    ["STRING", '"2024-05-01"', { value: "2024-05-01" }],
    ["STRING", '"true"', { value: "true" }],
    ["STRING", "null", { value: null }],
    ["NUMBER", "42", { value: 42 }],
    ["NUMBER", "1.10", { value: 1.1 }],
    ["NUMBER", "12345678901234567890", { value: "12345678901234567890", type: "NUMBER" }],
    ["BOOLEAN", "false", { value: false }],
    ["DATE", '"2024-05-01"', { value: "2024-05-01", type: "DATE" }],
    ["DATETIME", '"2024-05-01T01:02:03Z"', { value: "2024-05-01T01:02:03Z", type: "DATETIME" }],
    ["DURATION", '"PT5M"', { value: "PT5M", type: "DURATION" }],
    ["JSON", '{"a":[1,"x"]}', { value: { a: [1, "x"] } }],
    ["JSON", '{"n":12345678901234567890}', { value: '{"n":12345678901234567890}', type: "JSON" }],
    // Kestra makes a DATE of it when it is written again.
    ["DATETIME", '"2024-05-01T00:00:00Z"', undefined],
  ])("%s %s is declared as what it is", (type, json, literal) => {
    expect(literalOf({ type, json })).toEqual(literal);
  });

  test("of JSON is declared so that the operator takes the two for the same", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        const encoded = fromLiteral(value);
        if ("reason" in encoded) return;
        const stored = { type: encoded.type, json: encoded.body };
        const literal = literalOf(stored);
        if (literal === undefined) throw new Error(`${encoded.body} is left out`);
        const again = fromLiteral(literal.value, literal.type);
        expect("reason" in again || holds(again, stored)).toBe(true);
      }),
    );
  });
});

describe("an entry", () => {
  const entry = { namespace: "team", key: "KEY" };

  test.each([
    [90_061_000, "P1DT1H1M1S"],
    [172_800_000, "P2D"],
    [59_999.4, "PT1M"],
    [400, "PT1S"],
  ])("that lives for %d ms has a ttl of %s", (milliseconds, ttl) => {
    const updateDate = "2024-05-01T00:00:00Z";
    const expirationDate = new Date(Date.parse(updateDate) + milliseconds).toISOString();
    const { object } = entryResource({ ...entry, updateDate, expirationDate }, { value: 1 }, NAME, undefined);
    expect(object.spec).toEqual({ namespace: "team", key: "KEY", value: 1, ttl });
  });

  test("without a description declares none", () => {
    const { object } = entryResource({ ...entry, description: "" }, { value: 1 }, NAME, "here");
    expect(object).toMatchObject({
      metadata: { namespace: "here" },
      spec: { namespace: "team", key: "KEY", value: 1 },
    });
    expect(object.spec).not.toHaveProperty("description");
  });

  test("whose value is left out has a Secret without any key, so that applying it again takes nothing away", () => {
    const { object } = secretResource(entry, "JSON", NAME, undefined);
    expect(object).toEqual({ apiVersion: "v1", kind: "Secret", metadata: { name: "team.key" }, type: "Opaque" });
  });
});

describe("a text with a type", () => {
  test.each<[string, KvType, object]>([
    ["1e+06", "NUMBER", { value: 1_000_000 }],
    ["12345678901234567890", "NUMBER", { value: "12345678901234567890", type: "NUMBER" }],
    ["true", "BOOLEAN", { value: true }],
    ['{"a":1}', "JSON", { value: { a: 1 } }],
    ["42", "STRING", { value: "42" }],
    ["PT5M", "DURATION", { value: "PT5M", type: "DURATION" }],
  ])("%s as %s", (text, type, literal) => {
    expect(literalOfText(text, type)).toEqual(literal);
  });

  test("that is none of its type is not converted, and not quoted", () => {
    expect(() => literalOfText("canary", "NUMBER")).toThrow(NotConverted);
    expect(() => literalOfText("canary", "NUMBER")).not.toThrow(/canary/);
  });
});
