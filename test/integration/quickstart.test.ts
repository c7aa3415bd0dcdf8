import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import type { Outcome } from "../../sandbox/quickstart/outcome.ts";
import { isRunning, type ProcessIdentity } from "../../sandbox/processIdentity.ts";
import { runningProcesses } from "../../sandbox/recordedProcess.ts";
import { root } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { flowSource } from "../support/flowSource.ts";

/** Long enough for a busy machine, and for the builds where this test run uses other servers than a sandbox of its own. */
const RUN_MS = 900_000;
jest.setTimeout(RUN_MS + 60_000);

let folder: string;
const started: QuickStart[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "quickstart-"));
});

afterEach(async () => {
  for (const run of started.splice(0)) await run.kill();
  await command("sandbox/cli.ts", ["down", "--name", "quickstart"]).ended();
  rmSync(folder, { recursive: true });
});

describe("quick start", () => {
  test("brings the eleven flows and their entries from kubectl apply to Ready, executes one, and leaves nothing behind", async () => {
    const json = join(folder, "outcome.json");
    const run = quickStart(["--exit", "--json", json, "--cluster", "sandbox"]);
    const code = await run.ended();

    expect({ code, output: run.output }).toMatchObject({ code: 0 });
    const outcome = outcomeIn(json);
    expect(outcome).toMatchObject({
      cluster: "sandbox",
      kestra: expect.stringMatching(/^Kestra's engine 1\.1\.\d+ behind our test REST layer$/),
      execution: { flow: "01_hello_world", state: "SUCCESS" },
    });
    expect(outcome.flows.map(({ name }) => name).toSorted()).toEqual(namesIn(join(root, "flows"), "KestraFlow"));
    expect(outcome.flows).toHaveLength(11);
    for (const flow of outcome.flows)
      expect(flow).toMatchObject({ ready: true, reason: "Synced", revision: 1, seconds: expect.any(Number) });
    expect(outcome.entries.map(({ name }) => name).toSorted()).toEqual(namesIn(join(root, "flows"), "KestraKV"));
    expect(outcome.entries).toHaveLength(5);
    for (const entry of outcome.entries) expect(entry).toMatchObject({ ready: true, reason: "Synced" });
    expect(outcome.seconds).toBeGreaterThan(Math.max(...outcome.flows.map(({ seconds }) => seconds)));
    expect(outcome).not.toHaveProperty("error");

    for (const words of [
      "“Hello, Ada!”",
      "“Good morning, Ada!”",
      "corrected:",
      "deleted:",
      "back as the manifest has it",
    ])
      expect(run.output).toContain(words);
    expect(run.output).not.toMatch(CONTROL_CHARACTER);
    run.assertNothingLeft();
  });

  test("fails when a flow is not Ready, says why, and leaves nothing behind", async () => {
    const [json, flows] = [join(folder, "outcome.json"), join(folder, "flows")];
    mkdirSync(flows);
    writeManifest(flows, "good", flowSource("quickstart", "good"));
    writeManifest(flows, "bad", flowSource("quickstart", "bad").replace("log.Log", "log.NoSuchTask"));
    const run = quickStart(["--exit", "--json", json, "--flows", flows]);
    const code = await run.ended();

    expect(code).toBe(1);
    const { flows: outcomes, execution, error } = outcomeIn(json);
    expect(outcomes.find(({ name }) => name === "good")).toMatchObject({ ready: true, revision: 1 });
    expect(outcomes.find(({ name }) => name === "bad")).toMatchObject({
      ready: false,
      reason: "InvalidFlow",
      revision: null,
    });
    expect({ execution, error }).toEqual({ execution: null, error: "1 of 2 flows are not Ready: bad." });
    expect(run.output).toMatch(/Stalled=True InvalidFlow: .*NoSuchTask/);
    expect(run.output).toContain("The end of the operator's log:");
    run.assertNothingLeft();
  });

  test("stays up until it is interrupted, and lets no second one start meanwhile", async () => {
    const flows = join(folder, "flows");
    mkdirSync(flows);
    writeManifest(flows, "only", flowSource("quickstart", "only"));
    const run = quickStart(["--flows", flows]);
    await run.says("Try next");
    const kubeconfig = /export KUBECONFIG=(.*)/.exec(run.output)?.[1] ?? "";
    expect(existsSync(kubeconfig)).toBe(true);

    const second = quickStart(["--exit"]);
    expect(await second.ended()).toBe(1);
    expect(second.output).toContain(`A quick start runs already, as process ${run.pid}`);
    expect(run.processes()).toEqual(
      expect.arrayContaining(
        ["etcd", "kube-apiserver", "kestra", "operator"].map((name) => expect.objectContaining({ name })),
      ),
    );

    run.signal("SIGINT");
    expect(await run.ended()).toBe(0);
    run.assertNothingLeft();
  });

  test("killed midway, it is cleaned up by taking its sandbox down", async () => {
    const run = quickStart(["--exit"]);
    await eventually(() => expect(run.processes().map(({ name }) => name)).toContain("etcd"), { within: RUN_MS });
    run.signal("SIGKILL");
    await run.ended();
    expect(await command("sandbox/cli.ts", ["down", "--name", "quickstart"]).ended()).toBe(0);
    run.assertNothingLeft();
  });
});

// eslint-disable-next-line no-control-regex
const CONTROL_CHARACTER = /[\u0000-\u0009\u000b-\u001f\u007f]/;

/** A command of the sandbox, with the sandboxes of its own that the folder of this test holds, and its output as a log file gets it. */
class QuickStart {
  readonly #child: ChildProcess;
  readonly #seen = new Map<number, ProcessIdentity>();
  readonly #watch: NodeJS.Timeout;
  readonly #exit: Promise<unknown[]>;
  output = "";

  constructor(program: string, args: string[]) {
    this.#child = spawn(process.execPath, [join(root, program), ...args], {
      env: { ...process.env, FORCE_COLOR: undefined, XDG_STATE_HOME: folder },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#exit = once(this.#child, "close");
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.on("data", (chunk: Buffer) => (this.output += chunk.toString()));
    this.#watch = setInterval(() => this.processes(), 200);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** The recorded processes of the quick start that run now. */
  processes() {
    const running = runningProcesses(join(folder, "kestraflow", "quickstart", "processes"));
    for (const found of running) this.#seen.set(found.pid, found);
    return running;
  }

  async says(words: string): Promise<void> {
    await eventually(
      () => {
        if (!this.output.includes(words) && this.#child.exitCode === null) throw new Error(this.output);
      },
      { within: RUN_MS },
    );
    expect(this.output).toContain(words);
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Resolves to its exit code. */
  async ended(): Promise<number | null> {
    await this.#exit;
    clearInterval(this.#watch);
    return this.#child.exitCode;
  }

  async kill(): Promise<void> {
    this.signal("SIGKILL");
    await this.ended();
  }

  assertNothingLeft(): void {
    expect(this.#seen.size).toBeGreaterThan(0);
    expect([...this.#seen.values()].filter(isRunning)).toEqual([]);
    expect(existsSync(join(folder, "kestraflow"))).toBe(false);
  }
}

function command(program: string, args: string[]): QuickStart {
  return new QuickStart(program, args);
}

function quickStart(args: string[]): QuickStart {
  const run = command("sandbox/quickstart.ts", args);
  started.push(run);
  return run;
}

function outcomeIn(file: string): Outcome {
  return JSON.parse(readFileSync(file, "utf8")) as Outcome;
}

/** The names of the resources of a kind in the files of a folder. */
function namesIn(flows: string, kind: string): string[] {
  return readdirSync(flows)
    .flatMap((file) => readFileSync(join(flows, file), "utf8").split(/^---$/m))
    .filter((manifest) => manifest.includes(`\nkind: ${kind}\n`))
    .flatMap((manifest) => /^ {2}name: (\S+)$/m.exec(manifest)?.[1] ?? [])
    .toSorted();
}

function writeManifest(flows: string, name: string, source: string): void {
  const manifest = { apiVersion: "kestraflow.dev/v1alpha1", kind: "KestraFlow", metadata: { name }, spec: { source } };
  writeFileSync(join(flows, `${name}.json`), JSON.stringify(manifest));
}
