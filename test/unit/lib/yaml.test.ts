import { describe, expect, test } from "@jest/globals";
import { dumpYaml, parseYaml } from "../../../src/lib/yaml.ts";

function messageOf(text: string): string {
  const parsed = parseYaml(text);
  return parsed.ok ? `it was read as ${JSON.stringify(parsed.value)}` : parsed.message;
}

describe("reading", () => {
  test.each<[string, string, unknown]>([
    [
      "scalars of YAML 1.2",
      "[1, 1.5, true, null, yes, 2024-01-01, 0o17]",
      [1, 1.5, true, null, "yes", "2024-01-01", 15],
    ],
    ["aliases", "a: &a [1]\nb: *a\n", { a: [1], b: [1] }],
    ["merge keys", "a: &a {x: 1, y: 1}\nb: {<<: *a, y: 2}\n", { a: { x: 1, y: 1 }, b: { x: 1, y: 2 } }],
    ["a byte order mark", "\uFEFFa: 1", { a: 1 }],
    ["CRLF", "a: 1\r\nb: |\r\n  x\r\n  y\r\n", { a: 1, b: "x\ny\n" }],
  ])("knows %s", (_what, text, value) => {
    expect(parseYaml(text)).toEqual({ ok: true, value });
  });

  test("takes __proto__ for a key like any other", () => {
    const parsed = parseYaml("__proto__: {polluted: true}\n");
    expect(parsed.ok && Object.keys(parsed.value as object)).toEqual(["__proto__"]);
    expect(parsed.ok && (parsed.value as { polluted?: boolean }).polluted).toBeUndefined();
    expect({}).not.toHaveProperty("polluted");
  });

  test.each([
    ["nothing", "", /./],
    ["two documents", "a: 1\n---\nb: 2\n", /document/],
    ["duplicate keys", "a: 1\na: 2\n", /duplicate.* at line 2, column 1/i],
    ["an unknown tag", "a: !!js/function x\n", /tag/],
    ["an alias to nothing", "a: *b\n", /alias/i],
    ["too many nested collections", `${"[".repeat(101)}${"]".repeat(101)}`, /maxDepth/],
    ["too many aliases", `a: &a 1\nb: [${Array(201).fill("*a").join()}]`, /alias/i],
    [
      "aliases that come to far more than was written",
      `a: &a [1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n`,
      /or more/,
    ],
  ])("refuses %s", (_what, text, message) => {
    expect(messageOf(text)).toMatch(message);
  });
});

describe("writing", () => {
  test.each<[string, unknown, string]>([
    [
      "quotes what YAML 1.1 takes for another type",
      ["yes", "on", "12:30:45", "2024-01-01", "1_000", "0777"],
      "- 'yes'\n- 'on'\n- '12:30:45'\n- '2024-01-01'\n- '1_000'\n- '0777'\n",
    ],
    ["does not fold lines", "x ".repeat(100).trim(), `${"x ".repeat(100).trim()}\n`],
    ["keeps lines as lines", { script: "a\nb\n" }, "script: |\n  a\n  b\n"],
  ])("%s", (_what, value, text) => {
    expect(dumpYaml(value)).toBe(text);
  });

  test("writes no anchors for what occurs twice", () => {
    const twice = { a: 1 };
    expect(dumpYaml({ p: twice, q: twice })).toBe("p:\n  a: 1\nq:\n  a: 1\n");
  });

  test("orders keys by rank, in every mapping", () => {
    const rank = (a: string, b: string) => (a === "id" ? -1 : b === "id" ? 1 : a < b ? -1 : 1);
    expect(dumpYaml({ b: 1, a: { c: 1, id: 2 }, id: 3 }, rank)).toBe("id: 3\na:\n  id: 2\n  c: 1\nb: 1\n");
  });
});
