import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { run } from "../command.ts";
import { SandboxError } from "../errors.ts";
import { cacheFolder } from "../folders.ts";
import { poll } from "../polling.ts";
import type { StepOptions } from "../step.ts";
import { debianImage } from "./debian.ts";
import { docker, hasImage, pull, type Docker } from "./docker.ts";
import { kindModule, NODE_VERSION, nodePrograms, type NodePrograms } from "./goPrograms.ts";
import { buildImage } from "./imageBuild.ts";

const OFFICIAL = `kindest/node:v${NODE_VERSION}`;
const IMAGES = join(import.meta.dirname, "images");

/** An image under the name that something in the cluster asks for. */
interface Preloaded {
  image: string;
  as: string;
}

/**
 * The image of a kind node: the official one where it can be pulled, else one that is built here from kind's own files, Debian's packages
 * and Kubernetes from the Go module proxy, with every image in it that a cluster begins with. Minutes, once.
 */
export async function nodeImage(engine: Docker, options: StepOptions): Promise<string> {
  if ((await hasImage(engine, OFFICIAL)) || (await pull(engine, OFFICIAL, options.report))) return OFFICIAL;
  if (process.platform !== "linux")
    throw new SandboxError(`${OFFICIAL} cannot be pulled, and its like can be built on Linux only.`);
  const debian = await debianImage(engine, options);
  const programs = await nodePrograms(options.report);
  const preloaded = await preloadedImages(engine, { debian, programs }, options);
  const bare = await bareNode(engine, { debian, programs, preloaded }, options);
  const complete = bare.replace("kestraflow/node-bare:", "kestraflow/node:");
  if (!(await hasImage(engine, complete))) await preload(engine, { bare, complete, preloaded }, options);
  return complete;
}

async function bareNode(
  engine: Docker,
  { debian, programs, preloaded }: { debian: string; programs: NodePrograms; preloaded: Preloaded[] },
  options: StepOptions,
): Promise<string> {
  const parent = join(cacheFolder(), "kind");
  mkdirSync(parent, { recursive: true });
  const work = mkdtempSync(join(parent, "node-"));
  try {
    const module = await kindModule(work);
    const version = join(work, "version");
    writeFileSync(version, `v${NODE_VERSION}`);
    const storage = join(work, "default-storage.yaml");
    writeFileSync(storage, storageManifest(module, preloaded));
    const pause = preloaded.find(({ as }) => as.includes("/pause:"))?.as ?? "";
    return await buildImage(
      engine,
      {
        name: "kestraflow/node-bare",
        folder: join(IMAGES, "node"),
        args: { BASE: debian, PAUSE_IMAGE: pause },
        files: {
          kind: join(module, "images", "base", "files"),
          "bin/kubelet": programs.kubelet,
          "bin/kubeadm": programs.kubeadm,
          "bin/kubectl": programs.kubectl,
          "files/kind/version": version,
          "files/kind/manifests/default-storage.yaml": storage,
        },
        versions: [basename(module), NODE_VERSION, ...preloaded.flatMap(({ image, as }) => [image, as])],
      },
      options,
    );
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** What kind installs for volumes, with its own images replaced. It is a constant in kind's code, split around their names. */
function storageManifest(module: string, preloaded: Preloaded[]): string {
  const file = join(module, "pkg", "build", "nodeimage", "const_storage.go");
  const [, text] = /const defaultStorageManifest = `([\s\S]*)`\s*$/.exec(readFileSync(file, "utf8")) ?? [];
  const named = (part: string) => preloaded.find(({ as }) => as.includes(part))?.as;
  const manifest = text
    ?.replaceAll("` + storageProvisionerImage + `", named("local-path-provisioner") ?? "")
    .replaceAll("` + storageHelperImage + `", named("local-path-helper") ?? "");
  if (manifest === undefined || manifest.includes("`"))
    throw new SandboxError(`${file} has no manifest where it was expected; was kind's version changed?`);
  return manifest;
}

/** The images that a cluster begins with, as kubeadm and kind's storage ask for them. */
async function preloadedImages(
  engine: Docker,
  { debian, programs }: { debian: string; programs: NodePrograms },
  options: StepOptions,
): Promise<Preloaded[]> {
  const list = await run(programs.kubeadm, ["config", "images", "list", "--kubernetes-version", `v${NODE_VERSION}`]);
  const wanted = list.trim().split("\n");
  const result: Preloaded[] = [];
  for (const as of wanted) {
    const name = (/([^/]+):[^:]+$/.exec(as)?.[1] ?? "") as keyof NodePrograms;
    if (!(name in programs))
      throw new SandboxError(`kubeadm ${NODE_VERSION} asks for ${as}, which cannot be built here`);
    const image =
      name === "kube-proxy"
        ? await kubeProxyImage(engine, { debian, program: programs[name] }, options)
        : await programImage(engine, name, programs[name]);
    result.push({ image, as });
  }
  const provisioner = "local-path-provisioner";
  const image = await programImage(engine, provisioner, programs[provisioner]);
  result.push({ image, as: `docker.io/${image}` });
  // It runs a shell script for each volume.
  result.push({ image: debian, as: "docker.io/kestraflow/local-path-helper:1" });
  return result;
}

function kubeProxyImage(
  engine: Docker,
  { debian, program }: { debian: string; program: string },
  options: StepOptions,
) {
  return buildImage(
    engine,
    {
      name: "kestraflow/kube-proxy",
      folder: join(IMAGES, "kube-proxy"),
      args: { BASE: debian },
      files: { "kube-proxy": program },
      versions: [program],
    },
    options,
  );
}

const IMPORT_PROGRAM = `
tar --create --dereference --numeric-owner --owner=0 --group=0 --transform="s,.*,usr/local/bin/$NAME," --directory="$FOLDER" "$FILE" |
  docker import --change "ENTRYPOINT [\\"/usr/local/bin/$NAME\\"]" --change "ENV PATH=/usr/local/bin" - "$IMAGE"
`;

/** An image of nothing but a static program, which is found by its name and runs unless another command is asked for. */
async function programImage(engine: Docker, name: string, program: string): Promise<string> {
  // The folder in the cache is named by version.
  const version = /-(\d[\d.]*)-[^-]+-[^-]+$/.exec(dirname(program))?.[1] ?? "given";
  const image = `kestraflow/${name}:${version}`;
  if (await hasImage(engine, image)) return image;
  const env = { ...engine.env, NAME: name, FOLDER: dirname(program), FILE: basename(program), IMAGE: image };
  await run("/bin/sh", ["-euc", IMPORT_PROGRAM], { env });
  return image;
}

const CONTAINERD_WITHIN_MS = 60_000;

/** Makes the complete node of the bare one: the images are put into its containerd, packed, and unpacked by the node that runs them. */
async function preload(
  engine: Docker,
  { bare, complete, preloaded }: { bare: string; complete: string; preloaded: Preloaded[] },
  { report, signal }: StepOptions,
): Promise<void> {
  report(`image ${complete}: preloading ${preloaded.length} images`);
  const begin = performance.now();
  const args = ["run", "--detach", "--privileged", "--entrypoint", "/bin/sleep", bare, "infinity"];
  const container = (await docker(engine, args, { signal })).trim();
  try {
    const inside = (...command: string[]) => docker(engine, ["exec", container, ...command], { signal });
    const ctr = (...command: string[]) => inside("ctr", "--namespace", "k8s.io", ...command);
    await docker(engine, ["exec", "--detach", container, "containerd"], { signal });
    const answers = () =>
      inside("ctr", "version").then(
        () => true,
        () => false,
      );
    if (!(await poll(answers, { timeout: CONTAINERD_WITHIN_MS, signal })))
      throw new SandboxError(`containerd does not answer in a container of ${bare}`);
    const names = [...new Set(preloaded.map(({ image }) => image))];
    const env = { ...engine.env, CONTAINER: container };
    await run(
      "/bin/sh",
      [
        "-euc",
        'docker save "$@" | docker exec --interactive "$CONTAINER" ctr --namespace k8s.io images import --no-unpack -',
        "sh",
        ...names,
      ],
      { env, signal },
    );
    for (const { image, as } of preloaded) {
      const imported = image.includes("/") ? `docker.io/${image}` : `docker.io/library/${image}`;
      if (imported !== as) await ctr("images", "tag", "--force", imported, as);
    }
    await inside("pkill", "containerd");
    const gone = () =>
      inside("pgrep", "containerd").then(
        () => false,
        () => true,
      );
    await poll(gone, { timeout: CONTAINERD_WITHIN_MS, signal });
    const entrypoint = 'ENTRYPOINT ["/usr/local/bin/entrypoint", "/sbin/init"]';
    await docker(engine, ["commit", "--change", entrypoint, container, complete], { signal });
  } finally {
    await docker(engine, ["rm", "--force", "--volumes", container]);
  }
  report(`image ${complete}: made in ${Math.round((performance.now() - begin) / 1000)} s`);
}
