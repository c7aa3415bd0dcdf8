// Makes, for every resource of a kind in a namespace, only the calls that cannot be spared: docs/benchmarks.md names them and says why. The
// measure that the operator is held against; it decides, checks and remembers nothing.
// Run as: node bareLoop.ts KIND NAMESPACE CONCURRENCY
import { silentLogger } from "../../src/lib/log.ts";
import { KestraClient } from "../../src/kestra/client.ts";
import { KubernetesClient } from "../../src/kubernetes/client.ts";
import type { AnyObject, ResourceType } from "../../src/kubernetes/objects.ts";
import { FINALIZER } from "../../src/resources/annotations.ts";
import { kestraFlows } from "../../src/resources/flow/schema.ts";
import type { KestraFlow } from "../../src/resources/flow/schema.ts";
import { kestraKvs } from "../../src/resources/kv/schema.ts";
import type { KestraKv } from "../../src/resources/kv/schema.ts";
import { writeClaim } from "../../src/resources/ownership/claim.ts";
import type { Identity } from "../../src/resources/ownership/identity.ts";
import { inParallel } from "../../src/lib/async.ts";

const [kind = "", namespace = "", concurrency = "8"] = process.argv.slice(2);
const { KESTRA_URL: url = "", KESTRA_USERNAME: username = "", KESTRA_PASSWORD: password = "" } = process.env;
const DIGEST = `sha256:${"0".repeat(64)}`;
const kubernetes = KubernetesClient.connect({ kubeconfig: process.env.KUBECONFIG, logger: silentLogger });
const kestra = new KestraClient({ url, tenant: "main", credentials: () => ({ username, password }) });

if (kind === kestraFlows.kind) await makeAll<KestraFlow>(kestraFlows, makeFlow);
else await makeAll<KestraKv>(kestraKvs, makeEntry);
await kubernetes.close();
process.exit(0);

async function makeAll<R extends AnyObject>(type: ResourceType, make: (resource: R) => Promise<void>): Promise<void> {
  const { items } = await kubernetes.list<R>(type, { namespace });
  await inParallel(items, Number(concurrency), make);
}

async function makeFlow({ metadata, spec }: KestraFlow): Promise<void> {
  const source = spec.source ?? "";
  const { flow: id = "", namespace: kestraNamespace = "" } = await kestra.flows.validate(source);
  const identity = { tenant: "main", namespace: kestraNamespace, id };
  await claim(kestraFlows, metadata, identity, DIGEST);
  const created = await kestra.flows.create(source);
  const revision = created === "exists" ? 0 : created.revision;
  const flow = { ...identity, revision, url: `${url}/ui/main/flows/edit/${kestraNamespace}/${id}` };
  await conclude(kestraFlows, metadata, { flow });
}

async function makeEntry({ metadata, spec }: KestraKv): Promise<void> {
  const { namespace: kestraNamespace, key } = spec;
  const identity = { tenant: "main", namespace: kestraNamespace, id: key };
  if ((await kestra.kv.get(identity)) !== "missing") throw new Error(`${key} exists already`);
  await claim(kestraKvs, metadata, identity);
  await kestra.kv.put(identity, { body: JSON.stringify(spec.value) });
  const row = await kestra.kv.search(identity);
  await kestra.kv.get(identity);
  const version = row?.version ?? 0;
  const address = `${url}/ui/main/namespaces/edit/${kestraNamespace}/kv`;
  const entry = { tenant: "main", namespace: kestraNamespace, key, type: "STRING", version, url: address };
  await conclude(kestraKvs, metadata, { entry });
}

async function claim(
  type: ResourceType,
  metadata: AnyObject["metadata"],
  identity: Identity,
  digest?: string,
): Promise<void> {
  const annotations = writeClaim(metadata.uid, identity, digest);
  await kubernetes.mergePatch(type, metadata, { metadata: { annotations, finalizers: [FINALIZER] } });
}

async function conclude(type: ResourceType, metadata: AnyObject["metadata"], ofKind: object): Promise<void> {
  const ready = { type: "Ready", status: "True", reason: "Synced", message: "Kestra holds it as declared." };
  const lastTransitionTime = new Date().toISOString();
  const status = {
    observedGeneration: 1,
    instance: "default",
    ...ofKind,
    applied: { digest: DIGEST },
    conditions: [{ ...ready, observedGeneration: 1, lastTransitionTime }],
  };
  await kubernetes.patchStatus(type, metadata, { status });
}
