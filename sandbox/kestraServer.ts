import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { SandboxError } from "./errors.ts";
import { answersOk, httpGet } from "./httpGet.ts";
import { engineCommand, engineReady, type EngineBuild } from "./kestra/engine.ts";
import type { Component } from "./component.ts";
import { portOf, sandboxFolder, writeState, type SandboxState } from "./state.ts";

/** The login of every Kestra that a sandbox starts: known to all, hence loopback only. */
const LOGIN = { username: "admin@kestra.io", password: "Admin1234" };

const READY_WITHIN_MS = 180_000;

/** Where the sandbox's Kestra is and how to log in; undefined when it has none. */
export function kestraAccess(state: SandboxState): { url: string; username: string; password: string } | undefined {
  if (!state.kestra) return undefined;
  if (state.kestra.kind === "existing") {
    const { url, username, password } = state.kestra;
    return { url, username, password };
  }
  return { url: `http://127.0.0.1:${portOf(state, "kestra")}`, ...LOGIN };
}

/** The version that a running server tells; undefined when it does not answer as Kestra does. */
export async function kestraVersion(url: string): Promise<string | undefined> {
  const answer = await httpGet(`${url.replace(/\/$/, "")}/api/v1/configs`);
  if (answer?.status !== 200) return undefined;
  try {
    return (JSON.parse(answer.body) as { version?: string }).version;
  } catch {
    return undefined;
  }
}

/** What answers at the Kestra URL, in words that never call our REST layer Kestra. */
export function kestraTitle(state: SandboxState, version: string): string {
  switch (state.kestra?.kind) {
    case "engine":
      return `Kestra's engine ${version} behind our test REST layer`;
    case "image":
      return `Kestra ${version} (image ${state.kestra.image})`;
    case "existing":
      return `Kestra ${version}, as given by KESTRA_URL; not part of the sandbox`;
    case undefined:
      return "no Kestra";
  }
}

/** The Kestra that the sandbox itself runs, if any. */
export function kestraComponent(state: SandboxState): Component | undefined {
  if (state.kestra?.kind === "engine" && state.engine) return engine(state, state.engine, state.kestra.plugins);
  if (state.kestra?.kind === "image") return container(state, state.kestra.image);
  return undefined;
}

function engine(state: SandboxState, build: EngineBuild, plugins: string | undefined): Component {
  const dataDir = sandboxFolder(state.name).data("kestra");
  const port = () => portOf(state, "kestra");
  return {
    name: "kestra",
    port,
    readyWithin: READY_WITHIN_MS,
    launch: () => engineCommand(build, { port: port(), dataDir, ...LOGIN, ...(plugins && { pluginsDir: plugins }) }),
    isReady: () => engineReady(`http://127.0.0.1:${port()}`),
  };
}

/**
 * The container outlives restarts, and its data with it. Its name holds the sandbox's unique id, decided before it exists:
 * `removeContainer` finds it whenever its creator was killed. The recorded process is the client attached to it.
 */
function container(state: SandboxState, image: string): Component {
  const name = `kestraflow-${state.id}`;
  const configuration = {
    kestra: {
      server: { "basic-auth": { enabled: true, ...LOGIN } },
      "anonymous-usage-report": { enabled: false },
      "tutorial-flows": { enabled: false },
    },
  };
  return {
    name: "kestra",
    port: () => portOf(state, "kestra"),
    readyWithin: READY_WITHIN_MS,
    prepare: async (run) => {
      if (!(await hasImage(image))) await run("image-pull", { command: "docker", args: ["pull", image] });
      const publish = `127.0.0.1:${portOf(state, "kestra")}:8080`;
      const published = await docker(["inspect", "--format", "{{json .HostConfig.PortBindings}}", name]).catch(
        () => "",
      );
      if (published.includes(`"${portOf(state, "kestra")}"`)) return;
      await removeContainer(state);
      const environment = `KESTRA_CONFIGURATION=${JSON.stringify(configuration)}`;
      const args = ["create", "--name", name, "--publish", publish, "--env", environment, image, "server", "local"];
      state.container = name;
      writeState(state);
      await run("container-create", { command: "docker", args });
    },
    launch: () => ({ command: "docker", args: ["start", "--attach", name] }),
    isReady: () => answersOk(`http://127.0.0.1:${portOf(state, "kestra")}/api/v1/configs`),
    // The client that ends leaves the container running.
    endRemains: async (kill) => {
      if (state.container !== undefined) await docker(kill ? ["kill", name] : ["stop", name]).catch(() => undefined);
    },
  };
}

/** Removes the sandbox's container and its data, if there is one. */
export async function removeContainer(state: SandboxState): Promise<void> {
  if (state.container === undefined) return;
  await docker(["rm", "--force", "--volumes", state.container]).catch((error: unknown) => {
    if (!String(error).includes("No such container")) throw error;
  });
}

/** Whether Docker already has the image. Throws when no Docker engine answers. */
async function hasImage(image: string): Promise<boolean> {
  await docker(["version", "--format", "{{.Server.Version}}"]);
  return docker(["image", "inspect", image]).then(
    () => true,
    () => false,
  );
}

async function docker(args: string[]): Promise<string> {
  try {
    return (await promisify(execFile)("docker", args)).stdout;
  } catch (error) {
    const reason = error instanceof Error ? ((error as { stderr?: string }).stderr ?? error.message) : String(error);
    throw new SandboxError(
      `docker ${args[0]} failed: ${reason.trim()}\nStart Docker, or leave --kestra-image out to use Kestra's engine.`,
    );
  }
}
