import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { clusterText, program, type Commands } from "../../../sandbox/kind/cli.ts";
import { checkName, fullName } from "../../../sandbox/kind/cluster.ts";
import { RUNC_WRAPPER } from "../../../sandbox/kind/dockerEngine.ts";
import type { ClusterImages } from "../../../sandbox/kind/images.ts";

import { temporaryFolder } from "./temporaryFolder.ts";

/** Runs a command line and tells which command was called with which arguments. */
async function parse(line: string): Promise<[string, object]> {
  let called: [string, object] | undefined;
  const take = (name: string) => (args: object) => {
    called = [name, args];
    return Promise.resolve();
  };
  const commands: Commands = { up: take("up"), load: take("load"), down: take("down") };
  const command = program(commands);
  for (const each of [command, ...command.commands])
    each.exitOverride().configureOutput({ writeErr: () => undefined, writeOut: () => undefined });
  await command.parseAsync(line.split(" "), { from: "user" });
  if (!called) throw new Error("nothing was called");
  return called;
}

describe("the kind command", () => {
  test("works on the cluster of kind-config.yaml unless another is named", async () => {
    expect(await parse("up")).toEqual(["up", { name: "kestraflow" }]);
    expect(await parse("load")).toEqual(["load", { name: "kestraflow" }]);
    expect(await parse("down --name other")).toEqual(["down", { name: "other" }]);
  });

  test("goes as far as it is told, and leaves kubeconfigs alone unless one is named", async () => {
    expect(await parse("up --until images --kubeconfig k")).toEqual([
      "up",
      { name: "kestraflow", until: "images", kubeconfig: "k" },
    ]);
    await expect(parse("up --until everything")).rejects.toThrow();
  });
});

describe("what is said of a cluster that is up", () => {
  const cluster = {
    name: "kestraflow",
    kubeconfig: "/k",
    state: { name: "kestraflow", nodeImage: "node", ports: { "30080": 8080 } },
    engine: { env: {}, own: false },
    steps: [],
  };
  const images: ClusterImages = { operator: "o", kestra: "k", isEngine: false, postgres: "p" };

  test("calls the engine behind our REST layer never Kestra", () => {
    const text = clusterText({ ...cluster, images: { ...images, isEngine: true } });
    expect(text).toContain("engine behind our test REST layer");
    expect(text).toContain("It is not Kestra");
    expect(text).not.toMatch(/^Kestra: /m);
  });

  test("names Kestra's address and login where it is Kestra's image, and nothing of it where only a cluster was wanted", () => {
    expect(clusterText({ ...cluster, images })).toMatch(/^Kestra: http:\/\/localhost:8080$/m);
    expect(clusterText(cluster)).not.toContain("Kestra");
  });
});

test.each([
  ["kestraflow-operator:1", "docker.io/library/kestraflow-operator:1"],
  ["kestra/kestra:v1.1.15", "docker.io/kestra/kestra:v1.1.15"],
  ["localhost:5000/a:1", "localhost:5000/a:1"],
  ["localhost/a:1", "localhost/a:1"],
  ["registry.example.com/pause:3.10", "registry.example.com/pause:3.10"],
])("the image %s is %s in a node", (image, expected) => {
  expect(fullName(image)).toBe(expected);
});

test.each(["", "A", "-a", "a-", "a/b", "a".repeat(41)])("a cluster cannot be called %j", (name) => {
  expect(() => checkName(name)).toThrow("cannot be a cluster's name");
});

describe("the runc of a machine without CAP_SYS_RESOURCE", () => {
  const temporary = temporaryFolder();
  const capabilities = (...names: string[]) => JSON.stringify({ process: { capabilities: { bounding: names } } });

  test.each([
    ["a new container", ["create", "--bundle", "FOLDER", "id"], "config.json"],
    ["one that is entered", ["--log", "l", "exec", "--process", "FOLDER/process.json", "id"], "process.json"],
  ])("does not ask for it for %s, and passes all arguments on", (_what, args, file) => {
    const folder = temporary();
    const bundle = join(folder, "a bundle");
    mkdirSync(bundle);
    const path = join(bundle, file);
    const wrapper = join(folder, "wrapper");
    writeFileSync(wrapper, RUNC_WRAPPER, { mode: 0o755 });
    writeFileSync(join(folder, "runc"), `#!/bin/sh\nprintf '%s\\n' "$@"\n`, { mode: 0o755 });
    const given = args.map((arg) => arg.replace("FOLDER", bundle));
    for (const names of [["CAP_SYS_RESOURCE", "CAP_KILL"], ["CAP_KILL", "CAP_SYS_RESOURCE"], ["CAP_KILL"]]) {
      writeFileSync(path, capabilities(...names));
      const env = { ...process.env, PATH: `${folder}:${process.env.PATH}` };
      expect(execFileSync(wrapper, given, { env, encoding: "utf8" }).trimEnd().split("\n")).toEqual(given);
      expect(readFileSync(path, "utf8")).toBe(capabilities("CAP_KILL"));
    }
  });
});
