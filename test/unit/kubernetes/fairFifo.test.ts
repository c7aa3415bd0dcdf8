import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { DelayHeap } from "../../../src/kubernetes/delayHeap.ts";
import { FairFifo } from "../../../src/kubernetes/fairFifo.ts";

test("within a group, keys leave a fair queue in the order they came", () => {
  const key = fc.integer({ min: 0, max: 20 }).map((n) => `g/${n}`);
  const command = fc.oneof(
    fc.record({ do: fc.constantFrom("add" as const, "delete" as const), key }),
    fc.record({ do: fc.constant("take" as const), key }),
  );
  fc.assert(
    fc.property(fc.array(command), (commands) => {
      const fifo = new FairFifo(() => "g");
      let model: string[] = [];
      for (const step of commands) {
        if (step.do === "add") {
          fifo.add(step.key);
          if (!model.includes(step.key)) model.push(step.key);
        } else if (step.do === "delete") {
          expect(fifo.delete(step.key)).toBe(model.includes(step.key));
          model = model.filter((other) => other !== step.key);
        } else {
          expect(fifo.take()).toBe(model.shift());
        }
        expect(fifo.size).toBe(model.length);
        expect(fifo.has(step.key)).toBe(model.includes(step.key));
      }
    }),
  );
});

test("groups take turns, whatever their sizes", () => {
  const fifo = new FairFifo((key) => key.slice(0, 1));
  for (const key of ["a1", "a2", "a3", "a4", "b1", "c1", "c2"]) fifo.add(key);
  const order = Array.from({ length: 7 }, () => fifo.take());
  expect(order).toEqual(["a1", "b1", "c1", "a2", "c2", "a3", "a4"]);
});

test("what is due first leaves a delay heap first, whatever was removed from its middle", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(100)), fc.array(fc.nat(100)), (dues, removals) => {
      const heap = new DelayHeap<{ due: number; place: number }>();
      let items = dues.map((due) => ({ due, place: 0 }));
      for (const item of items) heap.add(item);
      for (const nth of removals) {
        const item = items[nth];
        if (item === undefined) continue;
        heap.remove(item);
        items = items.filter((other) => other !== item);
      }
      const order: number[] = [];
      for (let first = heap.first(); first !== undefined; first = heap.first()) {
        order.push(first.due);
        heap.remove(first);
      }
      expect(order).toEqual(items.map(({ due }) => due).sort((a, b) => a - b));
    }),
  );
});
