import { existsSync, readFileSync } from "node:fs";
import { SandboxError } from "../errors.ts";
import { up, type Sandbox } from "../sandbox.ts";
import { sandboxFolder } from "../state.ts";
import type { Ground } from "./bringUp.ts";
import { Kubectl } from "./kubectl.ts";
import { NAME } from "./only.ts";
import { buildOperator, operatorLog, operatorReady, startOperator } from "./operator.ts";
import type { Screen } from "./screen.ts";

/** Brings up the sandbox, and the operator as a process beside it. */
export async function inSandbox(screen: Screen, signal: AbortSignal): Promise<Ground> {
  const sandbox = await sandboxAndBuild(screen, signal);
  const { kestra, kubeconfig } = sandbox;
  if (!kestra || kubeconfig === undefined) throw new SandboxError("The sandbox came up without Kestra's part.");
  screen.title("2. The operator");
  return {
    kubeconfig,
    kestraUrl: kestra.url,
    kestraTitle: kestra.title,
    hasPages: false,
    login: { username: kestra.username, password: kestra.password },
    followLog: `tail -f ${operatorLog(NAME)}`,
    readLog: readLogOfSandbox,
    signal: await runOperator(sandbox, screen, signal),
  };
}

/** What the operator has logged; empty where it never ran. */
export function readLogOfSandbox(): Promise<string> {
  const log = operatorLog(NAME);
  return Promise.resolve(existsSync(log) ? readFileSync(log, "utf8") : "");
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
async function runOperator(sandbox: Sandbox, screen: Screen, signal: AbortSignal): Promise<AbortSignal> {
  const kubectl = new Kubectl(sandbox.kubeconfig, signal);
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
