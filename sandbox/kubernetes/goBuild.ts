import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { goEnvironment, go, type GoContext } from "./goToolchain.ts";

export interface GoBuild {
  /** What is being built, for the progress lines. */
  title: string;
  /** How long it usually takes from nothing, in words. */
  usually: string;
  /** The text of go.mod, given the environment to ask `go` in. */
  goMod: (context: GoContext) => Promise<string>;
  packages: string[];
  ldflags: string[];
  /** What can be done where there is no Go, to end "Install Go, or ...". */
  instead?: string;
}

const REPORT_EVERY_MS = 5_000;

/** Builds commands from the Go module proxy in the folder `work`, and returns the folder of the binaries. */
export async function goBuild(build: GoBuild, work: string, report: (line: string) => void): Promise<string> {
  const [source, temporary, binaries] = ["source", "temporary", "binaries"].map((name) => join(work, name)) as [
    string,
    string,
    string,
  ];
  for (const folder of [source, temporary, binaries]) mkdirSync(folder);
  const context = { folder: source, env: await goEnvironment(temporary, build.title, build.instead) };
  using progress = new Progress(build, report);

  const onDownload = (line: string) => line.startsWith("go: downloading ") && progress.downloaded();
  writeFileSync(join(source, "go.mod"), await build.goMod(context));
  const stale = await go(
    ["list", "-deps", "-f", "{{if .Stale}}{{.ImportPath}}{{end}}", ...build.packages],
    context,
    onDownload,
  );
  progress.compileAll(stale.split("\n").filter((line) => line !== "").length);

  const ldflags = ["-s", "-w", ...build.ldflags].join(" ");
  const onCompile = (line: string) => /^[\w.~/-]+$/.test(line) && progress.compiled();
  const output = `${binaries}/`;
  await go(["build", "-v", "-trimpath", "-ldflags", ldflags, "-o", output, ...build.packages], context, onCompile);
  progress.done();
  return binaries;
}

/** Says how far a build is, every few seconds, until it is disposed. */
class Progress {
  readonly #build: GoBuild;
  readonly #report: (line: string) => void;
  readonly #begin = performance.now();
  readonly #timer: NodeJS.Timeout;
  #downloads = 0;
  #packages: number | undefined;
  #compiled = 0;

  constructor(build: GoBuild, report: (line: string) => void) {
    this.#build = build;
    this.#report = report;
    report(`${build.title}: building from the Go module proxy; usually ${build.usually} the first time`);
    this.#timer = setInterval(() => {
      report(`${build.title}: ${this.#doing()}, ${this.#elapsed()} of usually ${build.usually}`);
    }, REPORT_EVERY_MS);
  }

  downloaded(): void {
    this.#downloads++;
  }

  /** The packages that are not compiled yet, the commands among them. */
  compileAll(packages: number): void {
    this.#packages = packages;
  }

  compiled(): void {
    this.#compiled++;
  }

  done(): void {
    this.#report(`${this.#build.title}: built in ${this.#elapsed()}`);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #doing(): string {
    if (this.#packages === undefined) return `${this.#downloads} modules downloaded`;
    const left = this.#packages - this.#compiled;
    // The compiler names a package when it begins with it, and a command that is named has still to be linked.
    return left > 0 ? `${this.#compiled} of ${this.#packages} packages compiled` : "all packages compiled, linking";
  }

  #elapsed(): string {
    const seconds = Math.round((performance.now() - this.#begin) / 1000);
    return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  }
}
