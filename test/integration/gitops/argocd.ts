import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";
import { load } from "js-yaml";
import { argocdModule } from "../../../sandbox/argocd.ts";
import { Applications, DEFAULT_PROJECT } from "../../support/applications.ts";
import { kubectl, root } from "../../support/cluster.ts";
import { eventually } from "../../support/eventually.ts";
import { helmProgram } from "../../support/helm.ts";
import { argocd } from "./judges.ts";
import { program } from "./programs.ts";

/** Argo CD without its server and user interface: its controller and its repository server, as processes of this machine. */
export class ArgoCd extends Applications {
  readonly folder: string;
  readonly #processes: ChildProcess[] = [];
  #output = "";

  private constructor(namespace: string, folder: string) {
    super(namespace);
    this.folder = folder;
  }

  /** Builds what it consists of, which takes minutes the first time on a machine: for a hook with a limit of BUILD_MS of its own. */
  static async build(): Promise<void> {
    await program("redis");
    await argocd();
    await helmProgram();
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

  protected override recentLog(): string {
    return this.#output.slice(-3000);
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
      { ...DEFAULT_PROJECT, metadata: metadata(DEFAULT_PROJECT.metadata.name) },
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
    const link = (file: string, name: string) => symlink(file, join(folder, name)).catch(() => undefined);
    await link(join(root, "test", "e2e", "argocd", "image", "kustomize"), "kustomize");
    const helm = await helmProgram();
    if (helm !== "helm") await link(helm, "helm");
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
