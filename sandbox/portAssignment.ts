import { join } from "node:path";
import { stateRoot } from "./folders.ts";
import { withLock } from "./lock.ts";
import { choosePort } from "./ports.ts";
import { readState, sandboxNames, writeState, type ComponentName, type SandboxState } from "./state.ts";

/** Gives the components that have no port yet one each, different from those of all sandboxes, and records them. */
export async function assignPorts(state: SandboxState, components: ComponentName[]): Promise<void> {
  await withLock(lock(), async () => {
    for (const component of components) state.ports[component] ??= await choosePort(portsOfAll(state));
    writeState(state);
  });
}

/** Gives a component another port than the one it has. */
export async function movePort(state: SandboxState, component: ComponentName): Promise<void> {
  await withLock(lock(), async () => {
    state.ports[component] = await choosePort(portsOfAll(state));
    writeState(state);
  });
}

/** Runs `remove`, which removes a sandbox's state and so frees its ports. */
export async function releasePorts(remove: () => void): Promise<void> {
  await withLock(lock(), remove);
}

const lock = () => join(stateRoot(), ".ports.lock");

function portsOfAll(state: SandboxState): Set<number> {
  const others = sandboxNames().flatMap((name) => readState(name) ?? []);
  return new Set([...others, state].flatMap(({ ports }) => Object.values(ports)));
}
