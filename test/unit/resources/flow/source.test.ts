import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { load, YAML11_SCHEMA } from "js-yaml";
import { parseYaml } from "../../../../src/lib/yaml.ts";
import {
  differOnlyInDisabled,
  digestLike,
  fromObject,
  fromText,
  textDigest,
  withoutRevision,
} from "../../../../src/resources/flow/source.ts";
import type { Desired } from "../../../../src/resources/flow/source.ts";
import type { Unreadable } from "../../../../src/resources/model.ts";

const TENANT = "main";

function idOf(read: Desired | Unreadable): string {
  return "identity" in read ? `${read.identity.namespace}/${read.identity.id}` : read.reason;
}

function refusal(read: Desired | Unreadable): string {
  return "message" in read ? read.message : `it was read as ${idOf(read)}`;
}

describe("id and namespace are read from the text", () => {
  test.each([
    ["plain", "id: hello\nnamespace: my.team\n", "my.team/hello"],
    ["quoted", "id: 'hello'\nnamespace: \"my.team\"\n", "my.team/hello"],
    ["CRLF", "id: hello\r\nnamespace: my.team\r\ntasks: []\r\n", "my.team/hello"],
    ["a byte order mark", "\uFEFFid: hello\nnamespace: my.team\n", "my.team/hello"],
    ["one document marked as such", "---\nid: hello\nnamespace: n\n", "n/hello"],
    ["numbers stay as they are written", "id: 007\nnamespace: 1e3\n", "1e3/007"],
    ["words of YAML 1.1 too", "id: yes\nnamespace: null\n", "null/yes"],
    ["JSON is YAML", '{"id": "hello", "namespace": "n"}', "n/hello"],
    ["an anchor", "id: &x hello\nnamespace: *x\n", "hello/hello"],
    ["unknown fields are not ours to judge", "id: a\nnamespace: n\n__proto__: {id: b}\nconstructor: 1\n", "n/a"],
    [
      "100 and 150 characters",
      `id: ${"a".repeat(100)}\nnamespace: ${"b".repeat(150)}\n`,
      `${"b".repeat(150)}/${"a".repeat(100)}`,
    ],
  ])("%s", (_what, text, expected) => {
    expect(idOf(fromText(text, TENANT))).toBe(expected);
  });

  test("the text itself is kept byte for byte", () => {
    const text = "\uFEFFid: hello\r\nnamespace: n # ü\u2028\r\n\n\n";
    expect(fromText(text, TENANT)).toEqual({
      identity: { tenant: TENANT, namespace: "n", id: "hello" },
      digest: textDigest(text),
      text,
    });
  });
});

describe("a text is refused, and the message says what to do", () => {
  test.each([
    ["empty", "", /not one YAML document/],
    ["only a comment", "# nothing\n", /not one YAML document/],
    ["a list", "- id: a\n", /must be a YAML mapping/],
    ["a scalar", "hello", /must be a YAML mapping/],
    ["broken", "id: a\nnamespace: [\n", /not one YAML document.* at line \d+, column \d+/],
    ["several documents", "id: a\nnamespace: n\n---\nid: b\nnamespace: n\n", /not one YAML document/],
    ["duplicate keys", "id: a\nid: b\nnamespace: n\n", /not one YAML document: .*duplicate.* at line 2/i],
    ["duplicate keys further down", "id: a\nnamespace: n\ntasks:\n  - {id: x, id: y}\n", /duplicate/i],
    ["no id", "namespace: n\n", /no id: add a line like/],
    ["an empty id", "id:\nnamespace: n\n", /no id/],
    ["an inherited id is none", "__proto__: {id: a, namespace: n}\n", /no id/],
    ["a merged id, which readers disagree about", "x: &x {id: a}\n<<: *x\nnamespace: n\n", /no id/],
    ["no namespace", "id: a\n", /no namespace: add a line like/],
    ["an id that is a list", "id: [a]\nnamespace: n\n", /no id/],
    ["a path in the id", "id: ../../main\nnamespace: n\n", /id "\.\.\/\.\.\/main" is not allowed: use letters/],
    ["an escape in the id", "id: a%2fb\nnamespace: n\n", /not allowed/],
    ["a query in the id", "id: a?x\nnamespace: n\n", /not allowed/],
    ["dots alone", "id: ..\nnamespace: n\n", /not allowed/],
    ["a line break in the id", 'id: "a\\n"\nnamespace: n\n', /not allowed/],
    ["letters beyond ASCII", "id: größe\nnamespace: n\n", /not allowed/],
    ["101 characters", `id: ${"a".repeat(101)}\nnamespace: n\n`, /at most 100/],
    ["a namespace in capitals", "id: a\nnamespace: My.Team\n", /namespace "My\.Team" is not allowed: use lower-case/],
    ["a namespace of 151 characters", `id: a\nnamespace: ${"b".repeat(151)}\n`, /at most 150/],
    ["a path in the namespace", "id: a\nnamespace: ../x\n", /not allowed/],
    ...[
      "pause",
      "resume",
      "force-run",
      "change-status",
      "kill",
      "executions",
      "search",
      "source",
      "disable",
      "enable",
    ].map((id): [string, string, RegExp] => [
      `the reserved id ${id}`,
      `id: ${id}\nnamespace: n\n`,
      /reserved by Kestra: choose another/,
    ]),
  ])("%s", (_what, text, message) => {
    expect(refusal(fromText(text, TENANT))).toMatch(message);
  });

  test("a message is bounded, however long what is refused", () => {
    expect(refusal(fromText(`id: ${"ä".repeat(100_000)}\nnamespace: n\n`, TENANT)).length).toBeLessThan(400);
  });
});

describe("a hostile text is refused in no time", () => {
  const bomb = ["a: &a [x,x,x,x,x,x,x,x,x]"]
    .concat(Array.from("bcdefghij", (name, i) => `${name}: &${name} [${Array(9).fill(`*${"abcdefghi"[i]}`).join()}]`))
    .join("\n");
  test.each([
    ["an alias bomb", `id: a\nnamespace: n\n${bomb}\n`],
    ["more aliases than anybody needs", `id: a\nnamespace: n\nx: &x y\nz: [${Array(5_000).fill("*x").join()}]\n`],
    ["an anchor within itself", "id: a\nnamespace: n\nx: &x [*x]\n"],
    ["5,000 nested lists", `id: a\nnamespace: n\nx: ${"[".repeat(5_000)}${"]".repeat(5_000)}\n`],
    ["5,000 nested maps", `id: a\nnamespace: n\nx: ${"{a: ".repeat(5_000)}1${"}".repeat(5_000)}\n`],
    [
      "1,500 nested blocks, which is as many as fit",
      `id: a\nnamespace: n\nx:\n${Array.from({ length: 1_500 }, (_, i) => `${" ".repeat(i + 1)}a:`).join("\n")}\n`,
    ],
    ["5,000 nested sequences", `id: a\nnamespace: n\nx:\n  ${"- ".repeat(5_000)}a\n`],
  ])("%s", (_what, text) => {
    const before = process.cpuUsage();
    expect(idOf(fromText(text, TENANT))).toBe("InvalidSource");
    expect(digestLike("tree:x", text)).toBe("tree:unreadable");
    // Twice read; in time of the processor, as the machine may be busy.
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1000).toBeLessThan(200);
  });

  test("a large honest one is read", () => {
    const text = `id: a\nnamespace: n\ntasks:\n${"  - id: log\n    type: Log\n    message: hello\n".repeat(5_000)}`;
    expect(idOf(fromText(text, TENANT))).toBe("n/a");
  });
});

describe("an object", () => {
  const flow = { tasks: [{ type: "Log", id: "log" }], namespace: "n", id: "hello", description: "d" };

  test("becomes YAML with what readers look for first", () => {
    expect(fromObject(flow, TENANT)).toMatchObject({
      identity: { tenant: TENANT, namespace: "n", id: "hello" },
      text: "id: hello\nnamespace: 'n'\ndescription: d\ntasks:\n  - id: log\n    type: Log\n",
    });
  });

  test("has a digest of its tree, whatever the order of its keys", () => {
    const reordered = Object.fromEntries(Object.entries(flow).reverse());
    const [a, b] = [fromObject(flow, TENANT), fromObject(reordered, TENANT)] as [Desired, Desired];
    expect(b.digest).toBe(a.digest);
    expect(b.text).toBe(a.text);
    expect((fromObject({ ...flow, description: "e" }, TENANT) as Desired).digest).not.toBe(a.digest);
  });

  test("is compared with what Kestra holds by the tree: comments and style do not count", () => {
    const { digest } = fromObject(flow, TENANT) as Desired;
    const same = '# by hand\nnamespace: "n"\nid: hello\ndescription: d\ntasks: [{id: log, type: Log}]\n';
    expect(digestLike(digest, same)).toBe(digest);
    expect(digestLike(digest, same.replace("Log", "Bog"))).not.toBe(digest);
    expect(digestLike(digest, "{")).not.toBe(digest);
  });

  test.each<[string, Record<string, unknown>, RegExp]>([
    ["an integer that JSON does not keep", { ...flow, x: { y: [2 ** 60] } }, /number at x\.y\[0\].*quote it/],
    ["no id", { namespace: "n" }, /no id/],
    ["endless nesting", { ...flow, x: nested(200) }, /nested deeper/],
  ])("is refused with %s", (_what, tree, message) => {
    expect(refusal(fromObject(tree, TENANT))).toMatch(message);
  });

  test("keeps a number as its id", () => {
    expect(idOf(fromObject({ id: 7, namespace: "n" }, TENANT))).toBe("n/7");
  });

  test("keeps a property named __proto__", () => {
    const tree = JSON.parse('{"id": "a", "namespace": "n", "x": {"__proto__": {"y": 1}}}') as Record<string, unknown>;
    const { text = "", digest } = fromObject(tree, TENANT) as Desired;
    expect(digestLike(digest, text)).toBe(digest);
    expect(text).toContain("__proto__");
  });
});

describe("what is written of an object", () => {
  const scalar = fc.oneof(
    fc.string({ unit: "binary", maxLength: 12 }).map((text) => text.toWellFormed()),
    fc.constantFrom(
      "yes",
      "no",
      "on",
      "off",
      "y",
      "N",
      "~",
      "null",
      "Null",
      "true",
      "",
      " ",
      "0x1F",
      "0o17",
      "017",
      "1_000",
    ),
    fc.constantFrom(
      "12:30:45",
      "2024-01-01",
      "2024-01-01T10:00:00Z",
      ".inf",
      "-.INF",
      ".nan",
      "1e3",
      "+1",
      "-",
      "?",
      ":",
      "<<",
    ),
    fc.constantFrom(
      "{{ inputs.name }}",
      "# no comment",
      "a: b",
      "- a",
      "&a",
      "*a",
      "!t",
      "%x",
      "@x",
      "`x",
      "|",
      ">",
      "multi\nline\n",
      "trailing \n",
    ),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).filter((value) => !Number.isInteger(value)),
    fc.boolean(),
    fc.constant(null),
  );
  const key = fc.oneof(fc.string({ maxLength: 6 }), fc.constantFrom("on", "yes", "<<", "1", "null", "__proto__", "id"));
  const tree = fc.letrec((tie) => ({
    value: fc.oneof({ maxDepth: 4 }, scalar, fc.array(tie("value"), { maxLength: 4 }), tie("object")),
    object: fc.dictionary(key, tie("value"), { maxKeys: 4, noNullPrototype: true }),
  })).object;

  test("is read back as the same tree", () => {
    fc.assert(
      fc.property(tree, (variables) => {
        const flow = { id: "a", namespace: "n", variables };
        const { text = "", digest } = fromObject(flow, TENANT) as Desired;
        expect(parseYaml(text)).toEqual({ ok: true, value: flow });
        expect(digestLike(digest, text)).toBe(digest);
      }),
      { numRuns: 150 },
    );
  });

  test("is a string to a reader of YAML 1.1 where it was one", () => {
    fc.assert(
      fc.property(
        scalar.filter((value) => typeof value === "string"),
        (text) => {
          const { text: source = "" } = fromObject({ id: "a", namespace: "n", x: text }, TENANT) as Desired;
          expect((load(source, { schema: YAML11_SCHEMA }) as { x: unknown }).x).toBe(text);
        },
      ),
      { numRuns: 150 },
    );
  });
});

describe("Kestra's equality of texts", () => {
  test.each([
    ["a revision line counts for nothing", "id: a\nrevision: 12\nx: 1\n", "id: a\nx: 1\n"],
    ["at the beginning", "revision: 1\nid: a\n", "id: a\n"],
    ["at the end, without a line break", "id: a\nrevision: 1", "id: a\n"],
    ["only the first", "revision: 1\nrevision: 2\n", "revision: 2\n"],
    ["not an indented one", "x:\n  revision: 1\n", "x:\n  revision: 1\n"],
    ["not one that is no number", "revision: one\n", "revision: one\n"],
    ["not one with two spaces", "revision:  1\n", "revision:  1\n"],
  ])("%s", (_what, text, expected) => {
    expect(withoutRevision(text)).toBe(expected);
  });

  test("any other byte counts", () => {
    expect(textDigest("id: a\n")).not.toBe(textDigest("id: a\n\n"));
    expect(textDigest("id: a\n")).not.toBe(textDigest("id: a\r\n"));
    expect(textDigest("id: a\n")).toBe(textDigest("revision: 3\nid: a\n"));
  });
});

describe("a flow that was merely disabled", () => {
  test.each<[string, string, string, boolean]>([
    ["as Kestra's button does it", "id: a\nx: 1\n", "id: a\nx: 1\n\ndisabled: true", true],
    ["by hand, in another place and with a comment", "id: a\nx: 1\n", "disabled: true # incident\nid: a\nx: 1\n", true],
    ["with another change", "id: a\nx: 1\n", "id: a\nx: 2\ndisabled: true\n", false],
    ["further down", "id: a\nx: {}\n", "id: a\nx: {disabled: true}\n", false],
    ["and cannot be read", "id: a\n", "id: [", false],
  ])("%s", (_what, a, b, expected) => {
    expect(differOnlyInDisabled(a, b)).toBe(expected);
    expect(differOnlyInDisabled(b, a)).toBe(expected);
  });
});

function nested(depth: number): unknown {
  return depth === 0 ? 1 : [nested(depth - 1)];
}
