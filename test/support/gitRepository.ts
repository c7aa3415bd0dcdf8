import { execFile } from "node:child_process";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** A Git repository on this machine, as others clone it. */
export class GitRepository {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  get url(): string {
    return `file://${this.folder}`;
  }

  static async create(folder: string): Promise<GitRepository> {
    await mkdir(folder, { recursive: true });
    const repository = new GitRepository(folder);
    await repository.#git("init", "--quiet", "--initial-branch=main");
    return repository;
  }

  /** Writes files, or removes those that are undefined, and commits. Returns the revision. */
  async commit(files: Record<string, string | undefined>): Promise<string> {
    for (const [path, text] of Object.entries(files)) {
      const file = join(this.folder, path);
      await mkdir(dirname(file), { recursive: true });
      if (text === undefined) await rm(file);
      else await writeFile(file, text);
    }
    await this.#git("add", "--all");
    const author = ["-c", "user.name=test", "-c", "user.email=test@example.com"];
    await this.#git(...author, "commit", "--quiet", "--message", "change");
    return (await this.#git("rev-parse", "HEAD")).trim();
  }

  /** All of it in one file, for somebody who cannot clone it, in base64. */
  async bundle(): Promise<string> {
    const file = join(this.folder, ".git", "bundle");
    await this.#git("bundle", "create", "--quiet", file, "main");
    return readFile(file, "base64");
  }

  async #git(...args: string[]): Promise<string> {
    return (await run("git", args, { cwd: this.folder })).stdout;
  }
}
