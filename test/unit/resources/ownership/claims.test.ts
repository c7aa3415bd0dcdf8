import { beforeEach, describe, expect, test } from "@jest/globals";
import type { CachedFlow } from "../../../../src/resources/flow/cache.ts";
import { readClaim, writeClaim } from "../../../../src/resources/ownership/claim.ts";
import { Claims } from "../../../../src/resources/ownership/claims.ts";
import { claiming, desired, identity, observed, recorded, textOf, UID } from "../flow/support/observed.ts";
import type { Situation } from "../flow/support/observed.ts";

let told: string[];
let claims: Claims;

beforeEach(() => {
  told = [];
  claims = new Claims("default", (key) => told.push(key));
});

function resource(name: string, situation: Situation = {}): CachedFlow {
  return observed({ ...situation, metadata: { name, uid: `uid-${name}`, ...situation.metadata } }).object;
}

function titles(id = "hello"): Record<string, string> {
  return Object.fromEntries(claims.of(identity(id)).map(({ key, title }) => [key, title]));
}

describe("who wants a flow", () => {
  test("is known by what is declared, claimed and recorded, the firmest title of each", () => {
    const annotations = writeClaim("uid-b", identity());
    claims.update(resource("a"), identity());
    claims.update(resource("b", { metadata: { annotations } }), identity());
    claims.update(
      resource("c", { status: recorded(), metadata: { annotations: writeClaim("uid-c", identity()) } }),
      identity(),
    );
    expect(titles()).toEqual({ "team/a": "declared", "team/b": "claimed", "team/c": "recorded" });
  });

  test("a renamed resource wants both flows until the old one is left behind", () => {
    claims.update(resource("a", { status: recorded(textOf("former")) }), identity());
    expect([titles("former"), titles()]).toEqual([{ "team/a": "recorded" }, { "team/a": "declared" }]);
    claims.update(resource("a", { status: recorded() }), identity());
    expect([titles("former"), titles()]).toEqual([{}, { "team/a": "recorded" }]);
  });

  test("a claim on what is no longer declared is no title, but it is one while the declaration is not known", () => {
    const metadata = { annotations: writeClaim("uid-a", identity("former")) };
    claims.update(resource("a", { metadata }), identity());
    expect(titles("former")).toEqual({});
    claims.update(resource("a", { metadata }), undefined);
    expect(titles("former")).toEqual({ "team/a": "claimed" });
  });

  test("a resource of another instance wants nothing here", () => {
    const elsewhere = { spec: { instanceRef: { name: "elsewhere" } }, status: recorded() };
    claims.update(resource("a", elsewhere), identity());
    expect(titles()).toEqual({});
  });

  test("one that is gone wants nothing", () => {
    claims.update(resource("a"), identity());
    claims.remove("team/a");
    claims.remove("team/a");
    expect(titles()).toEqual({});
  });

  test("age and leaving are taken from the resource", () => {
    const metadata = { creationTimestamp: "2026-02-02T00:00:00Z", deletionTimestamp: "2026-03-03T00:00:00Z" };
    claims.update(resource("a", { metadata }), identity());
    expect(claims.of(identity())).toEqual([
      { key: "team/a", uid: "uid-a", createdAt: "2026-02-02T00:00:00Z", title: "declared", leaving: true },
    ]);
  });
});

describe("the others are told", () => {
  beforeEach(() => {
    claims.update(resource("a"), identity());
    claims.update(resource("b"), identity());
    told = [];
  });

  test.each<[string, () => void]>([
    [
      "somebody new wants the flow",
      () => {
        claims.update(resource("c"), identity());
      },
    ],
    [
      "somebody got a firmer title",
      () => {
        claims.update(resource("a", { status: recorded() }), identity());
      },
    ],
    [
      "somebody starts to leave",
      () => {
        claims.update(resource("a", { metadata: { deletionTimestamp: "x" } }), identity());
      },
    ],
    [
      "somebody was made again under the same name",
      () => {
        claims.update(resource("a", { metadata: { uid: "new" } }), identity());
      },
    ],
    [
      "somebody wants another flow",
      () => {
        claims.update(resource("a"), identity("other"));
      },
    ],
    [
      "somebody is gone",
      () => {
        claims.remove("team/a");
      },
    ],
  ])("when %s", (_what, change) => {
    change();
    expect(told).toContain("team/b");
  });

  test("not when nothing changed, and nobody is told of itself", () => {
    claims.update(resource("a", { metadata: { resourceVersion: "99" } }), identity());
    expect(told).toEqual([]);
    claims.update(resource("a"), identity("other"));
    expect(told).not.toContain("team/a");
  });
});

describe("a claim", () => {
  test("is read as it was written", () => {
    const annotations = writeClaim(UID, identity(), "sha256:x");
    expect(readClaim({ uid: UID, annotations })).toEqual({ uid: UID, ...identity(), digest: "sha256:x" });
    expect(readClaim({ uid: UID, annotations: writeClaim(UID, identity()) })).toEqual({ uid: UID, ...identity() });
  });

  test.each([
    ["none", undefined],
    ["no JSON", "{"],
    ["another shape", "{}"],
    ["another resource's", writeClaim("other", identity())["kestraflow.dev/claim"]],
    ["a namespace that is none", JSON.stringify({ uid: UID, tenant: "main", namespace: "..", id: "x" })],
    ["an id that is none", JSON.stringify({ uid: UID, tenant: "main", namespace: "n", id: "../x" })],
  ])("that is %s is none", (_what, text) => {
    expect(
      readClaim({ uid: UID, ...(text === undefined ? {} : { annotations: { "kestraflow.dev/claim": text } }) }),
    ).toBeUndefined();
  });

  test("of a text has the digest that Kestra's equality has", () => {
    const claim = (text: string) => readClaim({ uid: UID, ...claiming("hello", text) })?.digest;
    expect(claim(textOf())).toBe(desired().digest);
    expect(claim(`revision: 4\n${textOf()}`)).toBe(desired().digest);
    expect(claim(`${textOf()} `)).not.toBe(desired().digest);
  });
});
