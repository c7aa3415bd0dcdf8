import type { KestraFlow } from "../../src/resources/flow/schema.ts";
import { SandboxError } from "../errors.ts";
import { poll } from "../polling.ts";
import type { Outcome } from "./outcome.ts";
import { LOOK_EVERY_MS, type World } from "./world.ts";

const NAME = "Ada";
const ENDS_WITHIN_MS = 60_000;
const ENDED = new Set(["SUCCESS", "WARNING", "FAILED", "KILLED", "CANCELLED"]);

interface Execution {
  state: { current: string };
  taskRunList?: { taskId: string; outputs?: { value?: unknown } }[];
}

/** Runs the greeting flow with an input, through Kestra's API, and shows how it ends. Throws unless that is in SUCCESS. */
export async function executeGreeting(
  { kestra, screen, signal }: World,
  { status }: KestraFlow,
): Promise<NonNullable<Outcome["execution"]>> {
  if (!status?.flow) throw new SandboxError("The flow to execute is not in Kestra.");
  const { namespace, id } = status.flow;
  const begin = performance.now();
  const execution = await kestra.execute(namespace, id, { name: NAME });
  const look = async () => {
    const answer = await kestra.call("GET", `/executions/${execution}`);
    // Right after its creation, the execution may not be stored yet.
    if (!answer.ok) return undefined;
    const found = (await answer.json()) as Execution;
    screen.waiting(`${id} is ${found.state.current}`);
    return ENDED.has(found.state.current) && found;
  };
  const ended = await poll(look, { timeout: ENDS_WITHIN_MS, every: LOOK_EVERY_MS, signal });
  const state = ended?.state.current ?? "UNFINISHED";
  if (state !== "SUCCESS")
    throw new SandboxError(`Execution ${execution} of ${id} should end in SUCCESS, but it is ${state}.`);
  const greeting = ended?.taskRunList?.find(({ taskId }) => taskId === "greet")?.outputs?.value;
  const said = typeof greeting === "string" ? `: “${greeting}”` : "";
  screen.done(`${id} (name=${NAME}) ended in ${state}${said}`, performance.now() - begin);
  return { flow: id, state };
}
