import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { cacheEntry } from "../cacheEntry.ts";
import { SandboxError } from "../errors.ts";
import { goBuild, type GoBuild } from "./goBuild.ts";
import { go, type GoContext } from "./goToolchain.ts";
import { ETCD_VERSION, patchVersion } from "./versions.ts";

/** The binaries that make a Kubernetes control plane. */
export interface KubernetesBinaries {
  etcd: string;
  apiServer: string;
  /** Missing only when KUBEBUILDER_ASSETS has none: then no namespace is deleted and no service account made by itself. */
  controllerManager?: string;
}

/**
 * The binaries of a Kubernetes line: those in KUBEBUILDER_ASSETS when it is set, else built through the Go module proxy
 * (minutes, once) into `cacheDir`.
 */
export async function buildKubernetes(options: {
  line: string;
  cacheDir: string;
  report: (line: string) => void;
}): Promise<KubernetesBinaries> {
  const assets = process.env.KUBEBUILDER_ASSETS;
  if (assets) return givenBinaries(assets);
  const version = patchVersion(options.line);
  const folders = cacheFolders(version, options.cacheDir);
  await cacheEntry(folders.etcd, options.report, (work) => goBuild(etcdBuild, work, options.report));
  await cacheEntry(folders.kubernetes, options.report, (work) =>
    goBuild(kubernetesBuild(version, CONTROL_PLANE), work, options.report),
  );
  return {
    // Go names a command after its module, here go.etcd.io/etcd/server.
    etcd: join(folders.etcd, "server"),
    apiServer: join(folders.kubernetes, "kube-apiserver"),
    controllerManager: join(folders.kubernetes, "kube-controller-manager"),
  };
}

/** Whether `buildKubernetes` would answer at once. */
export function isKubernetesBuilt(line: string, cacheDir: string): boolean {
  if (process.env.KUBEBUILDER_ASSETS) return true;
  const folders = cacheFolders(patchVersion(line), cacheDir);
  return existsSync(folders.etcd) && existsSync(folders.kubernetes);
}

function cacheFolders(version: string, cacheDir: string) {
  const folder = (name: string) => join(cacheDir, "kubernetes", `${name}-${process.platform}-${process.arch}`);
  return { etcd: folder(`etcd-${ETCD_VERSION}`), kubernetes: folder(`kubernetes-${version}`) };
}

function givenBinaries(assets: string): KubernetesBinaries {
  const [etcd, apiServer, controllerManager] = ["etcd", "kube-apiserver", "kube-controller-manager"].map((name) =>
    join(assets, name),
  ) as [string, string, string];
  for (const binary of [etcd, apiServer])
    try {
      accessSync(binary, constants.X_OK);
    } catch {
      throw new SandboxError(
        `KUBEBUILDER_ASSETS is ${assets}, but ${binary} is not an executable file; unset it or correct it`,
      );
    }
  return { etcd, apiServer, ...(existsSync(controllerManager) && { controllerManager }) };
}

const instead = "set KUBEBUILDER_ASSETS to a folder with etcd and kube-apiserver";

const etcdBuild: GoBuild = {
  title: `etcd ${ETCD_VERSION}`,
  usually: "one to two minutes",
  goMod: () =>
    Promise.resolve(`module sandbox/etcd

go 1.25.0

require go.etcd.io/etcd/server/v3 v${ETCD_VERSION}
`),
  packages: ["go.etcd.io/etcd/server/v3"],
  ldflags: [],
  instead,
};

/** Commands of Kubernetes that are built together. */
export interface KubernetesCommands {
  commands: string[];
  usually: string;
}

const CONTROL_PLANE: KubernetesCommands = {
  commands: ["kube-apiserver", "kube-controller-manager"],
  usually: "4 to 8 minutes",
};

/** How to build commands of a Kubernetes version: binaries of the same names. */
export function kubernetesBuild(version: string, { commands, usually }: KubernetesCommands): GoBuild {
  const [major, minor] = version.split(".") as [string, string];
  const variables = { gitVersion: `v${version}`, gitMajor: major, gitMinor: minor, gitTreeState: "clean" };
  return {
    title: `${commands.join(", ").replace(/, (?!.*, )/, " and ")} ${version}`,
    usually,
    goMod: (context) => kubernetesGoMod(version, context),
    packages: commands.map((command) => `k8s.io/kubernetes/cmd/${command}`),
    ldflags: ["k8s.io/component-base/version", "k8s.io/client-go/pkg/version"].flatMap((holder) =>
      Object.entries(variables).map(([name, value]) => `-X ${holder}.${name}=${value}`),
    ),
    instead,
  };
}

/** Kubernetes' own go.mod names its staging modules v0.0.0, to be found beside it; outside, v1.X.Y of it is v0.X.Y of them. */
async function kubernetesGoMod(version: string, context: GoContext): Promise<string> {
  const download = await go(["mod", "download", "-json", `k8s.io/kubernetes@v${version}`], context);
  const original = readFileSync((JSON.parse(download) as { GoMod: string }).GoMod, "utf8");
  const staging = [...original.matchAll(/^\s*(k8s\.io\/\S+) v0\.0\.0$/gm)].map(([, module]) => module);
  const replacements = staging.map((module) => `\t${module} => ${module} ${version.replace(/^1\./, "v0.")}`);
  return `module sandbox/kubernetes

${/^go \S+$/m.exec(original)?.[0] ?? "go 1.25.0"}

require k8s.io/kubernetes v${version}

replace (
${replacements.join("\n")}
)
`;
}
