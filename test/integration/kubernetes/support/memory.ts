// Prints how much memory a process with an informer takes, before and after that has its objects.
import { setFlagsFromString } from "node:v8";
import { KubernetesClient } from "../../../../src/kubernetes/client.ts";
import { Informer } from "../../../../src/kubernetes/informer.ts";
import type { AnyObject, Identified } from "../../../../src/kubernetes/objects.ts";
import { silentLogger } from "../../../../src/lib/log.ts";

/** What an operator needs of an object that is in sync. */
interface Compact extends Identified {
  generation: number;
  digest: string;
}

// The young generation of the heap would double for the time of the first list, and never be given back.
setFlagsFromString("--semi-space-growth-factor=1");

const client = KubernetesClient.connect({ logger: silentLogger });
const type = { group: "test", version: "v1", plural: "widgets", kind: "Widget", namespaced: true };

await client.list(type, { limit: 1 });
const emptyMb = await memory();
const informer = new Informer<Compact>({
  client,
  type,
  logger: silentLogger,
  transform: ({ metadata }: AnyObject) => ({
    metadata: {
      name: metadata.name,
      namespace: metadata.namespace ?? "",
      uid: metadata.uid,
      resourceVersion: metadata.resourceVersion,
    },
    generation: metadata.generation ?? 0,
    digest: `digest-of-${metadata.name}`,
  }),
});
informer.store.index("digest", ({ digest }) => [digest]);
informer.start();
await informer.synced;
const count = informer.store.size;
const fullMb = await memory();
await informer.stop();
await client.close();
process.stdout.write(JSON.stringify({ count, emptyMb, fullMb }));

async function memory(): Promise<number> {
  for (let i = 0; i < 5; i++) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return Math.round(process.memoryUsage.rss() / 1e5) / 10;
}
