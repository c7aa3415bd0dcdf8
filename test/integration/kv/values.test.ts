import { afterAll, describe, expect, jest, test } from "@jest/globals";
import fc from "fast-check";
import { KestraClient } from "../../../src/kestra/client.ts";
import type { KvIdentity, KvType } from "../../../src/kestra/types.ts";
import { flawOfDescription } from "../../../src/resources/kv/description.ts";
import { fromLiteral, fromText, holds } from "../../../src/resources/kv/value.ts";
import type { Encoded, Refused } from "../../../src/resources/kv/value.ts";
import { truncate } from "../../../src/lib/text.ts";
import { uniqueName } from "../../support/cluster.ts";
import { eventually } from "../../support/eventually.ts";
import { counterparts } from "../../support/sandbox.ts";

jest.setTimeout(60_000);

const { kestra } = counterparts();
const { kv } = new KestraClient({ url: kestra.url, tenant: "main", credentials: () => kestra });
const namespace = uniqueName("values");

afterAll(async () => {
  for (const { key } of await kv.list(namespace)) await kv.delete(identity(key));
});

function identity(id: string): KvIdentity {
  return { tenant: "main", namespace, id };
}

function encoded(outcome: Encoded | Refused): Encoded {
  if ("reason" in outcome) throw new Error(outcome.message);
  return outcome;
}

/** Writes a body as it is, and returns what Kestra makes of it. */
async function written(body: string, key = "value"): Promise<{ type: string; json: string }> {
  await kv.put(identity(key), { body });
  const stored = await kv.get(identity(key));
  if (typeof stored === "string") throw new Error(stored);
  return stored;
}

describe("a literal comes back", () => {
  const literals: [string, unknown][] = [
    ["text that looks like Ion", "hello world // x /* y */ ''' {{ }} $ion_1_0"],
    ["an empty text", ""],
    ["text like a number", "007"],
    ["text like a boolean", "true"],
    ["text like null", "null"],
    ["text like a date", "2024-05-01T01:02:03Z"],
    ["text like no duration of Kestra's", "PT1.5S"],
    ["text of several lines", "a\r\nb\n\tc\n"],
    ["blanks", "  \t "],
    ["emoji and CJK", "👩‍👩‍👧‍👦 日本語 ü e\u0301"],
    ["separators and controls", "\u2028\u2029\u0000\u0001\u001f\u007f\u0080\u0085\u009f\ufeff\ufffe\uffff"],
    ["quotes and backslashes", `"'\`\\ \\u0041 \\n`],
    ["null", null],
    ["zero", 0],
    ["the largest safe integer", 2 ** 53 - 1],
    ["a fraction", -1234.5678],
    ["a tiny number", 1e-7],
    ["true", true],
    ["false", false],
    ["an empty list", []],
    ["an empty object", {}],
    ["a tree", { a: [1, 2.5, null, { b: "ü🙂\u0000" }], "": true, "a b": "PT5M", $10: "2024-05-01", null: 1, nan: 2 }],
    ["null in objects and lists", { a: null, b: [null, { c: null }] }],
    ["keys that mean something in JavaScript", JSON.parse('{"__proto__":{"a":1},"constructor":2}')],
    ["a tree like an answer of Kestra", { type: "STRING", value: "x" }],
  ];
  test.each(literals)("%s", async (_what, literal) => {
    const value = encoded(fromLiteral(literal));
    const stored = await written(value.body);
    expect(stored).toMatchObject({ type: value.type });
    expect(holds(value, stored)).toBe(true);
  });

  test("500 KB of JSON", async () => {
    const rows = Array.from({ length: 6_000 }, (_, index) => ({
      index,
      name: `ü🙂${"x".repeat(50)}`,
      half: index / 2,
    }));
    const value = encoded(fromLiteral(rows));
    expect(Buffer.byteLength(value.body)).toBeGreaterThan(500_000);
    expect(holds(value, await written(value.body))).toBe(true);
  });
});

describe("a text comes back as its type", () => {
  const nested = `${"[".repeat(200)}${"]".repeat(200)}`;
  const texts: [KvType, string][] = [
    ["NUMBER", "-0"],
    ["NUMBER", "9007199254740993"],
    ["NUMBER", "-9223372036854775809"],
    ["NUMBER", "123456789012345678901234567890123456789012345678901234567890"],
    ["NUMBER", "0.1234567890123456789012345678901234567890"],
    ["NUMBER", "1.10\n"],
    ["NUMBER", `0.${"0".repeat(500)}1`],
    ["NUMBER", "9".repeat(1_000)],
    ["NUMBER", "1e3"],
    ["NUMBER", "-1.5E-10"],
    ["NUMBER", "2.2250738585072014e-308"],
    ["NUMBER", "1.7976931348623157e308"],
    ["NUMBER", "2e23"],
    ["BOOLEAN", " true\n"],
    ["BOOLEAN", "false"],
    ["DATE", "2024-02-29\n"],
    ["DATE", "1582-10-15"],
    ["DATE", "1970-01-01"],
    ["DATE", "9999-12-31"],
    ["DATETIME", "2024-05-01T01:02:03Z\n"],
    ["DATETIME", "2024-05-01T01:02:03.120+02:00"],
    ["DATETIME", "2024-05-01T00:00:00+02:00"],
    ["DATETIME", "2024-05-01T00:00:00.001Z"],
    ["DATETIME", "1582-10-15T00:00:01Z"],
    ["DATETIME", "9999-12-31T23:59:59.999Z"],
    ["DURATION", "PT5M\n"],
    ["DURATION", "P1DT2H3M4S"],
    ["DURATION", "PT0S"],
    ["DURATION", "P36500D"],
    ["DURATION", "PT99999999999H"],
    ["JSON", '{"b": 123456789012345678901234567890.50, "a": [1e3, -0, 0.1000]}\n'],
    ["JSON", '{"\\u0061\\/": "\\ud83d\\ude00\\u0000"}'],
    ["JSON", nested],
    ["JSON", `{"${"k".repeat(60_000)}": 1}`],
  ];
  test.each(texts.map(([type, text]) => [type, truncate(JSON.stringify(text), 60), text] as const))(
    "%s %s",
    async (type, _shown, text) => {
      const value = encoded(fromText(text, type));
      const stored = await written(value.body);
      expect(stored).toMatchObject({ type });
      expect(holds(value, stored)).toBe(true);
    },
  );
});

describe("what is refused is what Kestra would not keep:", () => {
  test.each<[KvType, string, string, string]>([
    ["STRING", "PT5M", '"PT5M"', "DURATION"],
    ["DATETIME", "2024-05-01T00:00:00Z", "2024-05-01T00:00:00.000Z", "DATE"],
    ["DATETIME", "2024-05-01T01:02:03.123456Z", "2024-05-01T01:02:03.123456Z", "DATETIME"],
    ["DATE", "1500-02-28", "1500-02-28", "DATE"],
    ["NUMBER", "1e400", "1e400", "NUMBER"],
    ["NUMBER", "1.2345678901234567890e1", "1.2345678901234567890e1", "NUMBER"],
    ["NUMBER", "5e-324", "5e-324", "NUMBER"],
  ])("%s %s", async (type, text, body, becomes) => {
    expect(fromText(text, type)).toHaveProperty("reason", "InvalidValue");
    const stored = await written(body);
    expect(stored.type).toBe(becomes);
    expect(holds({ type, body }, stored)).toBe(false);
  });

  test("one of two equal keys", async () => {
    const text = '{"a":1,"a":2}';
    expect(fromText(text, "JSON")).toHaveProperty("reason", "InvalidValue");
    await expect(written(text)).resolves.toEqual({ type: "JSON", json: '{"a":2}' });
  });

  test.each([
    ["half of a surrogate pair", '"\\ud83d"'],
    ["a number with leading zeros", "007"],
    ["a number with two points", "1.2.3"],
    ["a day that does not exist", "2024-02-30"],
  ])("%s, which 1.1 refuses without our telling the value", async (_what, body) => {
    const failure = await written(body).catch((error: unknown) => error as Error);
    expect(failure).toMatchObject({ message: expect.stringMatching(/^putKv: Kestra (refused|failed)[^:]*$/) });
  });

  test("a text that Kestra takes for a duration and then cannot read", async () => {
    expect(fromText("PD")).toHaveProperty("reason", "InvalidValue");
    await expect(written('"PD"', "unreadable")).rejects.toThrow(/^getKv: Kestra failed \(500\)$/);
  });
});

describe("description and ttl", () => {
  test("show in the list, and are cleared by the next write", async () => {
    const before = Date.now();
    await kv.put(identity("described"), {
      body: '"x"',
      description: 'für Größe: ½ ÿ, "no"',
      ttl: "PT1H",
    });
    const row = await kv.find(identity("described"));
    expect(row).toMatchObject({ description: 'für Größe: ½ ÿ, "no"' });
    const expires = Date.parse(row?.expirationDate ?? "");
    expect(expires).toBeGreaterThanOrEqual(before + 3_600_000);
    expect(expires).toBeLessThanOrEqual(Date.now() + 3_600_000);
    await kv.put(identity("described"), { body: '"x"' });
    const cleared = await kv.find(identity("described"));
    expect(cleared?.version).toBe((row?.version ?? 0) + 1);
    expect(cleared).not.toHaveProperty("description");
    expect(cleared).not.toHaveProperty("expirationDate");
  });

  test("an expired entry leaves the list, reads as expired once, and is missing from then on", async () => {
    await kv.put(identity("brief"), { body: '"x"', ttl: "PT0.2S" });
    await eventually(async () => {
      expect(await kv.find(identity("brief"))).toBeUndefined();
    });
    await expect(kv.get(identity("brief"))).resolves.toBe("expired");
    await expect(kv.get(identity("brief"))).resolves.toBe("missing");
  });

  test("any description is either refused or kept", async () => {
    const unit = fc.oneof(
      fc.constantFrom(" ", "\t", "\n", "é", "日", "🙂", "\u0000", "\u007f", "\u0085", "\u00a0", "\u00ad"),
      fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
      fc.string({ minLength: 1, maxLength: 1 }),
    );
    let kept = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(unit, { maxLength: 30 }), async (units) => {
        const description = units.join("");
        if (flawOfDescription(description) !== undefined) return;
        await kv.put(identity("any-description"), { body: "1", description });
        expect((await kv.find(identity("any-description")))?.description).toBe(description);
        kept += 1;
      }),
      { numRuns: 300, interruptAfterTimeLimit: 15_000 },
    );
    expect(kept).toBeGreaterThan(20);
  });
});

describe("an entry", () => {
  test("is missing before it is written and after it is deleted, and its version goes on", async () => {
    const entry = identity("entry");
    await expect(kv.get(entry)).resolves.toBe("missing");
    await expect(kv.find(entry)).resolves.toBeUndefined();
    await kv.put(entry, { body: "1" });
    await kv.put(entry, { body: "1" });
    await expect(kv.find(entry)).resolves.toMatchObject({ namespace, key: "entry", version: 2 });
    await kv.delete(entry);
    await kv.delete(entry);
    await expect(kv.get(entry)).resolves.toBe("missing");
    await expect(kv.find(entry)).resolves.toBeUndefined();
    await kv.put(entry, { body: "1" });
    await expect(kv.find(entry)).resolves.toMatchObject({ version: 3 });
  });

  test("is found among others with a key like its own, in its own namespace only", async () => {
    const keys = [
      "GCP_PROJECT_ID",
      "a.b-c_d",
      "a.b-c",
      "twin",
      "TWIN",
      "Twin",
      "p",
      "0",
      "the-and-or",
      "x".repeat(190),
    ];
    const longer = Array.from({ length: 120 }, (_, index) => `${index % 2 === 0 ? "" : "A_"}GCP_PROJECT_ID_${index}`);
    for (const key of [...keys, ...longer]) await kv.put(identity(key), { body: `"${key}"` });
    const elsewhere = { tenant: "main", namespace: `${namespace}.sub`, id: "GCP_PROJECT_ID" };
    await kv.put(elsewhere, { body: "1" });
    try {
      for (const key of [...keys, ...longer.slice(-3)])
        await expect(kv.find(identity(key))).resolves.toMatchObject({ namespace, key });
      for (const key of ["gcp_project_id", "GCP_PROJECT", "a.b_c-d", "tWIN", "1"])
        await expect(kv.find(identity(key))).resolves.toBeUndefined();
      const listed = (await kv.list(namespace)).map(({ key }) => key);
      expect(listed).toEqual(expect.arrayContaining([...keys, ...longer]));
      expect(new Set(listed).size).toBe(listed.length);
      await expect(kv.list(elsewhere.namespace)).resolves.toMatchObject([{ key: "GCP_PROJECT_ID" }]);
    } finally {
      await kv.delete(elsewhere);
    }
  });
});

describe("whatever the value,", () => {
  const unit = fc.oneof(
    { weight: 4, arbitrary: fc.string({ unit: "binary", minLength: 1, maxLength: 1 }) },
    { weight: 4, arbitrary: fc.string({ minLength: 1, maxLength: 1 }) },
    { weight: 1, arbitrary: fc.constantFrom("\ud83d", "\ude00", "\u0000", "\u2028", "\n", '"', "\\", "{", "[") },
  );
  const anyText = fc.array(unit, { maxLength: 40 }).map((units) => units.join(""));
  const spaced = (text: fc.Arbitrary<string>) =>
    fc.tuple(fc.constantFrom("", " ", "\n"), text).map((parts) => parts.join(""));
  const day = fc.stringMatching(/^(1[0-9]|20)[0-9]{2}-(0[1-9]|1[0-3])-([0-2][0-9]|3[01])$/);
  const time = fc.stringMatching(/^([01][0-9]|2[0-4]):[0-6]0:[0-6][0-9](\.[0-9]{1,4})?(Z|[+-][01][0-9]:[0-5][0-9])$/);
  const jsonText = fc
    .tuple(fc.jsonValue({ maxDepth: 3 }), fc.stringMatching(/^-?[1-9][0-9]{0,30}(\.[0-9]{1,30})?(e[+-]?[0-9]{1,2})?$/))
    .map(([value, number]) => `[${JSON.stringify(value)}, {"n" : ${number}}]`);
  const texts: Record<KvType, fc.Arbitrary<string>> = {
    STRING: fc.oneof(anyText, fc.stringMatching(/^PT?[0-9]{0,2}[DHMS]?T?[0-9]{0,2}[HMS]?$/)),
    NUMBER: spaced(fc.stringMatching(/^[+-]?[0-9]{1,40}(\.[0-9]{0,40})?([eE][+-]?[0-9]{1,3})?$/)),
    BOOLEAN: spaced(fc.constantFrom("true", "false", "True", "yes", "0", "")),
    DATE: spaced(day),
    DATETIME: spaced(fc.tuple(day, time).map((parts) => parts.join("T"))),
    DURATION: spaced(fc.stringMatching(/^P([0-9]{1,4}D)?(T([0-9]{1,5}H)?([0-9]{1,5}M)?([0-9]{1,5}(\.[0-9])?S)?)?$/)),
    JSON: fc.oneof(jsonText, anyText),
  };
  const limits = { numRuns: 250, interruptAfterTimeLimit: 20_000 };
  let kept = 0;

  /** Holds for every value: it is refused without being told, or it comes back. */
  async function expectKeptOrRefused(outcome: Encoded | Refused, text: string): Promise<void> {
    if ("reason" in outcome) {
      if (text.length > 6) expect(outcome.message).not.toContain(text);
      return;
    }
    expect(holds(outcome, await written(outcome.body, "any"))).toBe(true);
    kept += 1;
  }

  test("a literal is kept or refused", async () => {
    kept = 0;
    const literal = fc.oneof(fc.jsonValue({ maxDepth: 4, stringUnit: "binary" }), fc.jsonValue(), anyText);
    await fc.assert(
      fc.asyncProperty(literal, (value) => expectKeptOrRefused(fromLiteral(value), JSON.stringify(value))),
      limits,
    );
    expect(kept).toBeGreaterThan(50);
  });

  test.each(Object.keys(texts) as KvType[])("a text of type %s is kept or refused", async (type) => {
    kept = 0;
    await fc.assert(
      fc.asyncProperty(texts[type], (text) => expectKeptOrRefused(fromText(text, type), text)),
      { ...limits, numRuns: 150 },
    );
    expect(kept).toBeGreaterThan(20);
  });
});
