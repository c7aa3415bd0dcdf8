import { writeFileSync } from "node:fs";
import { dump } from "js-yaml";
import { SandboxError } from "../errors.ts";
import { nodeOf, type KindConfig } from "./cluster.ts";
import { docker, type Docker } from "./docker.ts";
import { clusterFolder } from "./folders.ts";

const POLICY = "/etc/kubernetes/audit-policy.yaml";
const LOG = "/var/log/kubernetes/audit.log";

/** A request that the API server answered. */
export interface AuditEvent {
  verb: string;
  requestURI: string;
  user: { username: string };
  /** What was asked for, where it is an object. */
  objectRef?: { resource: string; subresource?: string; apiGroup?: string; namespace?: string; name?: string };
  responseStatus?: { code: number };
}

/** Has the API server of a cluster that is yet to be made record the requests of ServiceAccounts. */
export function addAudit(name: string, { nodes: [node] }: KindConfig): void {
  const { auditPolicy } = clusterFolder(name);
  const rules = [
    { level: "None", users: ["system:apiserver"] },
    { level: "Metadata", userGroups: ["system:serviceaccounts"], omitStages: ["RequestReceived", "ResponseStarted"] },
    { level: "None" },
  ];
  writeFileSync(auditPolicy, dump({ apiVersion: "audit.k8s.io/v1", kind: "Policy", rules }));
  if (node === undefined) return;
  node.extraMounts = [{ hostPath: auditPolicy, containerPath: POLICY, readOnly: true }];
  const volume = (name: string, path: string, more: object) => ({ name, hostPath: path, mountPath: path, ...more });
  const apiServer = {
    extraArgs: { "audit-policy-file": POLICY, "audit-log-path": LOG },
    extraVolumes: [
      volume("audit-policy", POLICY, { readOnly: true, pathType: "File" }),
      volume("audit-log", "/var/log/kubernetes", { pathType: "DirectoryOrCreate" }),
    ],
  };
  node.kubeadmConfigPatches = [dump({ kind: "ClusterConfiguration", apiServer })];
}

/** What a cluster's API server recorded so far of one user's requests, oldest first. Throws where it was made without a record. */
export async function readAudit(engine: Docker, name: string, username: string): Promise<AuditEvent[]> {
  const command = ["exec", nodeOf(name), "grep", "--fixed-strings", `"username":"${username}"`, LOG];
  const text = await docker(engine, command).catch((cause: unknown) => {
    if (!String(cause).includes("No such file")) throw cause;
    const message = `the API server of ${name} keeps no record of requests; delete that cluster, and tests make one that does`;
    throw new SandboxError(message, { cause });
  });
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as AuditEvent);
}
