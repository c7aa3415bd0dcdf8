import { homedir } from "node:os";
import { join } from "node:path";
import { cacheFolder } from "../folders.ts";

/** Where clusters and the Docker engine that was started for them have their folders: gone after the last `down`. */
function kindRoot(): string {
  return join(process.env.XDG_STATE_HOME ?? join(homedir(), ".local", "state"), "kestraflow-kind");
}

/** The places of one cluster. */
export function clusterFolder(name: string) {
  const folder = join(kindRoot(), "clusters", name);
  return {
    folder,
    lock: `${folder}.lock`,
    kubeconfig: join(folder, "kubeconfig"),
    /** What kind was given. */
    config: join(folder, "kind-config.yaml"),
    /** What its API server records, where it does. */
    auditPolicy: join(folder, "audit-policy.yaml"),
    /** What the cluster was made of: see cluster.ts. */
    state: join(folder, "state.json"),
  };
}

/** The places of a Docker engine that we start ourselves. Its images are a cache: `down` leaves them. */
export function engineFolder() {
  const folder = join(kindRoot(), "docker");
  return {
    folder,
    lock: `${folder}.lock`,
    records: join(folder, "processes"),
    log: join(folder, "dockerd.log"),
    socket: join(folder, "docker.sock"),
    pidfile: join(folder, "docker.pid"),
    /** Short paths: containerd's sockets are below it. */
    execRoot: join(folder, "run"),
    runcWrapper: join(folder, "runc"),
    data: join(cacheFolder(), "docker"),
  };
}
