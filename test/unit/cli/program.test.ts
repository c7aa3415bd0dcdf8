import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "@jest/globals";
import { program } from "../../../src/cli/program.ts";
import { Settings } from "../../../src/operator/config.ts";

const main = fileURLToPath(new URL("../../../src/main.ts", import.meta.url));

describe("kestraflow run", () => {
  const run = program().commands.find((command) => command.name() === "run");
  const flags = (run?.options ?? []).map(({ long }) => long);

  test("has a flag for every setting, but none for the password, which a list of processes would show", () => {
    const names = Object.keys(Settings.shape).filter((name) => name !== "KESTRA_PASSWORD");
    expect(flags).toEqual(names.map((name) => `--${name.toLowerCase().replaceAll("_", "-")}`));
  });

  test("describes every flag", () => {
    for (const { description } of run?.options ?? []) expect(description).not.toBe("");
  });
});

test("settings that cannot be used end with code 2, names, and no value", () => {
  const environment = { PATH: process.env.PATH, KESTRA_PASSWORD: "canary-1", DRIFT_INTERVAL: "5s" };
  const { status, stderr, stdout } = spawnSync(
    process.execPath,
    [main, "run", "--drift-interval", "canary-2", "--kestra-url", "http://kestra"],
    { env: environment, encoding: "utf8" },
  );
  expect(status).toBe(2);
  expect(stderr).toContain("DRIFT_INTERVAL: must be a duration");
  expect(stderr).toContain("KESTRA_USERNAME: give exactly one of");
  expect(stderr).not.toContain("KESTRA_URL");
  expect(stderr + stdout).not.toContain("canary");
});
