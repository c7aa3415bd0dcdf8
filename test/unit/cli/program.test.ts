import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "@jest/globals";
import { programName, wholeProgram } from "../../../src/cli/program.ts";
import { Settings } from "../../../src/operator/config.ts";

const main = fileURLToPath(new URL("../../../src/main.ts", import.meta.url));

function kestraflow(args: readonly string[], env: Record<string, string> = {}) {
  return spawnSync(process.execPath, [main, ...args], { env: { PATH: process.env.PATH, ...env }, encoding: "utf8" });
}

const whole = await wholeProgram();

describe("kestraflow run", () => {
  const run = whole.commands.find((command) => command.name() === "run");
  const flags = (run?.options ?? []).map(({ long }) => long);

  test("has a flag for every setting, but none for the password, which a list of processes would show", () => {
    const names = Object.keys(Settings.shape).filter((name) => name !== "KESTRA_PASSWORD");
    expect(flags).toEqual(names.map((name) => `--${name.toLowerCase().replaceAll("_", "-")}`));
  });
});

describe("every command", () => {
  test.each(whole.commands.map((command) => [command.name(), command] as const))(
    "%s describes itself",
    (_, command) => {
      expect(command.summary()).not.toBe("");
      expect(command.description()).not.toBe("");
      for (const { description } of command.options) expect(description).not.toBe("");
    },
  );
});

describe("exit codes", () => {
  test("a command line that cannot be understood ends with 2", () => {
    expect(kestraflow(["nope"]).status).toBe(2);
    expect(kestraflow(["run", "--nope"]).status).toBe(2);
    expect(kestraflow([]).status).toBe(2);
  });

  test("help and version end with 0", () => {
    expect(kestraflow(["--help"]).status).toBe(0);
    expect(kestraflow(["--version"]).stdout).toMatch(/^\d+\.\d+\.\d+/);
    expect(kestraflow(["run", "--help"]).stdout).toContain("--kestra-url");
  });

  test("settings that cannot be used end with code 2, names, and no value", () => {
    const { status, stderr, stdout } = kestraflow(
      ["run", "--drift-interval", "canary-2", "--kestra-url", "http://kestra"],
      { KESTRA_PASSWORD: "canary-1", DRIFT_INTERVAL: "5s" },
    );
    expect(status).toBe(2);
    expect(stderr).toContain("DRIFT_INTERVAL: must be a duration");
    expect(stderr).toContain("KESTRA_USERNAME: give exactly one of");
    expect(stderr).not.toContain("KESTRA_URL");
    expect(stderr + stdout).not.toContain("canary");
  });
});

test("a kubectl plugin calls itself as kubectl calls it", () => {
  expect(programName(["node", "/usr/local/bin/kubectl-kestra"])).toBe("kubectl kestra");
  expect(programName(["node", "/usr/local/bin/kestraflow"])).toBe("kestraflow");
});
