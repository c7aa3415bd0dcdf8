import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { kubectl } from "../../support/cluster.ts";
import type { TestNamespace } from "../../support/cluster.ts";
import { eventually } from "../../support/eventually.ts";

/** What the operator needs in a namespace that it serves. */
export const SERVING = `
  - apiGroups: [kestraflow.dev]
    resources: [kestraflows, kestrakvs]
    verbs: [get, list, watch, patch]
  - apiGroups: [kestraflow.dev]
    resources: [backfills]
    verbs: [list, watch, patch, delete]
  - apiGroups: [kestraflow.dev]
    resources: [kestraflows/status, kestrakvs/status, backfills/status]
    verbs: [patch]
  - apiGroups: [""]
    resources: [configmaps, secrets]
    verbs: [get, list, watch]
  - apiGroups: [""]
    resources: [events]
    verbs: [create]`;

/** What leader election needs in the namespace of the Lease. */
export const LEADING = `
  - apiGroups: [coordination.k8s.io]
    resources: [leases]
    verbs: [get, create, update]`;

/** Everything, for tests that are about something else. */
export const ANYTHING = `
  - apiGroups: ["*"]
    resources: ["*"]
    verbs: ["*"]`;

/** Where an API server is and whom it is to be believed by; undefined `ca`: nobody has to. */
export interface ApiServer {
  url: string;
  ca?: string | undefined;
}

/** The API server of this test run. */
export function apiServerOf({ client: { kubeConfig } }: TestNamespace): ApiServer {
  const { server = "", caData = "" } = kubeConfig.getCurrentCluster() ?? {};
  return { url: server, ca: Buffer.from(caData, "base64").toString() };
}

/** A user that can do what it was granted and nothing else; all of it goes with {@link ServiceAccount.remove}. */
export class ServiceAccount {
  readonly #namespace: string;
  readonly #name: string;
  /** kubectl arguments that name what was made outside the account's namespace. */
  readonly #made: string[][] = [];
  #folder: string | undefined;

  private constructor(namespace: string, name: string) {
    this.#namespace = namespace;
    this.#name = name;
  }

  static async create({ name: namespace }: TestNamespace, name: string): Promise<ServiceAccount> {
    await kubectl(["create", "serviceaccount", name, "-n", namespace]);
    return new ServiceAccount(namespace, name);
  }

  /** One that is there already, with what it was granted. */
  static existing(namespace: string, name: string): ServiceAccount {
    return new ServiceAccount(namespace, name);
  }

  /** Grants rules in all namespaces. */
  async grantEverywhere(rules: string): Promise<void> {
    await this.#bind("ClusterRole", `${this.#namespace}-${this.#name}`, "", rules);
  }

  /** Grants rules in one namespace; `as` tells several grants in it apart. */
  async grantIn(namespace: string, rules: string, as = "served"): Promise<void> {
    await this.#bind("Role", `${this.#name}-${as}`, `\n  namespace: ${namespace}`, rules);
  }

  /** Waits until the API server lets it do this, as grants take a moment. */
  async waitAllowed(verb: string, resource: string, namespace: string): Promise<void> {
    const user = `system:serviceaccount:${this.#namespace}:${this.#name}`;
    await eventually(() => kubectl(["auth", "can-i", verb, resource, "-n", namespace, "--as", user]));
  }

  /** Writes a kubeconfig of its own and returns its path. */
  async kubeconfig(server: ApiServer): Promise<string> {
    const token = (await kubectl(["create", "token", this.#name, "-n", this.#namespace])).trim();
    this.#folder ??= await mkdtemp(join(tmpdir(), "kestraflow-test-"));
    const path = join(this.#folder, `${new URL(server.url).port}.kubeconfig`);
    await writeFile(path, kubeconfigText(server, token), { mode: 0o600 });
    return path;
  }

  async remove(): Promise<void> {
    for (const names of this.#made) await kubectl(["delete", "--ignore-not-found", ...names]);
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true });
  }

  async #bind(kind: "Role" | "ClusterRole", name: string, where: string, rules: string): Promise<void> {
    const api = "rbac.authorization.k8s.io";
    const manifest = `
apiVersion: ${api}/v1
kind: ${kind}
metadata:
  name: ${name}${where}
rules:${rules}
---
apiVersion: ${api}/v1
kind: ${kind}Binding
metadata:
  name: ${name}${where}
roleRef: {apiGroup: ${api}, kind: ${kind}, name: ${name}}
subjects: [{kind: ServiceAccount, name: ${this.#name}, namespace: ${this.#namespace}}]
`;
    await kubectl(["apply", "-f", "-"], manifest);
    if (kind === "ClusterRole") this.#made.push(["clusterrole", name], ["clusterrolebinding", name]);
  }
}

function kubeconfigText({ url, ca }: ApiServer, token: string): string {
  const trust =
    ca === undefined
      ? { "insecure-skip-tls-verify": true }
      : { "certificate-authority-data": Buffer.from(ca).toString("base64") };
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "test",
    contexts: [{ name: "test", context: { cluster: "test", user: "test" } }],
    clusters: [{ name: "test", cluster: { server: url, ...trust } }],
    users: [{ name: "test", user: { token } }],
  });
}
