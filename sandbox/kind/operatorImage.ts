import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { rootCertificates } from "node:tls";
import { run } from "../command.ts";
import { cacheFolder } from "../folders.ts";
import type { StepOptions } from "../step.ts";
import { hasImage, pull, type Docker } from "./docker.ts";
import { buildImage } from "./imageBuild.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** The operator's image, from the Dockerfile and the sources as they are. `debian` makes the Debian that Node.js is put on. */
export async function operatorImage(
  engine: Docker,
  debian: () => Promise<string>,
  options: StepOptions,
): Promise<string> {
  const official = /^ARG NODE_IMAGE=(\S+)$/m.exec(readFileSync(join(ROOT, "Dockerfile"), "utf8"))?.[1] ?? "";
  const canPull = (await hasImage(engine, official)) || (await pull(engine, official, options.report));
  const nodejs = canPull ? official : await nodejsImage(engine, await debian(), options);
  const work = workFolder();
  try {
    const files = ["package.json", "package-lock.json", "tsconfig.json", "tsconfig.build.json", "src", "LICENSE"];
    return await buildImage(
      engine,
      {
        name: "kestraflow-operator",
        folder: work,
        args: { NODE_IMAGE: nodejs },
        files: Object.fromEntries(["Dockerfile", ...files].map((file) => [file, join(ROOT, file)])),
      },
      options,
    );
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** The Node.js that runs this and the npm on the PATH, on Debian. */
async function nodejsImage(engine: Docker, debian: string, options: StepOptions): Promise<string> {
  const work = workFolder();
  try {
    const npm = dirname(dirname(realpathSync((await run("/bin/sh", ["-c", "command -v npm"])).trim())));
    const certificates = join(work, "certificates.pem");
    writeFileSync(certificates, trustedCertificates());
    const { version } = JSON.parse(readFileSync(join(npm, "package.json"), "utf8")) as { version: string };
    const registry = (await run("npm", ["config", "get", "registry"], { cwd: ROOT })).trim();
    return await buildImage(
      engine,
      {
        name: "kestraflow/nodejs",
        folder: join(import.meta.dirname, "images", "nodejs"),
        args: { BASE: debian, REGISTRY: registry },
        files: { node: process.execPath, npm, "certificates.pem": certificates },
        versions: [process.version, version, trustedCertificates()],
      },
      options,
    );
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** The authorities that this machine's Node.js trusts: a registry may be behind one that only this machine knows. */
function trustedCertificates(): string {
  const extra = process.env.NODE_EXTRA_CA_CERTS;
  return extra !== undefined && existsSync(extra) ? readFileSync(extra, "utf8") : rootCertificates.join("\n");
}

function workFolder(): string {
  const parent = join(cacheFolder(), "kind");
  mkdirSync(parent, { recursive: true });
  return mkdtempSync(join(parent, "operator-"));
}
