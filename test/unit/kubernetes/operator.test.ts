import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { KubernetesClient } from "../../../src/kubernetes/client.ts";
import type { Informer } from "../../../src/kubernetes/informer.ts";
import { BaseOperator, type ResourceEvent } from "../../../src/kubernetes/operator.ts";
import { silentLogger } from "../../../src/lib/log.ts";
import { answer, refuse, serveCluster, type Cluster } from "./support/cluster.ts";
import { until } from "./support/until.ts";

const finalizer = "test/finalizer";
let cluster: Cluster;
let client: KubernetesClient;
let operator: ThingOperator;

class ThingOperator extends BaseOperator {
  readonly events: string[] = [];
  informer: Informer | undefined;
  onEvent: (event: ResourceEvent) => Promise<unknown> = () => Promise.resolve();

  protected override async init(): Promise<void> {
    await this.watchResource("test", "v1", "things", async (event) => {
      this.events.push(`${event.type} ${event.meta.kind} ${event.meta.name}`);
      await this.onEvent(event);
    });
  }

  own(type = { group: "test", version: "v1", plural: "others", kind: "Other", namespaced: true }): Informer {
    return this.watch(type, { metadataOnly: true });
  }

  finalize(event: ResourceEvent, clean: () => Promise<void>): Promise<boolean> {
    return this.handleResourceFinalizer(event, finalizer, clean);
  }

  status(event: ResourceEvent, status: object) {
    return this.patchResourceStatus(event.meta, status);
  }

  replaceStatus(event: ResourceEvent, status: object) {
    return this.setResourceStatus(event.meta, status);
  }

  uri(namespace?: string): string {
    return this.getCustomResourceApiUri("test", "v1", "things", namespace);
  }
}

beforeEach(async () => {
  cluster = await serveCluster();
  client = KubernetesClient.connect({ kubeconfig: cluster.kubeconfig, logger: silentLogger });
  operator = new ThingOperator({ client, logger: silentLogger });
});

afterEach(async () => {
  await operator.shutDown(0);
  await client.close();
  await cluster.close();
});

/** Lets writes pass to a handler of the test, while lists and watches go on. */
const writes = () => cluster.requests.filter(({ method }) => method !== "GET");

async function start(): Promise<void> {
  await operator.start();
  await until("the watch is open", () => cluster.open.size > 0);
}

describe("resource events", () => {
  test("are added, modified and deleted, with what the original tells about the object", async () => {
    await start();
    cluster.put("a");
    await until("added", () => operator.events.length === 1);
    cluster.put("a");
    await until("modified", () => operator.events.length === 2);
    cluster.remove("a");
    await until("deleted", () => operator.events.length === 3);
    expect(operator.events).toEqual(["ADDED Thing a", "MODIFIED Thing a", "DELETED Thing a"]);
  });

  test("a handler that rejects gets its event again", async () => {
    let attempts = 0;
    operator.onEvent = () => (++attempts < 3 ? Promise.reject(new Error("not yet")) : Promise.resolve());
    cluster.put("a");
    await start();
    await until("accepted", () => attempts === 3);
    expect(operator.events).toEqual(["ADDED Thing a", "ADDED Thing a", "ADDED Thing a"]);
  });

  test("a cut watch does not end the process or the events", async () => {
    await start();
    for (const response of cluster.open) response.destroy();
    await until("another watch", () => cluster.watches().length === 2 && cluster.open.size === 1);
    cluster.put("a");
    await until("the event", () => operator.events.length === 1);
  });
});

describe("writes", () => {
  test("the finalizer helper of the original writes through our client, and leaves the cache alone", async () => {
    const answers: boolean[] = [];
    operator.onEvent = async (event) => answers.push(await operator.finalize(event, () => Promise.resolve()));
    cluster.onList((request, response) => {
      if (request.method === "GET") cluster.onList(undefined);
      answer(response, 200, {
        kind: "ThingList",
        metadata: { resourceVersion: "1" },
        items: [thing({ finalizers: ["x"] })],
      });
    });
    await start();
    cluster.onList((request, response) => {
      answer(response, 200, request.body);
    });
    await until("handled", () => answers.length === 1);
    expect(answers).toEqual([true]);
    expect(writes()).toMatchObject([
      {
        method: "PATCH",
        path: "/apis/test/v1/namespaces/n/things/a",
        body: { metadata: { resourceVersion: "1", finalizers: ["x", finalizer] } },
      },
    ]);
  });

  test("a status that cannot be written rejects", async () => {
    const errors: unknown[] = [];
    operator.onEvent = async (event) => {
      cluster.onList((_, response) => {
        refuse(response, 409, "Conflict");
      });
      for (const write of [operator.status(event, { a: 1 }), operator.replaceStatus(event, { a: 1 })]) {
        await write.catch((error: unknown) => errors.push(error));
      }
    };
    cluster.put("a");
    await start();
    await until("both were refused", () => errors.length === 2);
    expect(errors).toMatchObject([{ status: 409 }, { status: 409 }]);
    expect(writes().map(({ method, path }) => `${method} ${path}`)).toEqual([
      "PATCH /apis/test/v1/namespaces/n/things/a/status",
      "PUT /apis/test/v1/namespaces/n/things/a/status",
    ]);
  });
});

test("the address of a resource is whole", () => {
  expect(operator.uri("n")).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/apis\/test\/v1\/namespaces\/n\/things$/);
  expect(operator.uri()).toMatch(/\/apis\/test\/v1\/things$/);
});

test("an informer that is asked for is started with the operator, or at once when that runs already", async () => {
  const early = operator.own();
  expect(early.state).toBe("empty");
  await start();
  const late = operator.own({ group: "", version: "v1", plural: "lates", kind: "Late", namespaced: true });
  await Promise.all([early.synced, late.synced]);
  expect(cluster.lists().map(({ path }) => path)).toEqual(
    expect.arrayContaining(["/apis/test/v1/others", "/apis/test/v1/things", "/api/v1/lates"]),
  );
});

test("start rejects when init does", async () => {
  class Broken extends BaseOperator {
    protected override init(): Promise<void> {
      return Promise.reject(new Error("no such file"));
    }
  }
  await expect(new Broken({ client, logger: silentLogger }).start()).rejects.toThrow("no such file");
});

function thing(metadata: object) {
  return {
    apiVersion: "test/v1",
    kind: "Thing",
    metadata: { name: "a", namespace: "n", uid: "u", resourceVersion: "1", ...metadata },
  };
}
