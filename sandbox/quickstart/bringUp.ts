import { existsSync } from "node:fs";
import { silentLogger } from "../../src/lib/log.ts";
import { KubernetesClient } from "../../src/kubernetes/client.ts";
import { TestKestra } from "../../test/support/kestra.ts";
import { SandboxError } from "../errors.ts";
import { up, type Sandbox } from "../sandbox.ts";
import { sandboxFolder } from "../state.ts";
import { chooseCluster } from "./cluster.ts";
import { Kubectl } from "./kubectl.ts";
import { buildOperator, operatorLog, operatorReady, startOperator } from "./operator.ts";
import type { Options } from "./options.ts";
import type { Screen } from "./screen.ts";
import { NAME } from "./only.ts";
import type { World } from "./world.ts";

/**
 * Brings up cluster, Kestra's part and operator, showing how that goes. The sandbox is tied to this process, and the operator
 * recorded with it: they end when this process does, however that happens. Stops when `signal` is aborted.
 */
export async function bringUp(options: Options, screen: Screen, signal: AbortSignal): Promise<World> {
  screen.title("1. A cluster, and Kestra's engine");
  await new Kubectl(undefined, signal).assertInstalled();
  const { cluster, why } = await chooseCluster(options.cluster, signal);
  screen.line(`Cluster: the ${cluster}, ${why}.`);
  const sandbox = await sandboxAndBuild(screen, signal);
  const { kestra } = sandbox;
  if (!kestra) throw new SandboxError("The sandbox came up without Kestra's part.");
  const login = `${kestra.username}:${kestra.password}`;
  const world = {
    cluster,
    sandbox,
    kestraTitle: kestra.title,
    kestra: new TestKestra(kestra.url, login),
    kubectl: new Kubectl(sandbox.kubeconfig, signal),
    kubernetes: KubernetesClient.connect({ kubeconfig: sandbox.kubeconfig, logger: silentLogger }),
    screen,
  };
  screen.title("2. The operator");
  return { ...world, signal: await runOperator(world, signal) };
}

async function sandboxAndBuild(screen: Screen, signal: AbortSignal): Promise<Sandbox> {
  const begin = performance.now();
  const failure = new AbortController();
  const either = AbortSignal.any([signal, failure.signal]);
  screen.report("starting Kubernetes and Kestra's engine, compiling the operator");
  const building = buildOperator(either);
  building.catch((error: unknown) => failure.abort(error));
  const sandbox = await up({ name: NAME, tied: true, report: (line) => screen.report(line), signal: either });
  await building;
  screen.done(`Kubernetes ${sandbox.kubernetesVersion}: a real API server, without nodes`, performance.now() - begin);
  const { title, url, declaredTypes } = sandbox.kestra ?? { title: "", url: "", declaredTypes: [] };
  screen.done(`${title}, at ${url}`);
  if (declaredTypes.length > 0)
    for (const line of [
      `Core tasks run in it. ${declaredTypes.length} plugin types of the tutorial are only declared: flows with them are stored and`,
      "checked but for those tasks' properties, and executing one fails and says that it needs the official image.",
    ])
      screen.line(screen.paint("dim", `  ${line}`));
  return sandbox;
}

/** Returns a signal that is aborted with `signal`, or with the reason when the operator has ended by itself. */
async function runOperator(
  { sandbox, kubectl, screen }: Pick<World, "sandbox" | "kubectl" | "screen">,
  signal: AbortSignal,
): Promise<AbortSignal> {
  screen.command("kubectl apply -f crds");
  await kubectl.run(["apply", "-f", "crds"]);
  await kubectl.run(["wait", "--for=condition=Established", "--timeout=30s", "-f", "crds"]);
  const begin = performance.now();
  screen.command("kestraflow run");
  const ended = new AbortController();
  const { exited, identity } = await startOperator(sandbox);
  void exited.then((code) => ended.abort(new SandboxError(whyEnded(code))));
  const either = AbortSignal.any([signal, ended.signal]);
  screen.waiting("waiting until the operator is ready");
  await operatorReady(sandbox.name, either);
  screen.done(`ready, as process ${identity.pid}`, performance.now() - begin);
  screen.line(`  it logs to ${operatorLog(sandbox.name)}`);
  return either;
}

function whyEnded(exitCode: number | null): string {
  if (!existsSync(sandboxFolder(NAME).records)) return "Another command takes the sandbox down.";
  return exitCode === null ? "The operator was killed." : `The operator has ended, with exit code ${exitCode}.`;
}
