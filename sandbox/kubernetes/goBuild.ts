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
  const context = { folder: source, env: await goEnvironment(temporary) };
  const progress = new Progress(build, report);

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

/** Says how far a build is, at most every few seconds. */
class Progress {
  readonly #build: GoBuild;
  readonly #report: (line: string) => void;
  readonly #begin = performance.now();
  #lastReport = this.#begin;
  #downloads = 0;
  #packages = 0;
  #compiled = 0;

  constructor(build: GoBuild, report: (line: string) => void) {
    this.#build = build;
    this.#report = report;
    report(`${build.title}: building from the Go module proxy; usually ${build.usually} the first time`);
  }

  downloaded(): void {
    this.#downloads++;
    this.#tell(`${this.#downloads} modules downloaded`);
  }

  compileAll(packages: number): void {
    this.#packages = packages;
    this.#tell(`${packages} packages to compile`);
  }

  compiled(): void {
    this.#compiled++;
    const linking = this.#compiled >= this.#packages ? ", linking" : "";
    this.#tell(`${Math.min(this.#compiled, this.#packages)} of ${this.#packages} packages compiled${linking}`);
  }

  done(): void {
    this.#report(`${this.#build.title}: built in ${this.#elapsed()}`);
  }

  #tell(what: string): void {
    const now = performance.now();
    if (now - this.#lastReport < REPORT_EVERY_MS) return;
    this.#lastReport = now;
    this.#report(`${this.#build.title}: ${what}, ${this.#elapsed()} of usually ${this.#build.usually}`);
  }

  #elapsed(): string {
    const seconds = Math.round((performance.now() - this.#begin) / 1000);
    return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  }
}
