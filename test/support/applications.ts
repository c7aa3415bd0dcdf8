import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { dump, load } from "js-yaml";
import { kubectl, root } from "./cluster.ts";
import { eventually } from "./eventually.ts";
import type { EventuallyOptions } from "./eventually.ts";

export interface Application {
  metadata: { name: string };
  spec: { source: Record<string, unknown>; destination: { namespace: string }; syncPolicy: { syncOptions: string[] } };
  status?: {
    sync?: { status: string; revision: string };
    health?: { status: string };
    operationState?: {
      phase: string;
      message?: string;
      syncResult?: { revision: string };
    };
    resources?: { kind: string; name: string; status?: string; health?: { status: string; message?: string } }[];
    conditions?: { type: string; message: string }[];
  };
}

/** The project of every Application that names no other; Argo CD makes it itself where it has a server. */
export const DEFAULT_PROJECT = {
  apiVersion: "argoproj.io/v1alpha1",
  kind: "AppProject",
  metadata: { name: "default" },
  spec: {
    sourceRepos: ["*"],
    destinations: [{ server: "*", namespace: "*" }],
    clusterResourceWhitelist: [{ group: "*", kind: "*" }],
  },
};

/** The Applications of the Argo CD that serves a namespace. */
export class Applications {
  readonly namespace: string;

  constructor(namespace: string) {
    this.namespace = namespace;
  }

  /** What Argo CD logged last, for the errors of {@link waitFor}. */
  protected recentLog(): string {
    return "";
  }

  /** One of our Applications, for a repository and a namespace of this test. `change` changes it further. */
  async apply(
    name: "flows" | "operator",
    repoUrl: string,
    namespace: string,
    change: (application: Application) => void = () => undefined,
  ): Promise<void> {
    const application = load(await readFile(join(root, "gitops", "argocd", `${name}.yaml`), "utf8")) as Application;
    Object.assign(application.metadata, { namespace: this.namespace });
    application.spec.source.repoURL = repoUrl;
    application.spec.destination.namespace = namespace;
    change(application);
    await kubectl(["apply", "-f", "-"], dump(application));
  }

  async application(name: string): Promise<Application> {
    return JSON.parse(
      await kubectl(["get", `applications.argoproj.io/${name}`, "-n", this.namespace, "-o", "json"]),
    ) as Application;
  }

  /** Has it look into Git now, and not after some minutes. */
  async refresh(name: string): Promise<void> {
    const annotation = "argocd.argoproj.io/refresh=normal";
    await kubectl(["annotate", `applications.argoproj.io/${name}`, "-n", this.namespace, "--overwrite", annotation]);
  }

  /** Has it look into Git, and waits until it has synced exactly that revision. */
  async waitSynced(name: string, revision: string, options: EventuallyOptions): Promise<void> {
    await this.refresh(name);
    await this.waitFor(
      name,
      ({ sync, operationState }) =>
        sync?.status === "Synced" && sync.revision === revision && operationState?.phase === "Succeeded",
      options,
    );
  }

  /** Waits until an Application satisfies. The error has what Argo CD logged last. */
  async waitFor(
    name: string,
    satisfies: (status: NonNullable<Application["status"]>) => boolean,
    options: EventuallyOptions = { within: 60_000 },
  ): Promise<NonNullable<Application["status"]>> {
    return eventually(async () => {
      const { status = {} } = await this.application(name);
      if (satisfies(status)) return status;
      throw new Error(`${name}: ${JSON.stringify(status, undefined, 1)}\n${this.recentLog()}`);
    }, options);
  }

  /** Health and message of a resource of an Application: what its user interface shows. */
  async healthOf(name: string, kind: string, resource: string): Promise<{ status: string; message?: string }> {
    const { status = {} } = await this.application(name);
    const found = status.resources?.find((each) => each.kind === kind && each.name === resource);
    if (found?.health === undefined) throw new Error(`${name} has no health of ${kind} ${resource}`);
    return found.health;
  }
}
