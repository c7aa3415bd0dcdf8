import { expect, test } from "@jest/globals";
import { Store } from "../../../src/kubernetes/store.ts";

interface Ball {
  metadata: { namespace: string; name: string; uid: string; resourceVersion: string };
  colours: string[];
}

function ball(name: string, ...colours: string[]): Ball {
  return { metadata: { namespace: "n", name, uid: name, resourceVersion: "1" }, colours };
}

const names = (balls: Ball[]) => balls.map(({ metadata }) => metadata.name).sort();

test("an index follows its objects as they come, change and go", () => {
  const store = new Store<Ball>().index("colour", ({ colours }) => colours);
  store.set(ball("a", "red"));
  store.set(ball("b", "red", "blue"));
  store.set(ball("c", "red"));
  expect(names(store.byIndex("colour", "red"))).toEqual(["a", "b", "c"]);
  store.set(ball("b", "blue"));
  expect(store.delete("n/a")?.colours).toEqual(["red"]);
  expect(names(store.byIndex("colour", "red"))).toEqual(["c"]);
  expect(names(store.byIndex("colour", "blue"))).toEqual(["b"]);
  store.delete("n/c");
  store.delete("n/b");
  expect(store.byIndex("colour", "red")).toEqual([]);
  expect(store.size).toBe(0);
});

test("an index that is added late covers what is there", () => {
  const store = new Store<Ball>();
  store.set(ball("a", "red", "red"));
  store.index("colour", ({ colours }) => colours);
  expect(names(store.byIndex("colour", "red"))).toEqual(["a"]);
});

test("an unknown index and a doubled one are told", () => {
  const store = new Store<Ball>().index("colour", ({ colours }) => colours);
  expect(() => store.byIndex("size", "big")).toThrow('no index "size"');
  expect(() => store.index("colour", () => [])).toThrow('index "colour" already');
});
