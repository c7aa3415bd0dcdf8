import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { dump, loadAll } from "js-yaml";
import { argocdModule } from "../../../sandbox/argocd.ts";
import { loadImages } from "../../../sandbox/kind/cluster.ts";
import { ensureDocker } from "../../../sandbox/kind/dockerEngine.ts";
import { DEFAULT_PROJECT } from "../../support/applications.ts";
import { kubectl, root } from "../../support/cluster.ts";
import { eventually } from "../../support/eventually.ts";
import { options, state } from "../installation.ts";
import { argocdImage } from "./image.ts";

/** The namespace that Argo CD's manifests and ours name. */
export const NAMESPACE = "argocd";

interface Container {
  name: string;
  image: string;
  imagePullPolicy?: string;
  command?: string[];
}

interface Manifest {
  kind: string;
  metadata: { name: string };
  data?: Record<string, string>;
  spec?: { template?: { spec: { containers: Container[]; initContainers?: Container[] } } };
}

/** Installs Argo CD by its own manifests for an installation without a user interface, with our health checks, and a Git server. */
export async function installArgoCd(): Promise<void> {
  const engine = await ensureDocker(options);
  const image = await argocdImage(engine, options);
  await loadImages(engine, state.name, [image], options);
  await kubectl(["create", "namespace", NAMESPACE]);
  const own = await readFile(join(await argocdModule(), "manifests", "core-install.yaml"), "utf8");
  const ours = await readFile(join(root, "gitops", "argocd", "argocd-cm.yaml"), "utf8");
  const manifests = (loadAll(own) as Manifest[]).filter(({ metadata }) => !metadata.name.includes("applicationset"));
  await apply(...manifests.map((manifest) => dump(forTests(manifest, image))));
  await apply(ours);
  await eventually(() => apply(dump(DEFAULT_PROJECT)));
  await apply(...gitServer(image).map((object) => dump(object)));
  await kubectl(["wait", "pods", "--namespace", NAMESPACE, "--all", "--for=condition=Ready", "--timeout=4m"]);
}

export async function removeArgoCd(): Promise<void> {
  await kubectl(["delete", "namespace", NAMESPACE, "--ignore-not-found", "--wait=false"]);
}

const apply = (...documents: string[]) =>
  kubectl(
    ["apply", "--server-side", "--force-conflicts", "--namespace", NAMESPACE, "-f", "-"],
    documents.join("\n---\n"),
  );

function forTests(manifest: Manifest, image: string): Manifest {
  // Has an Application say of each of its resources how it is, not only of all together.
  if (manifest.metadata.name === "argocd-cmd-params-cm")
    manifest.data = { "controller.resource.health.persist": "true" };
  const { containers = [], initContainers = [] } = manifest.spec?.template?.spec ?? {};
  for (const container of [...containers, ...initContainers]) {
    Object.assign(container, { image, imagePullPolicy: "Never" });
    // Its official image has it as the entrypoint.
    if (container.name === "redis") container.command = ["redis-server"];
  }
  return manifest;
}

const GIT = "git";
const BARE = "/srv/repository.git";

/** The address of what is {@link publish published}, inside the cluster. */
export const REPOSITORY_URL = `git://${GIT}.${NAMESPACE}.svc/repository.git`;

function gitServer(image: string): object[] {
  const labels = { app: GIT };
  const start = `git init --quiet --bare --initial-branch=main ${BARE} && exec git daemon --base-path=/srv --export-all`;
  const container = {
    ...{ name: GIT, image, imagePullPolicy: "Never", command: ["/bin/sh", "-c", start] },
    readinessProbe: { tcpSocket: { port: 9418 }, periodSeconds: 1 },
    volumeMounts: [{ name: "srv", mountPath: "/srv" }],
  };
  const spec = {
    securityContext: { fsGroup: 999 },
    containers: [container],
    volumes: [{ name: "srv", emptyDir: {} }],
    terminationGracePeriodSeconds: 1,
  };
  return [
    { apiVersion: "v1", kind: "Pod", metadata: { name: GIT, labels }, spec },
    { apiVersion: "v1", kind: "Service", metadata: { name: GIT }, spec: { selector: labels, ports: [{ port: 9418 }] } },
  ];
}

/** Has the Git server serve what a bundle holds, in base64. */
export async function publish(bundle: string): Promise<void> {
  const take = `base64 -d >/tmp/bundle && git -C ${BARE} fetch --quiet --force /tmp/bundle main:main`;
  await kubectl(["exec", "--namespace", NAMESPACE, "--stdin", GIT, "--", "/bin/sh", "-ec", take], bundle);
}
