import { beforeEach, describe, expect, test } from "@jest/globals";
import {
  KestraFailed,
  KestraProtocolError,
  KestraRejected,
  KestraUnauthorized,
  KestraUnreachable,
} from "../../../../src/kestra/errors.ts";
import { textOf } from "./support/observed.ts";
import { FlowWorld } from "./support/world.ts";

let world: FlowWorld;

beforeEach(() => {
  world = new FlowWorld();
});

function failing(operation: "get" | "create" | "validate", error: Error): void {
  Object.assign(world.kestra, { [operation]: () => Promise.reject(error) });
}

function status(name = "ours") {
  return world.kubernetes.resources.get(`team/${name}`)?.status;
}

function metadata() {
  return world.kubernetes.resources.get("team/ours")?.metadata;
}

function readiness(): string | undefined {
  const ready = status()?.conditions?.find(({ type }) => type === "Ready");
  return ready && `${ready.status} ${ready.reason}: ${ready.message}`;
}

async function inSync(): Promise<void> {
  world.kubernetes.apply("ours", { source: textOf() });
  await world.rest();
  expect(readiness()).toMatch(/^True Synced/);
  world.writes.length = 0;
  world.renewKestra();
}

test("a new flow costs one claim, one create and one status, and leaves one Event", async () => {
  world.kubernetes.apply("ours", { source: textOf() });
  await world.rest();
  expect(world.writes).toEqual(["patch team/ours", "create main/n/hello", "patchStatus team/ours"]);
  expect(world.events).toEqual(["ours: Applied"]);
});

test("a deleted resource takes its flow with it", async () => {
  await inSync();
  world.kubernetes.delete("ours");
  await world.rest();
  expect(world.writes).toEqual(["delete main/n/hello", "patch team/ours"]);
  expect([world.kubernetes.resources.size, world.kestra.stored.size]).toEqual([0, 0]);
});

describe("a refused adoption", () => {
  const foreign = textOf("foreign", "of somebody else");

  test("leaves no finalizer behind, so that the resource can go while Kestra is away", async () => {
    world.kestra.put(foreign);
    world.kubernetes.apply("ours", { source: textOf("foreign") });
    await world.rest();
    expect(readiness()).toMatch(/^False AdoptionRefused/);
    expect(metadata()).toMatchObject({ finalizers: [], annotations: {} });
    world.kestra.down = true;
    world.kubernetes.delete("ours");
    expect(world.kubernetes.resources.size).toBe(0);
  });

  test("of a resource that owns another flow keeps the finalizer for that one", async () => {
    await inSync();
    world.kestra.put(foreign);
    world.kubernetes.apply("ours", { source: textOf("foreign") });
    await world.rest();
    expect(metadata()).toMatchObject({ finalizers: ["kestraflow.dev/finalizer"], annotations: {} });
    world.kubernetes.delete("ours");
    await world.rest();
    expect([...world.kestra.stored.values()].map(({ source }) => source)).toEqual([foreign]);
  });
});

describe("what Kestra answers badly", () => {
  test("a refusal stalls the resource, with Kestra's words", async () => {
    world.kubernetes.apply("ours", { source: textOf() });
    failing("create", new KestraRejected(422, "Invalid entity: no"));
    await expect(world.reconcile("ours")).resolves.toMatchObject({ requeueAfterMs: 600_000 });
    expect(readiness()).toBe("False Rejected: Kestra refuses the flow: Invalid entity: no");
  });

  test.each([
    [new KestraFailed("createFlow: Kestra failed (500): boom"), "KestraFailed", 0],
    [new KestraUnreachable("createFlow: ECONNRESET"), "KestraUnreachable", 1],
    [new KestraProtocolError("createFlow: not JSON"), "KestraProtocolError", 1],
    [new KestraUnauthorized("no"), "KestraUnauthorized", 1],
  ])("%s is shown, tried again with back-off, and told to the server's monitor", async (error, reason, suspicions) => {
    world.kubernetes.apply("ours", { source: textOf() });
    failing("create", error);
    await expect(world.reconcile("ours")).rejects.toBe(error);
    expect(readiness()).toBe(`False ${reason}: ${error.message}.`);
    expect(world.suspicions).toBe(suspicions);
    expect(world.events).toEqual([]);
  });

  test.each([new KestraUnreachable("getFlow: ECONNRESET"), new KestraProtocolError("getFlow: not JSON")])(
    "%s does not make a flow that is in sync less so: its monitor says when it is out of reach",
    async (error) => {
      await inSync();
      failing("get", error);
      await expect(world.reconcile("ours")).rejects.toBe(error);
      expect(world.writes).toEqual([]);
      expect(world.suspicions).toBe(1);
    },
  );

  test("a server that contradicts itself for ever ends in an error, not in a loop", async () => {
    world.kubernetes.apply("ours", { source: textOf() });
    world.kestra.create = () => Promise.resolve("exists");
    await expect(world.reconcile("ours")).rejects.toThrow(/no verdict on team\/ours/);
  });
});

describe("a resource that goes while it is reconciled", () => {
  test("is left alone when it is gone", async () => {
    await expect(world.reconcile("ours")).resolves.toEqual({});
    await inSync();
    world.kestra.get = () => {
      world.kubernetes.resources.clear();
      return Promise.resolve(undefined);
    };
    await expect(world.reconcile("ours")).resolves.toEqual({});
    expect(world.writes).toEqual([]);
  });

  test("is left alone when another one took its name", async () => {
    world.kubernetes.apply("ours", { source: textOf() });
    world.kestra.validate = () => {
      world.kubernetes.resources.clear();
      world.kubernetes.apply("ours", { source: textOf() });
      return Promise.resolve({ flow: "hello", namespace: "n", warnings: [], deprecationPaths: [] });
    };
    await expect(world.reconcile("ours")).rejects.toThrow(/409/);
    expect(world.writes).toEqual([]);
  });
});

describe("a ConfigMap", () => {
  const sourceFrom = { configMapKeyRef: { name: "flows", key: "flow" } };

  test("is followed when it changes", async () => {
    world.applyConfigMap("flows", textOf());
    world.kubernetes.apply("ours", { sourceFrom });
    await world.rest();
    world.applyConfigMap("flows", textOf("hello", "changed"));
    await world.rest();
    expect(world.kestra.stored.get("main/n/hello")).toMatchObject({ source: textOf("hello", "changed"), revision: 2 });
    expect(status()?.applied?.configMapVersion).toBe(
      world.kubernetes.configMaps.get("team/flows")?.metadata.resourceVersion,
    );
  });

  test("that is missing, lacks the key or is empty keeps the last good flow, and says what is missing", async () => {
    world.kubernetes.apply("ours", { sourceFrom });
    await world.rest();
    expect(readiness()).toBe("False SourceMissing: Waiting for the ConfigMap flows.");
    world.applyConfigMap("flows", textOf());
    await world.rest();
    for (const text of ["", " \n"]) {
      world.applyConfigMap("flows", text);
      await world.rest();
      expect(readiness()).toMatch(/SourceMissing: Waiting for the key flow in the ConfigMap flows\. Kestra keeps rev/);
    }
    expect(world.kestra.stored.get("main/n/hello")?.revision).toBe(1);
  });
});

test("a resource in a namespace that may not have the flow neither wins it nor inherits it", async () => {
  world.context.settings.refusal = (from) => (from === "denied" ? "no" : undefined);
  world.kubernetes.apply("squatter", { source: textOf() }, {}, "denied");
  world.kubernetes.apply("ours", { source: textOf() });
  await world.rest();
  expect(readiness()).toMatch(/^True Synced/);
  world.kubernetes.delete("ours");
  await world.rest();
  expect(world.kestra.stored.size).toBe(0);
});
