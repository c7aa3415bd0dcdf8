import { execFile } from "node:child_process";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { wholeProgram } from "../../../src/cli/program.ts";
import { root } from "../../support/cluster.ts";
import { kestraflow } from "../../support/commandLine.ts";

jest.setTimeout(150_000);

const run = promisify(execFile);

describe("completion", () => {
  let folder = "";
  const script = () => join(folder, "completion.bash");

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "kestraflow-completion-"));
    await writeFile(script(), (await kestraflow(["completion", "bash"])).stdout);
  });

  afterAll(() => rm(folder, { recursive: true }));

  /** What bash offers for a command line, whose last word is being typed. */
  async function offered(words: readonly string[]): Promise<string[]> {
    const typed = words.map((word) => `'${word}'`).join(" ");
    const program = `source ${script()}; COMP_WORDS=(${typed}); COMP_CWORD=${words.length - 1}; _kestraflow; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout } = await run("bash", ["--norc", "-c", program]);
    return stdout.split("\n").filter((word) => word !== "");
  }

  test("offers commands, their flags and the values of these in bash", async () => {
    const commands = (await wholeProgram()).commands.map((command) => command.name());
    expect(await offered(["kestraflow", ""])).toEqual(commands);
    expect(await offered(["kestraflow", "backfill", "w"])).toEqual(["watch"]);
    expect(await offered(["kestraflow", "get", "-o", ""])).toEqual(["wide", "json", "yaml", "name"]);
    expect(await offered(["kestraflow", "get", "--context", "prod", "fl"])).toEqual(["flows"]);
    expect(await offered(["kestraflow", "diff", "--m"])).toEqual(["--mask"]);
    expect(await offered(["kestraflow", "diff", ""])).toEqual([]);
  });

  test.each(["zsh", "fish"])("for %s has every command and flag", async (shell) => {
    const { code, stdout } = await kestraflow(["completion", shell]);
    expect(code).toBe(0);
    for (const command of (await wholeProgram()).commands) {
      expect(stdout).toContain(command.name());
      for (const { long } of command.options) expect(stdout).toContain((long ?? "").slice(2));
    }
  });
});

describe("--help", () => {
  test("comes at once, as nothing is loaded for it that it does not need", async () => {
    /** Seconds that the processor worked for it: others cannot slow that down as they do the clock. */
    const work = async (args: string): Promise<number> => {
      const command = `"${process.execPath}" ${args} > /dev/null && times`;
      const { stdout } = await run("bash", ["--norc", "-c", command], { cwd: root });
      // The last line is of what bash started.
      const [user = 0, system = 0] = [...stdout.matchAll(/m([\d.]+)s/g)]
        .slice(-2)
        .map(([, seconds]) => Number(seconds));
      return user + system;
    };
    const ratios: number[] = [];
    for (let n = 0; n < 3; n++) ratios.push((await work("dist/main.js --help")) / (await work(`-e ""`)));
    // Two to three; a command that loads all it can need takes ten.
    process.stderr.write(`--help takes ${ratios.map((ratio) => ratio.toFixed(1)).join(", ")} times an empty program\n`);
    expect(Math.min(...ratios)).toBeLessThan(6);
  });

  test("of every command has examples or says all there is", async () => {
    for (const command of ["diff", "get", "status", "completion"]) {
      const { code, stdout } = await kestraflow([command, "--help"]);
      expect(code).toBe(0);
      expect(stdout).toContain(`\nExamples:\n  `);
      expect(stdout).toContain(`kestraflow ${command} `);
    }
  });
});

test("is a plugin of kubectl under its name there", async () => {
  const folder = await mkdtemp(join(tmpdir(), "kestraflow-plugin-"));
  try {
    const plugin = join(folder, "kubectl-kestra");
    await symlink(join(import.meta.dirname, "..", "..", "..", "dist", "main.js"), plugin);
    const { stdout } = await run(process.execPath, [plugin, "diff", "--help"]);
    expect(stdout).toMatch(/^Usage: kubectl kestra diff /);
  } finally {
    await rm(folder, { recursive: true });
  }
});
