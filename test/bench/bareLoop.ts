// Makes, for every KestraFlow of a namespace, only the calls that cannot be spared: validate and create in Kestra, one patch of metadata
// and one of the status in Kubernetes. The measure that the operator is held against; it decides, checks and remembers nothing.
// Run as: node bareLoop.ts NAMESPACE CONCURRENCY
import { silentLogger } from "../../src/lib/log.ts";
import { KestraClient } from "../../src/kestra/client.ts";
import { KubernetesClient } from "../../src/kubernetes/client.ts";
import { FINALIZER } from "../../src/resources/annotations.ts";
import { writeClaim } from "../../src/resources/ownership/claim.ts";
import { kestraFlows } from "../../src/resources/flow/schema.ts";
import type { KestraFlow } from "../../src/resources/flow/schema.ts";
import { inParallel } from "../../src/lib/async.ts";

const [namespace = "", concurrency = "8"] = process.argv.slice(2);
const { KESTRA_URL: url = "", KESTRA_USERNAME: username = "", KESTRA_PASSWORD: password = "" } = process.env;
const kubernetes = KubernetesClient.connect({ kubeconfig: process.env.KUBECONFIG, logger: silentLogger });
const kestra = new KestraClient({ url, tenant: "main", credentials: () => ({ username, password }) });

const { items } = await kubernetes.list<KestraFlow>(kestraFlows, { namespace });
await inParallel(items, Number(concurrency), async ({ metadata, spec }) => {
  const source = spec.source ?? "";
  const { flow: id = "", namespace: kestraNamespace = "" } = await kestra.flows.validate(source);
  const identity = { tenant: "main", namespace: kestraNamespace, id };
  const annotations = writeClaim(metadata.uid, identity, `sha256:${"0".repeat(64)}`);
  await kubernetes.mergePatch(kestraFlows, metadata, { metadata: { annotations, finalizers: [FINALIZER] } });
  const created = await kestra.flows.create(source);
  const revision = created === "exists" ? 0 : created.revision;
  const ready = { type: "Ready", status: "True", reason: "Synced", message: "Kestra holds the flow as declared." };
  const lastTransitionTime = new Date().toISOString();
  const status = {
    observedGeneration: 1,
    instance: "default",
    flow: { ...identity, revision, url: `${url}/ui/main/flows/edit/${kestraNamespace}/${id}` },
    applied: { digest: `sha256:${"0".repeat(64)}` },
    conditions: [{ ...ready, observedGeneration: 1, lastTransitionTime }],
  };
  await kubernetes.patchStatus(kestraFlows, metadata, { status });
});
await kubernetes.close();
process.exit(0);
