import type { KestraClient } from "../../kestra/client.ts";
import { KestraUnreachable } from "../../kestra/errors.ts";
import type { KvItem } from "../../kestra/types.ts";
import { inParallel } from "../../lib/async.ts";
import { namesOf } from "../names.ts";
import type { Resource } from "../delivery/resource.ts";
import { entryResource, flowResource, literalOf, referenceTo, secretResource } from "./declare.ts";
import type { Selection } from "./selection.ts";

/** Requests to Kestra at a time. */
const CONCURRENCY = 8;

/** Times that a single read is tried. */
const ATTEMPTS = 3;

export interface Exported {
  resources: Resource[];
  /** What could not be declared, and why. */
  leftOut: { name: string; why: string }[];
}

export interface ExportOptions {
  selection: Selection;
  /** Kubernetes namespace to be named in the manifests. */
  target: string | undefined;
}

/**
 * Declares the flows of a Kestra. Names depend on all flows of their namespace, whatever is selected. One that is deleted while it is
 * read is left out.
 */
export async function exportFlows(kestra: KestraClient, { selection, target }: ExportOptions): Promise<Exported> {
  const resources: Resource[] = [];
  for (const namespace of (await kestra.flows.namespaces()).filter(selection.namespace)) {
    const items = await kestra.flows.list(namespace);
    const nameOf = namesOf(items);
    await inParallel(items.filter(selection.flow), CONCURRENCY, async ({ id }) => {
      const stored = await patiently(() => kestra.flows.get({ tenant: kestra.tenant, namespace, id }));
      if (stored) resources.push(flowResource(stored, nameOf(stored), target));
    });
  }
  return { resources, leftOut: [] };
}

/** Declares the entries of a Kestra, with their values or with references to Secrets that have yet to be filled. */
export async function exportEntries(kestra: KestraClient, { selection, target }: ExportOptions): Promise<Exported> {
  const resources: Resource[] = [];
  const leftOut: Exported["leftOut"] = [];
  for (const namespace of (await kestra.kv.namespaces()).filter(selection.namespace)) {
    const items = await kestra.kv.list(namespace);
    const nameOf = namesOf(items.map(({ key }) => ({ namespace, id: key })));
    const chosen = items.filter(({ key }) => selection.key(key));
    await inParallel(chosen, CONCURRENCY, async (item) => {
      const declared = await declare(kestra, item, nameOf, { selection, target });
      if (typeof declared === "string") leftOut.push({ name: `${namespace}/${item.key}`, why: declared });
      else resources.push(...declared);
    });
  }
  return { resources, leftOut };
}

/** The resources that declare an entry; none for one that is gone meanwhile. A text says why there can be none. */
async function declare(
  kestra: KestraClient,
  item: KvItem,
  nameOf: ReturnType<typeof namesOf>,
  { selection, target }: ExportOptions,
): Promise<Resource[] | string> {
  const { namespace, key } = item;
  const stored = await patiently(() => kestra.kv.get({ tenant: kestra.tenant, namespace, id: key }));
  if (typeof stored === "string") return [];
  const name = nameOf({ namespace, id: key });
  if (selection.secret(key)) {
    const reference = entryResource(item, referenceTo(name, stored.type), name, target);
    return [reference, secretResource(item, stored.type, name, target)];
  }
  const literal = literalOf(stored);
  if (literal) return [entryResource(item, literal, name, target)];
  return `its ${stored.type} is a value that Kestra does not keep when it is written again`;
}

/** One answer in thousands that comes too late must not cost the others. */
async function patiently<T>(read: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof KestraUnreachable) || attempt === ATTEMPTS) throw error;
    }
  }
}
