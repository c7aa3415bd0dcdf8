import { existsSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { envFile } from "../../../sandbox/description.ts";
import { checkName, readState, sandboxFolder, sandboxNames, writeState } from "../../../sandbox/state.ts";
import { kestraFromEnvironment, newState, wishedState } from "../../../sandbox/wishes.ts";
import { temporaryFolder } from "./temporaryFolder.ts";

const folder = temporaryFolder();
let before: string | undefined;
beforeEach(() => {
  before = process.env.XDG_STATE_HOME;
  process.env.XDG_STATE_HOME = folder();
});
afterEach(() => {
  if (before === undefined) delete process.env.XDG_STATE_HOME;
  else process.env.XDG_STATE_HOME = before;
});

describe("a sandbox's state", () => {
  test("is read as it was written, by its owner alone", () => {
    const state = newState("one", {});
    writeState(state);
    expect(readState("one")).toEqual(state);
    expect(statSync(sandboxFolder("one").state).mode & 0o077).toBe(0);
    expect(statSync(sandboxFolder("one").folder).mode & 0o077).toBe(0);
  });

  test("is absent where there is none, and a half made sandbox is listed all the same", () => {
    expect(readState("none")).toBeUndefined();
    expect(sandboxNames()).toEqual([]);
    writeState(newState("half", {}));
    writeFileSync(`${sandboxFolder("other").folder}.lock`, "");
    expect(sandboxNames()).toEqual(["half"]);
  });

  test.each(["", "-a", "a-", "A", "../a", "a/b", ".ports", "a".repeat(41)])("cannot be of the name %j", (name) => {
    expect(() => checkName(name)).toThrow("cannot be a sandbox's name");
  });
});

describe("a wish for a new sandbox", () => {
  test("is by default Kubernetes 1.34 and Kestra's engine 1.1", () => {
    expect(newState("one", {})).toMatchObject({ kubernetes: "1.34", kestra: { kind: "engine", line: "1.1" } });
  });

  test("may leave a half out", () => {
    expect(newState("one", { kestra: false })).not.toHaveProperty("kestra");
    expect(newState("one", { kube: false })).not.toHaveProperty("kubernetes");
  });

  test("for an unknown Kubernetes names those that are known", () => {
    expect(() => newState("one", { kube: "1.20" })).toThrow("choose one of 1.33, 1.34");
  });

  test("never overwrites a file of somebody else, but fills an empty one", () => {
    const file = join(folder(), "kubeconfig");
    writeFileSync(file, "mine");
    expect(() => newState("one", { kubeconfig: file })).toThrow("is there already");
    writeFileSync(file, "");
    expect(newState("one", { kubeconfig: file }).files).toEqual([{ kind: "kubeconfig", path: file }]);
    expect(existsSync(file)).toBe(true);
  });
});

describe("a wish for an existing sandbox", () => {
  const one = () => newState("one", {});

  test("that leaves all open keeps it as it is", () => {
    const state = one();
    expect(wishedState(state, {})).toEqual(state);
  });

  test("may bring the half that was missing, or other plugins", () => {
    const kestra = { kind: "engine", line: "1.1", plugins: "/plugins" } as const;
    expect(wishedState(newState("one", { kestra: false }), { kestra }).kestra).toEqual(kestra);
    expect(wishedState(one(), { kestra }).kestra).toEqual(kestra);
  });

  test.each([
    { kube: "1.33" },
    { kube: false },
    { kestra: false },
    { kestra: { kind: "engine", line: "1.3" } },
    { kestra: { kind: "image", image: "kestra/kestra:v1.1" } },
  ] as const)("for another sandbox, such as %j, says what to do", (wishes) => {
    expect(() => wishedState(one(), wishes)).toThrow("Take it down first");
  });
});

describe("the environment", () => {
  test("names a Kestra to use instead of the sandbox's", () => {
    expect(kestraFromEnvironment({ KESTRA_URL: "http://k", KESTRA_USERNAME: "u", KESTRA_PASSWORD: "p" })).toEqual({
      kind: "existing",
      url: "http://k",
      username: "u",
      password: "p",
    });
    expect(kestraFromEnvironment({ KESTRA_USERNAME: "u" })).toBeUndefined();
  });

  test("is written so that a shell reads every value back", () => {
    expect(envFile({ A: "http://127.0.0.1:1/x", B: "two words", C: "it's" })).toBe(
      "A=http://127.0.0.1:1/x\nB='two words'\nC='it'\\''s'\n",
    );
  });
});
