import { copyFileSync } from "node:fs";
import { basename, join } from "node:path";
import { cacheEntry } from "../cacheEntry.ts";
import { cacheFolder } from "../folders.ts";
import { goBuild, type GoBuild } from "../kubernetes/goBuild.ts";
import { go, goEnvironment, type GoContext } from "../kubernetes/goToolchain.ts";
import { buildKubernetes, kubernetesBuild } from "../kubernetes/build.ts";
import { DEFAULT_LINE, patchVersion } from "../kubernetes/versions.ts";
import { SandboxError } from "../errors.ts";

type Report = (line: string) => void;

const KIND_VERSION = "0.33.0";
const COREDNS_VERSION = "1.12.1";
const PROVISIONER_VERSION = "0.0.30";

/** The Kubernetes version of a node that is built here. Newer lines no longer run on machines with cgroup v1. */
export const NODE_VERSION = patchVersion(DEFAULT_LINE);

/** The programs of a node, by name, as absolute paths. */
export type NodePrograms = Record<
  | "etcd"
  | "kube-apiserver"
  | "kube-controller-manager"
  | "kube-scheduler"
  | "kube-proxy"
  | "kubelet"
  | "kubeadm"
  | "kubectl"
  | "coredns"
  | "local-path-provisioner"
  | "pause",
  string
>;

const NODE_COMMANDS = ["kube-scheduler", "kube-proxy", "kubelet", "kubeadm", "kubectl"] as const;

/** The programs of a node, built through the Go module proxy: minutes, once. */
export async function nodePrograms(report: Report): Promise<NodePrograms> {
  const { etcd, apiServer, controllerManager } = await buildKubernetes({
    line: DEFAULT_LINE,
    cacheDir: cacheFolder(),
    report,
  });
  if (controllerManager === undefined)
    throw new SandboxError("A node needs a kube-controller-manager: unset KUBEBUILDER_ASSETS, which names none.");
  const commands = await built(`kubernetes-node-${NODE_VERSION}`, kubernetesBuild(NODE_VERSION, nodeCommands), report);
  const coredns = await built(`coredns-${COREDNS_VERSION}`, corednsBuild, report);
  const provisioner = await built(`local-path-provisioner-${PROVISIONER_VERSION}`, provisionerBuild, report);
  const pause = await built("pause-1", pauseBuild, report);
  return {
    etcd,
    "kube-apiserver": apiServer,
    "kube-controller-manager": controllerManager,
    ...(Object.fromEntries(NODE_COMMANDS.map((name) => [name, join(commands, name)])) as Record<
      (typeof NODE_COMMANDS)[number],
      string
    >),
    coredns: join(coredns, "coredns"),
    "local-path-provisioner": join(provisioner, "local-path-provisioner"),
    pause: join(pause, "pause"),
  };
}

/** kind itself. */
export async function kindProgram(report: Report): Promise<string> {
  return join(await built(`kind-${KIND_VERSION}`, kindBuild, report), "kind");
}

/** The folder of kind's module, which has the files of a node. `temporary` is an empty folder to work in. */
export async function kindModule(temporary: string): Promise<string> {
  const context = { folder: temporary, env: await goEnvironment(temporary, "a node image") };
  const module = `sigs.k8s.io/kind@v${KIND_VERSION}`;
  return (JSON.parse(await go(["mod", "download", "-json", module], context)) as { Dir: string }).Dir;
}

async function built(name: string, build: GoBuild, report: Report): Promise<string> {
  const folder = join(cacheFolder(), "kind", `${name}-${process.platform}-${process.arch}`);
  await cacheEntry(folder, report, (work) => goBuild(build, work, report));
  return folder;
}

const nodeCommands = { commands: [...NODE_COMMANDS], usually: "2 to 3 minutes" };

/** The go.mod of a program that one module on the proxy has. */
const requiring = (module: string, version: string) => () =>
  Promise.resolve(`module sandbox/program\n\ngo 1.25.0\n\nrequire ${module} v${version}\n`);

/** The go.mod of a program of ours, a file beside this one, which may require a module. The binary is named after the file. */
const ourProgram =
  (file: string, requirement = "") =>
  ({ folder }: GoContext) => {
    copyFileSync(join(import.meta.dirname, file), join(folder, file));
    return Promise.resolve(`module sandbox/${basename(file, ".go")}\n\ngo 1.25.0\n${requirement}`);
  };

const kindBuild: GoBuild = {
  title: `kind ${KIND_VERSION}`,
  usually: "15 seconds",
  goMod: requiring("sigs.k8s.io/kind", KIND_VERSION),
  packages: ["sigs.k8s.io/kind"],
  ldflags: [],
};

const corednsBuild: GoBuild = {
  title: `CoreDNS ${COREDNS_VERSION}`,
  usually: "one minute",
  goMod: ourProgram("coredns.go", `\nrequire github.com/coredns/coredns v${COREDNS_VERSION}\n`),
  packages: ["."],
  ldflags: [],
};

const provisionerBuild: GoBuild = {
  title: `local-path-provisioner ${PROVISIONER_VERSION}`,
  usually: "one minute",
  goMod: requiring("github.com/rancher/local-path-provisioner", PROVISIONER_VERSION),
  packages: ["github.com/rancher/local-path-provisioner"],
  ldflags: [],
};

const pauseBuild: GoBuild = {
  title: "pause",
  usually: "a few seconds",
  goMod: ourProgram("pause.go"),
  packages: ["."],
  ldflags: [],
};
