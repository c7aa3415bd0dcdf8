import { silentLogger } from "../../src/lib/log.ts";
import { KubernetesClient } from "../../src/kubernetes/client.ts";
import { TestKestra } from "../../test/support/kestra.ts";
import { chooseCluster } from "./cluster.ts";
import { inKind } from "./inKind.ts";
import { inSandbox } from "./inSandbox.ts";
import { Kubectl } from "./kubectl.ts";
import type { Options } from "./options.ts";
import type { Screen } from "./screen.ts";
import type { World } from "./world.ts";

/** Where things are, once they run. */
export type Ground = Pick<
  World,
  "kubeconfig" | "kestraTitle" | "hasPages" | "login" | "followLog" | "readLog" | "signal"
> & { kestraUrl: string };

/**
 * Brings up cluster, Kestra's part and operator, showing how that goes. A sandbox is tied to this process, and the operator
 * recorded with it: they end when this process does, however that happens. Stops when `signal` is aborted.
 */
export async function bringUp(options: Options, screen: Screen, signal: AbortSignal): Promise<World> {
  screen.title("1. A cluster, and Kestra");
  await new Kubectl(undefined, signal).assertInstalled();
  const { cluster, why } = await chooseCluster(options.cluster, signal);
  screen.line(`Cluster: ${cluster === "kind" ? "kind" : "the sandbox"}, ${why}.`);
  const { kestraUrl, ...ground } = await (cluster === "kind" ? inKind : inSandbox)(screen, signal);
  const { username, password } = ground.login;
  return {
    ...ground,
    cluster,
    kestra: new TestKestra(kestraUrl, `${username}:${password}`),
    kubectl: new Kubectl(ground.kubeconfig, signal),
    kubernetes: KubernetesClient.connect({ kubeconfig: ground.kubeconfig, logger: silentLogger }),
    screen,
  };
}
