import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { namesOf } from "../../../src/cli/names.ts";

/** What Kestra allows, by its own rules. */
const namespaces = fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,149}$/);
const ids = fc.stringMatching(/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,199}$/);
/** What Kubernetes allows as the name of an object: RFC 1123. */
const NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** Few and alike, so that they meet. */
const likeNamespaces = fc.constantFrom("a", "a.b", "a-b", "a_b", "a.b.", "a..b");
const likeIds = fc.constantFrom("a", "A", "a.b", "a_b", "a-b", "A-B", "a__b", "a-", "b.c", "c");
const identities = fc.uniqueArray(
  fc.oneof(fc.record({ namespace: likeNamespaces, id: likeIds }), fc.record({ namespace: namespaces, id: ids })),
  { selector: ({ namespace, id }) => `${namespace}/${id}`, minLength: 1, maxLength: 30 },
);

describe("names", () => {
  test.each([
    ["zoomcamp", "01_hello_world", "zoomcamp.01-hello-world"],
    ["company.team", "My.Flow-V2", "company.team.my-flow-v2"],
    ["company.team", "plain", "company.team.plain"],
  ])("of %s/%s is %s", (namespace, id, name) => {
    expect(namesOf([{ namespace, id }])({ namespace, id }).name).toBe(name);
  });

  test("are valid and distinct, whatever the ids", () => {
    fc.assert(
      fc.property(identities, (all) => {
        const names = all.map((identity) => namesOf(all)(identity));
        for (const { name, short } of names) {
          expect(name).toMatch(NAME);
          expect(name.length).toBeLessThanOrEqual(253);
          expect(short).toMatch(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/);
        }
        expect(new Set(names.map(({ name }) => name)).size).toBe(all.length);
        const files = all.map((identity, index) => `${identity.namespace}/${names[index]?.short ?? ""}`);
        expect(new Set(files).size).toBe(all.length);
      }),
      { numRuns: 300 },
    );
  });

  test("depend neither on the order nor on what other namespaces have", () => {
    fc.assert(
      fc.property(identities, (all) => {
        for (const identity of all) {
          const own = all.filter(({ namespace }) => namespace === identity.namespace);
          expect(namesOf(own.toReversed())(identity)).toEqual(namesOf(all)(identity));
        }
      }),
    );
  });

  test("of ids that are valid as they are stay when others come to the same", () => {
    const all = ["a-b", "a_b", "A.B"].map((id) => ({ namespace: "team", id }));
    const names = all.map((identity) => namesOf(all)(identity).name);
    expect(names[0]).toBe("team.a-b");
    expect(names[1]).toMatch(/^team\.a-b-[0-9a-f]{8}$/);
    expect(names[2]).toMatch(/^team\.a-b-[0-9a-f]{8}$/);
    expect(namesOf(all.slice(0, 1))(all[0] ?? { namespace: "", id: "" }).name).toBe("team.a-b");
  });
});
