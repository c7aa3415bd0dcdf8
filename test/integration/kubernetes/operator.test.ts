import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KubernetesClient } from "../../../src/kubernetes/client.ts";
import { isNotFound } from "../../../src/kubernetes/errors.ts";
import { BaseOperator, type ResourceEvent } from "../../../src/kubernetes/operator.ts";
import { silentLogger } from "../../../src/lib/log.ts";
import { until } from "../../unit/kubernetes/support/until.ts";
import { crdOf, deleteCrd, widget, widgetType, type Widget } from "./support/widgets.ts";

const type = widgetType("operator");
const client = KubernetesClient.connect({ logger: silentLogger });
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kubernetes-test-"));
  await writeFile(join(folder, "crd.yaml"), JSON.stringify(crdOf(type)));
});

afterAll(async () => {
  await deleteCrd(client, type);
  await client.close();
  await rm(folder, { recursive: true });
}, 60_000);

/** An operator as the original's documentation shows one. */
class WidgetOperator extends BaseOperator {
  readonly events: string[] = [];
  readonly cleaned: string[] = [];

  protected override async init(): Promise<void> {
    const { group, versions, plural } = await this.registerCustomResourceDefinition(join(folder, "crd.yaml"));
    await this.watchResource(group, versions[0]?.name ?? "", plural, (event) => this.handle(event));
  }

  private async handle(event: ResourceEvent): Promise<void> {
    const what: string = event.type;
    this.events.push(what);
    if (what === "DELETED") return;
    const clean = () => Promise.resolve(void this.cleaned.push(event.meta.name));
    if (await this.handleResourceFinalizer(event, "machinery.test/operator", clean)) return;
    const { status } = event.object as unknown as Widget;
    if (status?.revision === undefined) await this.patchResourceStatus(event.meta, { revision: 1 });
    else if (status.revision === 1) await this.setResourceStatus(event.meta, { revision: 2 });
  }
}

test("an operator written for the original works: CRD, events, finalizer, status, end", async () => {
  const operator = new WidgetOperator({ client, logger: silentLogger });
  await operator.start();
  await until(
    "the CRD is served",
    () =>
      client.create(type, widget("w")).then(
        () => true,
        () => false,
      ),
    20_000,
  );
  const read = () => client.get<Widget>(type, { namespace: "default", name: "w" });
  await until("the status", async () => (await read()).status?.revision === 2, 20_000);
  expect((await read()).metadata.finalizers).toEqual(["machinery.test/operator"]);
  await client.delete(type, { namespace: "default", name: "w" });
  await until("it is gone", () => read().then(() => false, isNotFound), 20_000);
  await until("its end was told", () => operator.events.at(-1) === "DELETED");
  expect(operator.cleaned).toEqual(["w"]);
  expect(operator.events[0]).toBe("ADDED");
  await operator.shutDown();

  const again = new WidgetOperator({ client, logger: silentLogger });
  await again.start();
  await again.shutDown();
}, 60_000);
