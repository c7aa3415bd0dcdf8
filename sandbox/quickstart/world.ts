import { findCondition } from "../../src/kubernetes/conditions.ts";
import type { KubernetesClient } from "../../src/kubernetes/client.ts";
import type { ObjectName } from "../../src/kubernetes/objects.ts";
import type { CommonStatus } from "../../src/resources/common.ts";
import { kestraFlows, type KestraFlow } from "../../src/resources/flow/schema.ts";
import type { TestKestra } from "../../test/support/kestra.ts";
import { SandboxError } from "../errors.ts";
import { poll } from "../polling.ts";
import type { Kubectl } from "./kubectl.ts";
import type { Cluster } from "./options.ts";
import type { Screen } from "./screen.ts";

/** What is there once cluster, Kestra's part and operator run, and the ways to it. */
export interface World {
  cluster: Cluster;
  kubeconfig: string;
  kestraTitle: string;
  /** Whether what answers as Kestra has web pages. */
  hasPages: boolean;
  login: Login;
  /** The command with which a person follows what the operator logs, in the project's folder. */
  followLog: string;
  /** What the operator logged lately; empty where it never ran. */
  readLog: () => Promise<string>;
  /** Kestra's API as somebody with a browser uses it: apart from the operator. */
  kestra: TestKestra;
  kubectl: Kubectl;
  kubernetes: KubernetesClient;
  screen: Screen;
  /** Aborted when all has to end: somebody pressed Ctrl-C, or the operator has ended. */
  signal: AbortSignal;
}

export interface Login {
  username: string;
  password: string;
}

/** How often the world is looked at; loopback and a handful of objects, so it costs little. */
export const LOOK_EVERY_MS = 100;

export type State = "ready" | "stalled" | "pending";

/** As much of a resource of any kind as its state takes. */
export interface Resource {
  metadata: { generation?: number | undefined };
  status?: Pick<CommonStatus, "conditions"> | undefined;
}

/** What the conditions say of the spec as it is now. */
export function stateOf({ metadata, status }: Resource): State {
  const holds = (type: string) => {
    const condition = findCondition(status?.conditions, type);
    return condition?.status === "True" && condition.observedGeneration === metadata.generation;
  };
  if (holds("Ready")) return "ready";
  return holds("Stalled") ? "stalled" : "pending";
}

/** Waits until a resource is as wanted. Throws, with its conditions, when it stalls or takes longer than a minute. */
export async function waitForFlow(
  { kubernetes, screen, signal }: World,
  name: ObjectName,
  isWanted: (flow: KestraFlow) => boolean | Promise<boolean>,
  whatFor: string,
): Promise<KestraFlow> {
  let last: KestraFlow | undefined;
  const look = async () => {
    last = await kubernetes.get<KestraFlow>(kestraFlows, name, { signal });
    screen.waiting(`waiting until ${whatFor}`);
    if (stateOf(last) === "stalled") return "stalled";
    return (await isWanted(last)) && last;
  };
  const found = await poll(look, { timeout: 60_000, every: LOOK_EVERY_MS, signal });
  if (found !== undefined && found !== "stalled") return found;
  const conditions = last ? conditionLines(last) : [];
  throw new SandboxError([`${name.name}: this was waited for in vain: ${whatFor}.`, ...conditions].join("\n"));
}

/** The conditions as lines for people. */
export function conditionLines({ status }: Pick<Resource, "status">): string[] {
  const conditions = status?.conditions ?? [];
  if (conditions.length === 0) return ["  no condition yet: the operator has not looked at it"];
  return conditions.map(({ type, status, reason, message }) => `  ${type}=${status} ${reason}: ${message}`);
}
