import { KestraRejected } from "../../kestra/errors.ts";
import { ANNOTATION, FINALIZER } from "../../resources/annotations.ts";
import type { CachedResource, Decision, Observed, OwnershipWrite } from "../../resources/model.ts";
import { writeClaim } from "../../resources/ownership/claim.ts";
import { identityKey } from "../../resources/ownership/identity.ts";
import { isOwnershipWrite } from "../../resources/reconciler.ts";
import type { Verdict } from "../../resources/verdict.ts";

/** How a rehearsal ended: at the write that the operator would make, or at its verdict. */
export type Rehearsed<Write> = { would: "write"; write: Write } | { would: "settle"; verdict: Verdict };

interface Steps<O, Fact extends string, Write> {
  decide: (seen: O, now: number) => Decision<Fact, Write>;
  read: (seen: O, fact: Fact) => Promise<void>;
}

/** As many as a reconcile may take. */
const MAX_STEPS = 24;

/**
 * Takes the operator's own decisions about a resource up to its first write, which is not made. What changes who owns what is
 * pretended, in `seen`.
 *
 * @throws what reading throws
 */
export async function rehearse<O extends Observed, Fact extends string, Write extends { op: string }>(
  { decide, read }: Steps<O, Fact, Write>,
  seen: O,
  now: number,
): Promise<Rehearsed<Write>> {
  for (let step = 0; step < MAX_STEPS; step++) {
    const decision = decide(seen, now);
    if (decision.do === "settle") return { would: "settle", verdict: decision.verdict };
    if (decision.do === "read") {
      const refused = await read(seen, decision.fact).then(() => undefined, refusalOf(seen.noun));
      if (refused) return refused;
      continue;
    }
    const { write } = decision;
    if (!isOwnershipWrite(write)) return { would: "write", write };
    pretend(seen, write);
  }
  throw new Error(`no verdict on ${seen.object.metadata.name} after ${MAX_STEPS} steps`);
}

/** The status and metadata of a resource that owns what it declares, for one of which nothing is known. */
export function assumeOwned<R extends CachedResource>(object: R, status: R["status"], owned: R["owned"]): R {
  const metadata = { ...object.metadata, finalizers: [FINALIZER] };
  return { ...object, metadata, status, ...(owned ? { owned } : {}) };
}

/** The verdict on what Kestra refuses to look at; other errors are thrown on. */
function refusalOf(noun: string): (error: unknown) => { would: "settle"; verdict: Verdict } {
  return (error) => {
    if (!(error instanceof KestraRejected)) throw error;
    const message = `Kestra refuses the ${noun}: ${error.message}`;
    return { would: "settle", verdict: { state: "stalled", reason: "Rejected", message } };
  };
}

function pretend<R extends CachedResource>(seen: Observed<R>, write: OwnershipWrite): void {
  const { metadata } = seen.object;
  const { [ANNOTATION.claim]: claim, ...annotations } = metadata.annotations ?? {};
  void claim;
  switch (write.op) {
    case "claim": {
      const stated = writeClaim(metadata.uid, write.identity, write.digest);
      const claimed = { ...metadata, finalizers: [FINALIZER], annotations: { ...annotations, ...stated } };
      seen.object = { ...seen.object, metadata: claimed };
      return;
    }
    case "unclaim":
      seen.object = { ...seen.object, metadata: { ...metadata, annotations } };
      return;
    case "delete":
    case "handOver":
      seen.leftBehind.add(identityKey(write.identity));
      return;
    case "release":
      seen.object = { ...seen.object, metadata: { ...metadata, finalizers: [] } };
  }
}
