import type { KestraFlow } from "../../src/resources/flow/schema.ts";
import { SandboxError } from "../errors.ts";
import { executeGreeting } from "./execution.ts";
import { DRIFT_INTERVAL_SECONDS } from "./operator.ts";
import { stateOf, waitForFlow, type World } from "./world.ts";

/** Shows what becomes of changes, on the greeting flow: an edit, drift and its correction, deletion and return. */
export async function showChanges(world: World, flow: KestraFlow, manifests: string[]): Promise<void> {
  const edited = await edit(world, flow);
  await driftAndCorrection(world, edited);
  await deletionAndReturn(world, edited, manifests);
}

/** A person changes the resource: the flow in Kestra follows. */
async function edit(world: World, flow: KestraFlow): Promise<KestraFlow> {
  const { kubectl, screen } = world;
  const { name, namespace } = nameOf(flow);
  const spec = { source: greetingWith("Good morning", flow) };
  screen.command(`kubectl patch kestraflow ${name} --type merge --patch '{"spec": {"source": …}}'  # Good morning`);
  const begin = performance.now();
  const patch = ["--type", "merge", "--patch", JSON.stringify({ spec })];
  await kubectl.run(["patch", "kestraflow", name, "--namespace", namespace, ...patch]);
  const edited = await waitForFlow(
    world,
    { namespace, name },
    (current) => stateOf(current) === "ready" && revisionOf(current) > revisionOf(flow),
    "the edit has reached the engine",
  );
  screen.done(`edited: the engine has it as revision ${revisionOf(edited)}`, performance.now() - begin);
  await executeGreeting(world, edited);
  return edited;
}

/** A person changes the flow in Kestra itself: the operator puts it right. */
async function driftAndCorrection(world: World, flow: KestraFlow): Promise<void> {
  const { kestra, screen } = world;
  const { namespace, id } = flowOf(flow);
  screen.line("Somebody edits the flow in the engine itself, past the resource: Goodbye.");
  const begin = performance.now();
  const drifted = await kestra.edit(namespace, id, greetingWith("Goodbye", flow));
  screen.line(`  drifted: revision ${drifted.revision} there is not what the resource says`);
  const corrected = await waitForFlow(
    world,
    nameOf(flow),
    async ({ status }) =>
      status?.drift?.correctedAt !== undefined && (await kestra.flow(namespace, id))?.source === flow.spec.source,
    `the operator notices (it looks every ${DRIFT_INTERVAL_SECONDS} s here; by default every 60 s)`,
  );
  screen.done(
    `corrected: revision ${revisionOf(corrected)} is the resource's source again, byte for byte`,
    performance.now() - begin,
  );
}

/** The resource is deleted, and with it the flow; applying the manifests once more brings both back as they first were. */
async function deletionAndReturn(world: World, flow: KestraFlow, manifests: string[]): Promise<void> {
  const { kestra, kubectl, screen } = world;
  const { name, namespace } = nameOf(flow);
  const inKestra = flowOf(flow);
  screen.command(`kubectl delete kestraflow ${name}`);
  let begin = performance.now();
  await kubectl.run(["delete", "kestraflow", name, "--namespace", namespace, "--timeout=60s"]);
  if (await kestra.flow(inKestra.namespace, inKestra.id))
    throw new SandboxError(`${name} was deleted, but the engine still has the flow ${inKestra.id}.`);
  screen.done("deleted: the flow is gone from the engine too", performance.now() - begin);

  screen.command(`kubectl apply ${manifests.join(" ")}`);
  begin = performance.now();
  await kubectl.run(["apply", ...manifests]);
  const back = await waitForFlow(
    world,
    { namespace, name },
    (current) => stateOf(current) === "ready",
    "the flow is back",
  );
  screen.done(`back as the manifest has it: Ready, revision ${revisionOf(back)}`, performance.now() - begin);
}

/** Whether this is a flow whose changes can be shown: one that greets. */
export function greets(flow: KestraFlow): boolean {
  return flow.metadata.name === "hello-world" && flow.spec.source?.includes("Hello") === true;
}

function greetingWith(words: string, { spec }: KestraFlow): string {
  return (spec.source ?? "").replace(/Hello|Good morning/, words);
}

const nameOf = ({ metadata: { name, namespace = "default" } }: KestraFlow) => ({ name, namespace });
const revisionOf = (flow: KestraFlow) => flowOf(flow).revision;

function flowOf({ metadata, status }: KestraFlow) {
  if (!status?.flow) throw new SandboxError(`${metadata.name} does not say which flow in Kestra is its own.`);
  return status.flow;
}
