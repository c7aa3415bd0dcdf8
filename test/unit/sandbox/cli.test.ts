import { describe, expect, test } from "@jest/globals";
import { chosenKestra, program, type Commands, type UpArguments } from "../../../sandbox/cli.ts";

/** Runs a command line and tells which command was called with which arguments. */
async function parse(line: string): Promise<[string, object]> {
  let called: [string, object] | undefined;
  const take = (name: string) => (args: object) => {
    called = [name, args];
    return Promise.resolve();
  };
  const commands: Commands = { up: take("up"), status: take("status"), down: take("down") };
  const command = program(commands);
  for (const each of [command, ...command.commands])
    each.exitOverride().configureOutput({ writeErr: () => undefined, writeOut: () => undefined });
  await command.parseAsync(line.split(" "), { from: "user" });
  if (!called) throw new Error("nothing was called");
  return called;
}

describe("the sandbox command", () => {
  test("brings up, shows and takes down the default sandbox", async () => {
    expect(await parse("up")).toEqual(["up", { name: "default" }]);
    expect(await parse("status")).toEqual(["status", {}]);
    expect(await parse("down")).toEqual(["down", { name: "default" }]);
    expect(await parse("down --all")).toEqual(["down", { name: "default", all: true }]);
  });

  test("takes the versions, the files and what to leave out", async () => {
    expect(await parse("up --name a --kestra 1.1 --kube 1.35 --kubeconfig k --env e")).toEqual([
      "up",
      { name: "a", kestra: "1.1", kube: "1.35", kubeconfig: "k", env: "e" },
    ]);
    expect(await parse("up --no-kestra")).toEqual(["up", { name: "default", kestra: false }]);
    expect(await parse("up --no-kube")).toEqual(["up", { name: "default", kube: false }]);
  });

  test.each(["up --kube 1.11", "up --plugins /no/such/folder", "up --kestra 1.1 --kestra-image i", "upp"])(
    "refuses %j",
    async (line) => {
      await expect(parse(line)).rejects.toThrow();
    },
  );
});

describe("the Kestra that is chosen", () => {
  const args = (more: Partial<UpArguments>): UpArguments => ({ name: "default", ...more });
  const env = { KESTRA_URL: "http://k" };

  test("is left open when nothing says otherwise", () => {
    expect(chosenKestra(args({}), {})).toBeUndefined();
  });

  test("is that of the environment unless the arguments name one", () => {
    expect(chosenKestra(args({}), env)).toMatchObject({ kind: "existing", url: "http://k" });
    expect(chosenKestra(args({ kestra: "1.1" }), env)).toEqual({ kind: "engine", line: "1.1" });
    expect(chosenKestra(args({ plugins: "/p" }), env)).toEqual({ kind: "engine", line: "1.1", plugins: "/p" });
    expect(chosenKestra(args({ kestraImage: "i" }), env)).toEqual({ kind: "image", image: "i" });
    expect(chosenKestra(args({ kestra: false }), env)).toBe(false);
  });
});
