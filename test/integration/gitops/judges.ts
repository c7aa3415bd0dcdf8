import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { argocdCommand } from "../../../sandbox/argocd.ts";
import { cacheFolder } from "../../../sandbox/folders.ts";
import type { AnyObject } from "../../../src/kubernetes/objects.ts";
import { root } from "../../support/cluster.ts";
import { program } from "./programs.ts";

const run = promisify(execFile);

/** What somebody who does not know our kinds says of an object. */
export interface Judgement {
  status: string;
  message: string;
}

export const argocd = (): Promise<string> =>
  argocdCommand({ cacheDir: cacheFolder(), report: (line) => process.stderr.write(`${line}\n`) });

/** Builds the judges, which takes minutes the first time on a machine: for a hook with a {@link BUILD_MS limit} of its own. */
export async function buildJudges(): Promise<void> {
  await program("kstatus");
  await argocd();
}

/** Milliseconds in which everything here is built on a slow, busy machine. */
export const BUILD_MS = 40 * 60_000;

/** What kstatus says of each object, as Flux and `kubectl wait`'s successors ask it. */
export async function kstatusOf(objects: AnyObject[]): Promise<Judgement[]> {
  const running = run(await program("kstatus"), []);
  running.child.stdin?.end(JSON.stringify(objects));
  return JSON.parse((await running).stdout) as Judgement[];
}

/** What Argo CD says of an object with our health checks. */
export async function argoHealthOf(object: AnyObject): Promise<Judgement> {
  const folder = await mkdtemp(join(tmpdir(), "kestraflow-argocd-"));
  try {
    const file = join(folder, "object.json");
    await writeFile(file, JSON.stringify(object));
    const checks = join(root, "gitops", "argocd", "argocd-cm.yaml");
    const args = ["admin", "settings", "resource-overrides", "health", file, "--argocd-cm-path", checks];
    const env = { ...process.env, ARGOCD_BINARY_NAME: "argocd", HOME: folder };
    const { stdout } = await run(await argocd(), args, { env });
    const [, status = "", message = ""] = /^STATUS: (.*)\nMESSAGE: (.*)$/m.exec(stdout) ?? [];
    return { status, message };
  } finally {
    await rm(folder, { recursive: true });
  }
}
