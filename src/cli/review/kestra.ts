import type { KestraClient } from "../../kestra/client.ts";
import { KestraRejected } from "../../kestra/errors.ts";
import { inParallel } from "../../lib/async.ts";
import type { BackfillSpec } from "../../resources/backfill/schema.ts";
import { flawOfFlow } from "../../resources/flow/flaw.ts";
import { reviewBackfill } from "./backfill.ts";
import { warning } from "./complaint.ts";
import type { Complaint } from "./complaint.ts";
import { stepsOf } from "./flow.ts";
import type { DeclaredFlow } from "./flow.ts";
import type { Reviewed } from "./review.ts";

/** Requests to Kestra at a time. */
const CONCURRENCY = 4;

/**
 * Adds what Kestra says against the flows that were found to be sound, and of Backfills what depends on a flow that only Kestra has.
 * Nothing is written.
 *
 * @throws {KestraError} when Kestra cannot be asked
 */
export async function reviewByKestra(reviewed: readonly Reviewed[], kestra: KestraClient, now: number): Promise<void> {
  await inParallel(reviewed, CONCURRENCY, async (it) => {
    if (it.complaints.some(({ severity }) => severity === "error")) return;
    if (it.flow) it.complaints.push(...(await verdictOn(it.flow, kestra)));
    if (it.kind === "Backfill") it.complaints = await ofBackfill(it, reviewed, kestra, now);
  });
}

async function verdictOn(flow: DeclaredFlow, kestra: KestraClient): Promise<Complaint[]> {
  const { identity, text } = flow;
  try {
    const validation = await kestra.flows.validate(text);
    const flaw = flawOfFlow(validation, identity, text);
    if (flaw) return [flow.complain(flaw.reason, flaw.message, stepsOf(flaw.path))];
    const warn = (rule: string, message: string, path: string): Complaint => ({
      ...flow.complain(rule, message, stepsOf(path)),
      severity: "warning",
    });
    return [
      ...validation.deprecationPaths.map((path) => warn("Deprecated", `Kestra calls ${path} deprecated.`, path)),
      ...validation.warnings.map((message) => warn("KestraWarning", message, "")),
    ];
  } catch (error) {
    if (!(error instanceof KestraRejected)) throw error;
    return [flow.complain("InvalidFlow", `Kestra refuses the flow: ${error.message}.`, [])];
  }
}

async function ofBackfill(
  { manifest, complaints }: Reviewed,
  all: readonly Reviewed[],
  kestra: KestraClient,
  now: number,
): Promise<Complaint[]> {
  const { spec } = manifest.value as { spec: BackfillSpec };
  const { namespace, id } = spec.target;
  if (namespace === undefined || id === undefined) return complaints;
  const isDeclared = all.some(({ flow }) => flow?.identity.namespace === namespace && flow.identity.id === id);
  if (isDeclared) return complaints;
  const flow = await kestra.flows.definition({ tenant: kestra.tenant, namespace, id });
  if (flow) return reviewBackfill(spec, flow, now);
  const message = `Kestra has no flow ${namespace}/${id}: the Backfill will wait for it.`;
  return [...complaints, warning("FlowMissing", message, ["spec", "target"])];
}
