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
import { scheduledFlow } from "./backfill/scene.ts";

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
  test("brings the tutorial from kubectl apply to Ready, executes one flow, runs a backfill, and leaves nothing behind", async () => {
    const json = join(folder, "outcome.json");
    const run = quickStart(["--exit", "--json", json]);
    const code = await run.ended();

    expect({ code, output: run.output }).toMatchObject({ code: 0 });
    const outcome = outcomeIn(json);
    expect(outcome).toMatchObject({
      cluster: "sandbox",
      kestra: expect.stringMatching(/^Kestra's engine 1\.1\.\d+ behind our test REST layer$/),
      execution: { flow: "01_hello_world", state: "SUCCESS" },
    });
    expect(outcome.flows.map(({ name }) => name).toSorted()).toEqual(namesIn(join(root, "flows"), "KestraFlow"));
    expect(outcome.flows).toHaveLength(12);
    for (const flow of outcome.flows)
      expect(flow).toMatchObject({ ready: true, reason: "Synced", revision: 1, seconds: expect.any(Number) });
    expect(outcome.entries.map(({ name }) => name).toSorted()).toEqual(namesIn(join(root, "flows"), "KestraKV"));
    expect(outcome.entries).toHaveLength(5);
    for (const entry of outcome.entries) expect(entry).toMatchObject({ ready: true, reason: "Synced" });
    const example = outcome.backfills.find(({ name }) => name === "hourly-log-night");
    const suspended = outcome.backfills.filter((backfill) => backfill !== example);
    expect(outcome.backfills.map(({ name }) => name).toSorted()).toEqual(namesIn(join(root, "flows"), "Backfill"));
    expect(example).toMatchObject({ ready: true, reason: "Complete", state: "Complete", progress: "8/8" });
    expect(suspended).toHaveLength(4);
    for (const backfill of suspended)
      expect(backfill).toMatchObject({ ready: true, reason: "Suspended", state: "Suspended", progress: "0/24" });
    expect(outcome.seconds).toBeGreaterThan(Math.max(...outcome.flows.map(({ seconds }) => seconds)));
    expect(outcome).not.toHaveProperty("error");

    for (const words of [
      "“Hello, Ada!”",
      "“Good morning, Ada!”",
      "corrected:",
      "deleted:",
      "back as the manifest has it",
      "Suspended 24 slots, from 2019-01-01T09:00Z to 2020-12-01T09:00Z",
      "hourly-log-night: All 8 slots were run.",
    ])
      expect(run.output).toContain(words);
    expect(run.output).toMatch(/^hourly-log-night +hourly_log +hourly +Complete +8\/8 +0 /m);
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

  test("fails when a backfill is not Ready, and says why", async () => {
    const [json, flows] = [join(folder, "outcome.json"), join(folder, "flows")];
    mkdirSync(flows);
    writeManifest(flows, "only", flowSource("quickstart", "only"));
    const target = { flowRef: { name: "only" } };
    writeObject(flows, "no-trigger", "Backfill", { target, start: "2024-01-01", end: "2024-01-02" });
    const run = quickStart(["--exit", "--json", json, "--flows", flows]);
    expect(await run.ended()).toBe(1);

    const { flows: outcomes, backfills, error } = outcomeIn(json);
    expect(outcomes).toMatchObject([{ name: "only", ready: true }]);
    expect(backfills).toEqual([
      { name: "no-trigger", ready: false, reason: "TriggerMissing", state: "Waiting", progress: null },
    ]);
    expect(error).toBe("1 of 1 backfills are not Ready: no-trigger.");
    expect(run.output).toMatch(/Stalled=True TriggerMissing: .*no Schedule trigger/);
    run.assertNothingLeft();
  });

  test("stays up until it is interrupted, and lets no second one start meanwhile", async () => {
    const flows = join(folder, "flows");
    mkdirSync(flows);
    writeManifest(flows, "only", scheduledFlow("quickstart", "only", "0 * * * *"));
    const spec = { target: { flowRef: { name: "only" } }, start: "2024-01-01", end: "2024-01-01", suspend: true };
    writeObject(flows, "asleep", "Backfill", spec);
    const run = quickStart(["--flows", flows]);
    await run.says("Try next");
    await run.says('kubectl patch bf asleep --type merge -p \'{"spec":{"suspend":false}}\'');
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
  const run = command("sandbox/quickstart.ts", ["--cluster", "sandbox", ...args]);
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
  writeObject(flows, name, "KestraFlow", { source });
}

function writeObject(flows: string, name: string, kind: string, spec: object): void {
  const manifest = { apiVersion: "kestraflow.dev/v1alpha1", kind, metadata: { name }, spec };
  writeFileSync(join(flows, `${name}.json`), JSON.stringify(manifest));
}
