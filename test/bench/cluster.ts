import { setTimeout } from "node:timers/promises";
import { join } from "node:path";
import { imageSize } from "../../sandbox/kind/docker.ts";
import { down, up } from "../../sandbox/kind/kind.ts";
import { installOperator, installStack, OPERATOR } from "../../sandbox/kind/releases.ts";
import { kubectl, root } from "../support/cluster.ts";
import { Fleet } from "./fleet.ts";
import { flows } from "./subject.ts";

/** What the operator takes and how soon it is there, installed by its chart in a kind cluster. */
export interface ClusterFigures {
  /** Unpacked, as Docker counts it. */
  imageMb: number;
  /** From starting `helm install`, with the image in the node and Kestra up, until it returned as the pods were ready. */
  installSeconds: number;
  /** From the same until a flow that was applied then was Ready. */
  firstReadySeconds: number;
  /** Of the leading pod and of the other, at rest with all flows in sync. */
  leaderRssMb: number;
  standbyRssMb: number;
  /** Processor time in a second of rest. */
  leaderCpuMs: number;
  standbyCpuMs: number;
}

const NAME = "kestraflow-bench";
/** Until what convergence left behind is collected. */
const CALM_MS = 90_000;
const REST_MS = 120_000;

/** Installs the operator in a cluster of its own and gives it so many flows. */
export async function measureCluster(size: number, report: (line: string) => void): Promise<ClusterFigures> {
  const options = { report };
  await down({ name: NAME, ...options });
  try {
    const { state, images, engine, kubeconfig } = await up({ name: NAME, until: "images", ...options });
    if (images === undefined) throw new Error("the cluster came without images");
    process.env.KUBECONFIG = kubeconfig;
    await installStack(state, images, options);
    const began = performance.now();
    await installOperator(state, images, options);
    const installSeconds = secondsSince(began);
    await kubectl(["apply", "-f", join(root, "flows", "01-hello-world.yaml")]);
    await kubectl(["wait", "kestraflow/hello-world", "--for=condition=Ready", "--timeout=2m"]);
    const firstReadySeconds = secondsSince(began);
    const imageMb = (await imageSize(engine, images.operator)) / 1e6;

    report(`${size} flows`);
    const fleet = await Fleet.create(flows, size);
    await fleet.allReady(size);
    await fleet.leave();
    await setTimeout(CALM_MS);
    const before = await readPods();
    await setTimeout(REST_MS);
    const [leader, standby] = (await readPods()).map((pod, i) => ({
      rss: pod.rss / 1e6,
      cpu: ((pod.cpu - (before[i]?.cpu ?? NaN)) * 1_000) / (REST_MS / 1_000),
    }));
    return {
      ...{ imageMb, installSeconds, firstReadySeconds },
      ...{ leaderRssMb: leader?.rss ?? NaN, standbyRssMb: standby?.rss ?? NaN },
      ...{ leaderCpuMs: leader?.cpu ?? NaN, standbyCpuMs: standby?.cpu ?? NaN },
    };
  } finally {
    await down({ name: NAME, ...options });
  }
}

/** Resident bytes and seconds of processor time of the operator's pods, the leader first. */
async function readPods(): Promise<{ rss: number; cpu: number }[]> {
  const selector = `app.kubernetes.io/instance=${OPERATOR.release}`;
  const names = await kubectl(["get", "pods", "-n", OPERATOR.namespace, "-l", selector, "-o", "name"]);
  const pods = await Promise.all(
    names
      .trim()
      .split("\n")
      .map(async (name) => {
        const path = `/api/v1/namespaces/${OPERATOR.namespace}/pods/${name.replace("pod/", "")}:8080/proxy/metrics`;
        const text = await kubectl(["get", "--raw", path]);
        const gauge = (metric: string) => Number(new RegExp(`^${metric} (\\S+)$`, "m").exec(text)?.[1]);
        return {
          leads: gauge("kestraflow_leader"),
          rss: gauge("process_resident_memory_bytes"),
          cpu: gauge("process_cpu_seconds_total"),
        };
      }),
  );
  return pods.toSorted((a, b) => b.leads - a.leads);
}

function secondsSince(began: number): number {
  return (performance.now() - began) / 1_000;
}
