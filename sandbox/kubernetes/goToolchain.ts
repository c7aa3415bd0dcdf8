import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { errorCode, SandboxError } from "../errors.ts";

const OLDEST_GO = [1, 25] as const;

/** Where and how `go` runs. */
export interface GoContext {
  folder: string;
  env: Record<string, string>;
}

/**
 * Runs `go` and returns its output. `onLine` gets each line of its standard error as it comes. Throws with the last lines
 * when it fails.
 */
export async function go(args: string[], context: GoContext, onLine: (line: string) => void = () => undefined) {
  const child = spawn("go", args, {
    cwd: context.folder,
    env: { ...process.env, ...context.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const last: string[] = [];
  createInterface(child.stderr).on("line", (line) => {
    last.push(line);
    if (last.length > 15) last.shift();
    onLine(line);
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  const code = await new Promise<number | null>((resolve, reject) =>
    child.once("close", resolve).once("error", reject),
  );
  if (code !== 0) throw new SandboxError(`go ${args.slice(0, 2).join(" ")} failed:\n${last.join("\n")}`);
  return output;
}

/**
 * The environment of every build: the same result on every machine, from the module proxy alone (some hosts that modules
 * are named after cannot be reached everywhere), temporary files in `temporary`. Throws when there is no Go or it is too old;
 * the message names `title` as what is being built, and `instead`, what could be done instead of installing Go.
 */
export async function goEnvironment(temporary: string, title: string, instead = ""): Promise<Record<string, string>> {
  const wanted = `Go ${OLDEST_GO.join(".")} or newer`;
  const remedy = `Install ${wanted}${instead && `, or ${instead}`}.`;
  const here = { folder: temporary, env: {} };
  const output = await go(["env", "GOVERSION", "GOPROXY", "GOFLAGS"], here).catch((error: unknown) => {
    if (errorCode(error) !== "ENOENT") throw error;
    throw new SandboxError(`Building ${title} needs ${wanted}, and there is no "go" on the PATH. ${remedy}`);
  });
  const [version = "", proxies = "", flags = ""] = output.split("\n");
  const [major = 0, minor = 0] = (/^go(\d+)\.(\d+)/.exec(version)?.slice(1) ?? []).map(Number);
  if (major < OLDEST_GO[0] || (major === OLDEST_GO[0] && minor < OLDEST_GO[1]))
    throw new SandboxError(`Building ${title} needs ${wanted}; this is ${version}. ${remedy}`);
  return {
    GOPROXY: withoutDirect(proxies),
    GOFLAGS: `${flags} -mod=mod -buildvcs=false`.trim(),
    GOWORK: "off",
    GOTMPDIR: temporary,
    CGO_ENABLED: "0",
  };
}

/** A GOPROXY value without its fallback to the modules' own hosts; unchanged when that is all there is. */
export function withoutDirect(proxies: string): string {
  return proxies.replace(/[,|]direct$/, "");
}
