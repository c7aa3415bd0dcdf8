import { execFile, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { dump, load } from "js-yaml";
import { argocdModule } from "../../../sandbox/argocd.ts";
import { cacheFolder } from "../../../sandbox/folders.ts";
import { helmCommand } from "../../../sandbox/helm.ts";
import { kubectl, root } from "../../support/cluster.ts";
import { eventually } from "../../support/eventually.ts";
import type { EventuallyOptions } from "../../support/eventually.ts";
import { argocd } from "./judges.ts";
import { program } from "./programs.ts";

const run = promisify(execFile);

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

/** A Git repository on this machine, as Argo CD clones it. */
export class Repository {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  get url(): string {
    return `file://${this.folder}`;
  }

  static async create(folder: string): Promise<Repository> {
    await mkdir(folder, { recursive: true });
    const repository = new Repository(folder);
    await repository.#git("init", "--quiet", "--initial-branch=main");
    return repository;
  }

  /** Writes files, or removes those that are undefined, and commits. Returns the revision. */
  async commit(files: Record<string, string | undefined>): Promise<string> {
    for (const [path, text] of Object.entries(files)) {
      const file = join(this.folder, path);
      await mkdir(dirname(file), { recursive: true });
      if (text === undefined) await rm(file);
      else await writeFile(file, text);
    }
    await this.#git("add", "--all");
    const author = ["-c", "user.name=test", "-c", "user.email=test@example.com"];
    await this.#git(...author, "commit", "--quiet", "--message", "change");
    return (await this.#git("rev-parse", "HEAD")).trim();
  }

  async #git(...args: string[]): Promise<string> {
    return (await run("git", args, { cwd: this.folder })).stdout;
  }
}

/** Argo CD without its server and user interface: its controller and its repository server, as processes of this machine. */
export class ArgoCd {
  readonly namespace: string;
  readonly folder: string;
  readonly #processes: ChildProcess[] = [];
  #output = "";

  private constructor(namespace: string, folder: string) {
    this.namespace = namespace;
    this.folder = folder;
  }

  /** Starts it with our health checks, in a Kubernetes namespace that is there. */
  static async start(namespace: string): Promise<ArgoCd> {
    const argo = new ArgoCd(namespace, await mkdtemp(join(tmpdir(), "kestraflow-argocd-")));
    await argo.#configure();
    const redis = await argo.#startRedis();
    const port = await freePort();
    const common = ["--redis", redis, "--loglevel", "info", "--logformat", "text"];
    await argo.#start("argocd-repo-server", [
      ...[...common, "--port", String(port), "--address", "127.0.0.1", "--disable-tls"],
      ...["--metrics-port", String(await freePort()), "--metrics-address", "127.0.0.1"],
    ]);
    await eventually(() => connectable(port), { within: 60_000 });
    await argo.#start("argocd-application-controller", [
      ...[...common, "--repo-server", `127.0.0.1:${port}`, "--repo-server-plaintext"],
      ...["--namespace", namespace, "--metrics-port", String(await freePort())],
      ...["--self-heal-backoff-timeout-seconds", "1", "--self-heal-backoff-cap-seconds", "1"],
    ]);
    return argo;
  }

  /** Ends its processes and removes its files; what it has in the cluster goes with its namespace. */
  async stop(): Promise<void> {
    for (const child of this.#processes.reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
    }
    await rm(this.folder, { recursive: true, force: true });
  }

  /** One of our Applications, for a repository and a namespace of this test. `change` changes it further. */
  async apply(
    name: "flows" | "operator",
    repository: Repository,
    namespace: string,
    change: (application: Application) => void = () => undefined,
  ): Promise<void> {
    const application = load(await readFile(join(root, "gitops", "argocd", `${name}.yaml`), "utf8")) as Application;
    Object.assign(application.metadata, { namespace: this.namespace });
    application.spec.source.repoURL = repository.url;
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

  /** Waits until an Application satisfies. The error has what Argo CD logged last. */
  async waitFor(
    name: string,
    satisfies: (status: NonNullable<Application["status"]>) => boolean,
    options: EventuallyOptions = { within: 60_000 },
  ): Promise<NonNullable<Application["status"]>> {
    return eventually(async () => {
      const { status = {} } = await this.application(name);
      if (satisfies(status)) return status;
      throw new Error(`${name}: ${JSON.stringify(status, undefined, 1)}\n${this.#output.slice(-3000)}`);
    }, options);
  }

  /** Health and message of a resource of an Application: what its user interface shows. */
  async healthOf(name: string, kind: string, resource: string): Promise<{ status: string; message?: string }> {
    const { status = {} } = await this.application(name);
    const found = status.resources?.find((each) => each.kind === kind && each.name === resource);
    if (found?.health === undefined) throw new Error(`${name} has no health of ${kind} ${resource}`);
    return found.health;
  }

  /** What Argo CD has to find in the cluster. */
  async #configure(): Promise<void> {
    await kubectl(["apply", "--server-side", "-k", join(await argocdModule(), "manifests", "crds")]);
    const map = load(await readFile(join(root, "gitops", "argocd", "argocd-cm.yaml"), "utf8")) as { metadata: object };
    const labels = { "app.kubernetes.io/part-of": "argocd" };
    const metadata = (name: string) => ({ name, namespace: this.namespace, labels });
    const objects = [
      { ...map, metadata: { ...map.metadata, namespace: this.namespace } },
      {
        apiVersion: "v1",
        kind: "Secret",
        metadata: metadata("argocd-secret"),
        stringData: { "server.secretkey": "test" },
      },
      {
        ...{ apiVersion: "argoproj.io/v1alpha1", kind: "AppProject", metadata: metadata("default") },
        spec: {
          sourceRepos: ["*"],
          destinations: [{ server: "*", namespace: "*" }],
          clusterResourceWhitelist: [{ group: "*", kind: "*" }],
        },
      },
    ];
    await eventually(() =>
      kubectl(["apply", "-f", "-"], JSON.stringify({ apiVersion: "v1", kind: "List", items: objects })),
    );
  }

  async #startRedis(): Promise<string> {
    const child = spawn(await program("redis"), [], { stdio: ["pipe", "pipe", "inherit"] });
    this.#processes.push(child);
    const [line] = (await once(createInterface(child.stdout), "line")) as [string];
    return line;
  }

  async #start(name: string, args: string[]): Promise<void> {
    const folder = join(this.folder, name);
    const programs = await this.#programs();
    for (const sub of ["tmp", "tls", "ssh", "gpg", "plugins"]) await mkdir(join(folder, sub), { recursive: true });
    await writeFile(join(folder, "ssh", "ssh_known_hosts"), "");
    const child = spawn(await argocd(), args, {
      env: {
        ...process.env,
        PATH: `${programs}${delimiter}${process.env.PATH ?? ""}`,
        HOME: folder,
        TMPDIR: join(folder, "tmp"),
        ARGOCD_BINARY_NAME: name,
        ARGOCD_FAKE_IN_CLUSTER: "true",
        ARGOCD_GPG_ENABLED: "false",
        ARGOCD_GNUPGHOME: join(folder, "gpg"),
        ARGOCD_TLS_DATA_PATH: join(folder, "tls"),
        ARGOCD_SSH_DATA_PATH: join(folder, "ssh"),
        ARGOCD_PLUGINSOCKFILEPATH: join(folder, "plugins"),
        ARGOCD_APPLICATION_CONTROLLER_PERSIST_RESOURCE_HEALTH: "true",
        HOSTNAME: "argocd-application-controller-0",
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#processes.push(child);
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk: Buffer) => {
        this.#output = (this.#output + chunk.toString()).slice(-100_000);
      });
  }

  /** What it calls: helm as it is, and kustomize, which kubectl has built in. */
  async #programs(): Promise<string> {
    const folder = join(this.folder, "bin");
    await mkdir(folder, { recursive: true });
    const kustomize = join(folder, "kustomize");
    const script = `#!/bin/sh\nif [ "$1" = build ]; then exec kubectl kustomize "$2"; fi\nexec kubectl version --client\n`;
    await writeFile(kustomize, script);
    await chmod(kustomize, 0o755);
    const helm = await helmCommand({ cacheDir: cacheFolder(), report: () => undefined });
    if (helm !== "helm") await symlink(helm, join(folder, "helm")).catch(() => undefined);
    return folder;
  }
}

/** Rejects where nobody listens. An application that is looked at before there is a repository server is looked at again only minutes later. */
async function connectable(port: number): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
  } finally {
    socket.destroy();
  }
}

/** A loopback port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
