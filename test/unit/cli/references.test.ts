import { describe, expect, test } from "@jest/globals";
import type { KubernetesClient } from "../../../src/kubernetes/client.ts";
import { ApiError } from "../../../src/kubernetes/errors.ts";
import { coreTypes } from "../../../src/kubernetes/objects.ts";
import type { AnyObject } from "../../../src/kubernetes/objects.ts";
import { NotLookedAt, References } from "../../../src/cli/rehearsal/references.ts";

const object = (kind: string, name: string, more: object = {}) =>
  ({ apiVersion: "v1", kind, metadata: { name, namespace: "team" }, ...more }) as AnyObject;

/** A cluster that has one ConfigMap. */
const cluster: Pick<KubernetesClient, "get"> = {
  get: <T extends AnyObject>(_type: unknown, { name }: { name: string }) =>
    name === "there"
      ? Promise.resolve(object("ConfigMap", name, { data: { from: "cluster" } }) as T)
      : Promise.reject(new ApiError("GET", 404, { reason: "NotFound" })),
};

const named = (name: string) => ({ namespace: "team", name });

describe("what resources refer to", () => {
  test("is taken from the files first, then from the cluster", async () => {
    const files = [object("ConfigMap", "there", { data: { from: "files" } })];
    expect(await new References(files, cluster).get(coreTypes.configMap, named("there"))).toMatchObject({
      data: { from: "files" },
    });
    expect(await new References([], cluster).get(coreTypes.configMap, named("there"))).toMatchObject({
      data: { from: "cluster" },
    });
    await expect(new References(files, cluster).get(coreTypes.configMap, named("gone"))).rejects.toMatchObject({
      status: 404,
    });
  });

  test("is of the same namespace and kind", async () => {
    const references = new References([object("ConfigMap", "a")]);
    await expect(references.get(coreTypes.secret, named("a"))).rejects.toThrow(NotLookedAt);
    await expect(references.get(coreTypes.configMap, { namespace: "other", name: "a" })).rejects.toThrow(NotLookedAt);
  });

  test("without a cluster says where it was not looked for", async () => {
    await expect(new References([]).get(coreTypes.secret, named("login"))).rejects.toThrow(
      "the Secret login is not in the files, and no cluster was named by --context or --kubeconfig",
    );
    expect(await new References([]).existing(coreTypes.secret, named("login"))).toBe("unknown");
    expect(await new References([], cluster).existing(coreTypes.configMap, named("gone"))).toBeUndefined();
  });

  test("has the texts of a Secret as the API server keeps them", async () => {
    const data = { a: Buffer.from("old").toString("base64"), b: Buffer.from("kept").toString("base64") };
    const references = new References([object("Secret", "login", { data, stringData: { a: "new" } })]);
    expect(await references.get(coreTypes.secret, named("login"))).toMatchObject({
      data: { a: Buffer.from("new").toString("base64"), b: data.b },
    });
  });

  test("is not known of a Secret that SOPS encrypted", async () => {
    const references = new References([object("Secret", "login", { stringData: { a: "ENC[...]" }, sops: {} })]);
    await expect(references.get(coreTypes.secret, named("login"))).rejects.toThrow(
      "the Secret login is encrypted in the files",
    );
  });
});
