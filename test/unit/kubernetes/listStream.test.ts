import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { readList } from "../../../src/kubernetes/listStream.ts";

/** The text in pieces of at most `size` bytes. */
function* pieces(text: string, size: number): Generator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function read(text: string, size = 1000): Promise<{ items: unknown[]; rest: unknown }> {
  const items: unknown[] = [];
  const rest = await readList(pieces(text, size) as unknown as AsyncIterable<Uint8Array>, (item) => items.push(item));
  return { items, rest };
}

test("reads what JSON.parse reads, however it is written and cut, whatever the items hold", async () => {
  const name = fc.constantFrom("items", "metadata", "a", '"items', "ü{[", "]}\\");
  const item = fc.dictionary(name, fc.oneof(fc.jsonValue(), fc.string({ unit: "binary" })), { noNullPrototype: true });
  const list = fc.record({
    items: fc.array(item, { maxLength: 5 }),
    before: fc.dictionary(fc.constantFrom("a", "kind", 'b "items'), fc.jsonValue(), { noNullPrototype: true }),
    metadata: fc.record({ resourceVersion: fc.string(), items: fc.array(fc.record({ a: fc.integer() })) }),
    itemsLast: fc.boolean(),
    indent: fc.nat(2),
    size: fc.integer({ min: 1, max: 40 }),
  });
  await fc.assert(
    fc.asyncProperty(list, async ({ items, before, metadata, itemsLast, indent, size }) => {
      const whole = itemsLast ? { ...before, metadata, items } : { ...before, items, metadata };
      const text = JSON.stringify(whole, undefined, indent);
      const parsed = JSON.parse(text) as { items: unknown[] };
      expect(await read(text, size)).toEqual({ items: parsed.items, rest: { ...parsed, items: [] } });
    }),
    { numRuns: 300 },
  );
});

test("items that are null are none", async () => {
  expect(await read('{"items":null,"metadata":{}}')).toEqual({ items: [], rest: { items: null, metadata: {} } });
});

test.each(["", "<html>", '{"items":[{"a":1}', '{"items":[{"a":1}]', '{"items":[{"a":}]}'])(
  "refuses %j",
  async (text) => {
    await expect(read(text)).rejects.toBeInstanceOf(SyntaxError);
  },
);
