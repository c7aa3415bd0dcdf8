import { up } from "../kind/kind.ts";
import { kestraUrl, LOGIN, OPERATOR, STACK } from "../kind/releases.ts";
import type { Ground } from "./bringUp.ts";
import { Kubectl } from "./kubectl.ts";
import { NAME } from "./only.ts";
import { DRIFT_INTERVAL_SECONDS } from "./operator.ts";
import type { Screen } from "./screen.ts";

const OPERATOR_PODS = [
  "--namespace",
  OPERATOR.namespace,
  "--selector",
  `app.kubernetes.io/instance=${OPERATOR.release}`,
];

/** Brings up a kind cluster, with Kestra and the operator in it as their charts install them. */
export async function inKind(screen: Screen, signal: AbortSignal): Promise<Ground> {
  const begin = performance.now();
  const report = (line: string): void => screen.report(line);
  const cluster = await up({
    name: NAME,
    until: "charts",
    operatorValues: [`operator.driftInterval=${DRIFT_INTERVAL_SECONDS}s`],
    report,
    signal,
  });
  const { kubeconfig, state, images } = cluster;
  const isEngine = images?.isEngine === true;
  const kestraTitle = isEngine ? "Kestra's engine behind our test REST layer" : `Kestra (${images?.kestra ?? ""})`;
  screen.done("a kind cluster", performance.now() - begin);
  screen.done(`${kestraTitle}, at ${kestraUrl(state)}: the Helm release ${STACK.release} in ${STACK.namespace}`);
  screen.title("2. The operator");
  screen.command(`helm upgrade --install ${OPERATOR.release} charts/kestraflow-operator ...`);
  screen.done(`ready, as the Helm release ${OPERATOR.release} in ${OPERATOR.namespace}`);
  return {
    kubeconfig,
    // By its address: another program may have the port of localhost's other one.
    kestraUrl: kestraUrl(state).replace("localhost", "127.0.0.1"),
    kestraTitle,
    hasPages: !isEngine,
    login: LOGIN,
    followLog: `kubectl logs ${OPERATOR_PODS.join(" ")} --follow`,
    readLog: () => new Kubectl(kubeconfig, AbortSignal.timeout(30_000)).run(["logs", ...OPERATOR_PODS, "--tail=50"]),
    signal,
  };
}
