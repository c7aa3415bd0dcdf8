import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { cacheFolder } from "../../sandbox/folders.ts";
import {
  type EngineBuild,
  buildEngine,
  declaredTypes,
  defaultLogin,
  engineCommand,
  engineReady,
} from "../../sandbox/kestra/engine.ts";
import { choosePort } from "../../sandbox/ports.ts";
import { eventually } from "../support/eventually.ts";
import { TestKestra } from "../support/kestra.ts";

/** What the engine server does beyond the recorded answers. */
jest.setTimeout(60_000);

const yaml = "application/x-yaml";
const namespace = `engine.t${Date.now().toString(36)}`;

interface TaskRun {
  taskId: string;
  outputs?: { vars?: Record<string, unknown>; greeting?: string };
}

interface Execution {
  id: string;
  state: { current: string };
  taskRunList?: TaskRun[];
}

const flow = (id: string, tasks: string, more = "") => `id: ${id}\nnamespace: ${namespace}\ntasks:\n${tasks}${more}`;
const log = "  - {id: log, type: io.kestra.plugin.core.log.Log, message: hello}\n";
const processRunner = "taskRunner: {type: io.kestra.plugin.core.runner.Process}";

async function executed(kestra: TestKestra, source: string): Promise<Execution> {
  const { id } = await kestra.create(source);
  const answer = await kestra.call("POST", `/executions/${namespace}/${id}?wait=true`);
  return (await answer.json()) as Execution;
}

async function errorsOf(kestra: TestKestra, { id }: Execution): Promise<string> {
  const answer = await kestra.call("GET", `/logs/${id}?minLevel=ERROR`);
  return ((await answer.json()) as { message: string }[]).map(({ message }) => message).join("\n");
}

async function constraints(kestra: TestKestra, source: string): Promise<string | undefined> {
  const answer = await kestra.call("POST", "/flows/validate", source, yaml);
  return ((await answer.json()) as { constraints?: string }[])[0]?.constraints;
}

describe("the engine server", () => {
  const kestra = new TestKestra();

  afterAll(async () => {
    for (const { id } of await kestra.flows(namespace)) await kestra.delete(namespace, id);
  });

  test.each(declaredTypes())("knows %s to validation, whatever its properties", async (type) => {
    expect(
      await constraints(kestra, flow("declared", `  - {id: task, type: ${type}, any: {thing: 1}}\n`)),
    ).toBeUndefined();
  });

  test("fails an execution of a declared type and says what it needs", async () => {
    const source = flow("declared", "  - {id: query, type: io.kestra.plugin.jdbc.duckdb.Query, sql: SELECT 1}\n");
    const execution = await executed(kestra, source);
    expect(execution.state.current).toBe("FAILED");
    await eventually(async () => expect(await errorsOf(kestra, execution)).toContain("official Kestra image"));
  });

  test("runs shell and Python tasks with the Process runner", async () => {
    const source = flow(
      "scripts",
      `  - id: commands
    type: io.kestra.plugin.scripts.shell.Commands
    ${processRunner}
    commands: ['echo "::{\\"outputs\\":{\\"by\\":\\"commands\\"}}::"']
  - id: script
    type: io.kestra.plugin.scripts.shell.Script
    ${processRunner}
    script: |
      by=script
      echo "::{\\"outputs\\":{\\"by\\":\\"$by\\"}}::"
  - id: python
    type: io.kestra.plugin.scripts.python.Script
    ${processRunner}
    script: |
      import json
      print("::" + json.dumps({"outputs": {"after": "{{ outputs.script.vars.by }}"}}) + "::")
  - id: python_commands
    type: io.kestra.plugin.scripts.python.Commands
    ${processRunner}
    commands: [python3 --version]
`,
    );
    const execution = await executed(kestra, source);
    expect([execution.state.current, await errorsOf(kestra, execution)]).toEqual(["SUCCESS", ""]);
    const outputs = execution.taskRunList?.slice(0, 3).map(({ outputs }) => outputs?.vars);
    expect(outputs).toEqual([{ by: "commands" }, { by: "script" }, { after: "script" }]);
  });

  test("fails a script task without the Process runner and says what to do", async () => {
    const task = "  - {id: docker, type: io.kestra.plugin.scripts.shell.Commands, commands: [ls]}\n";
    const execution = await executed(kestra, flow("docker", task));
    expect(execution.state.current).toBe("FAILED");
    await eventually(async () =>
      expect(await errorsOf(kestra, execution)).toContain("io.kestra.plugin.core.runner.Process"),
    );
  });

  test("refuses an unknown property in a POST and accepts it in a PUT", async () => {
    const unknown = flow("strict", log, "nosuch: 1\n");
    expect((await kestra.call("POST", "/flows", unknown, yaml)).status).toBe(422);
    await kestra.create(flow("strict", log));
    expect((await kestra.edit(namespace, "strict", unknown)).source).toBe(unknown);
  });

  test("keeps a source of 1.4 MB byte for byte, and answers 404 to a PUT of one that is missing", async () => {
    const task = `  - id: log\n    type: io.kestra.plugin.core.log.Log\n    message: |\n${`      ${"x".repeat(93)}\n`.repeat(14_000)}`;
    const source = flow("large", task);
    expect((await kestra.call("PUT", `/flows/${namespace}/large`, source, yaml)).status).toBe(404);
    await kestra.create(source);
    expect((await kestra.flow(namespace, "large"))?.source === source).toBe(true);
  });

  test("searches flows by namespace, label and text, sorted and in pages", async () => {
    for (const id of ["one", "two", "three"])
      await kestra.create(flow(`found_${id}`, log, `labels: {number: ${id}}\n`));
    const search = async (query: string) => {
      const answer = await kestra.call("GET", `/flows/search?filters[namespace][EQUALS]=${namespace}&${query}`);
      const { results, total } = (await answer.json()) as { results: { id: string }[]; total: number };
      return { ids: results.map(({ id }) => id.replace("found_", "")), total };
    };
    const ours = "filters[q][EQUALS]=found_";
    expect(await search(`${ours}&sort=id:asc`)).toEqual({ ids: ["one", "three", "two"], total: 3 });
    expect(await search(`${ours}&sort=id:desc&size=2&page=2`)).toEqual({ ids: ["one"], total: 3 });
    expect(await search("filters[labels][EQUALS][number]=two")).toEqual({ ids: ["two"], total: 1 });
  });

  test("disables and enables a flow by its id, with a new revision each", async () => {
    await kestra.create(flow("switched", log));
    await kestra.disable(namespace, "switched");
    expect(await kestra.flow(namespace, "switched")).toMatchObject({ disabled: true, revision: 2 });
    const ids = JSON.stringify([{ namespace, id: "switched" }]);
    const answer = await kestra.call("POST", "/flows/enable/by-ids", ids, "application/json");
    expect(await answer.json()).toEqual({ count: 1 });
    expect(await kestra.flow(namespace, "switched")).toMatchObject({ disabled: false, revision: 3 });
  });

  describe("triggers", () => {
    interface Row {
      date: string;
      disabled: boolean;
      nextExecutionDate?: string;
      executionId?: string;
      backfill?: { currentDate: string; paused: boolean; previousNextExecutionDate?: string };
    }

    const named = (flowId: string) => ({ tenantId: "main", namespace, flowId, triggerId: "hourly" });
    const hourly = "triggers:\n  - {id: hourly, type: io.kestra.plugin.core.trigger.Schedule, cron: 0 * * * *}\n";

    const row = async (flowId: string) => {
      const answer = await kestra.call("GET", `/triggers/${namespace}/${flowId}`);
      return ((await answer.json()) as { results: Row[] }).results[0];
    };

    const put = async (flowId: string, changes: object) => {
      const body = JSON.stringify({ ...named(flowId), ...changes });
      const answer = await kestra.call("PUT", "/triggers", body, "application/json");
      return { status: answer.status, row: (await answer.json()) as Row };
    };

    const scheduled = async (flowId: string) => {
      await kestra.create(flow(flowId, log, hourly));
      return eventually(async () => {
        const created = await row(flowId);
        if (created?.nextExecutionDate === undefined) throw new Error(`no row of ${flowId} yet`);
        return created;
      });
    };

    test("leave the next date of an enabled one to the scheduler, and a row alone that has the flag", async () => {
      const created = await scheduled("switch");
      expect((await put("switch", { disabled: false })).row).toEqual(created);
      expect((await put("switch", { disabled: true })).row).not.toHaveProperty("nextExecutionDate");
      const enabled = (await put("switch", { disabled: false })).row;
      expect(enabled).toMatchObject({ disabled: false });
      expect(enabled).not.toHaveProperty("nextExecutionDate");
      await eventually(async () => expect(await row("switch")).toHaveProperty("nextExecutionDate"));
    });

    test("are disabled in bulk where the body names the tenant; the count is the number asked for", async () => {
      await scheduled("bulk");
      const setDisabled = async (disabled: boolean, triggers: object[]) => {
        const body = JSON.stringify({ triggers, disabled });
        return (await kestra.call("POST", "/triggers/set-disabled/by-triggers", body, "application/json")).json();
      };
      expect(await setDisabled(true, [{ ...named("bulk"), tenantId: undefined }])).toEqual({ count: 1 });
      expect(await row("bulk")).toMatchObject({ disabled: false });
      const gone = { ...named("bulk"), triggerId: "gone" };
      expect(await setDisabled(true, [named("bulk"), gone, named("nowhere")])).toEqual({ count: 3 });
      expect(await row("bulk")).toMatchObject({ disabled: true });
      expect(await row("bulk")).not.toHaveProperty("nextExecutionDate");
      expect(await setDisabled(false, [named("bulk")])).toEqual({ count: 1 });
      expect(await row("bulk")).toMatchObject({ disabled: false });
    });

    test("keep a backfill paused that is submitted so", async () => {
      const before = await scheduled("paused");
      const backfill = { start: "2024-01-01T00:00:00Z", end: "2024-01-01T03:00:00Z", paused: true };
      const previousNextExecutionDate = before.nextExecutionDate;
      expect(await put("paused", { backfill })).toMatchObject({
        status: 200,
        row: {
          nextExecutionDate: "2024-01-01T01:00:00Z",
          backfill: { currentDate: backfill.start, paused: true, previousNextExecutionDate },
        },
      });
      // The scheduler has looked at the row once it carries the date of its last look.
      const looked = Date.parse("2024-01-01T01:00:00Z");
      await eventually(async () => {
        expect(Date.parse((await row("paused"))?.date ?? "")).toBeGreaterThanOrEqual(looked);
      });
      expect(await row("paused")).not.toHaveProperty("executionId");
      expect(await row("paused")).toMatchObject({ backfill: { currentDate: backfill.start, paused: true } });
      const body = JSON.stringify(named("paused"));
      const deleted = await kestra.call("POST", "/triggers/backfill/delete", body, "application/json");
      expect(await deleted.json()).toMatchObject({ nextExecutionDate: previousNextExecutionDate });
    });

    test("answer 404 where the flow has no triggers", async () => {
      await kestra.create(flow("bare", log));
      expect((await put("bare", { disabled: true })).status).toBe(404);
    });
  });

  describe("executions", () => {
    const slots = ["SUCCESS", "FAILED", "SUCCESS", "WARNING"].map((state, hour) => seed(state, hour));

    function seed(state: string, hour: number) {
      const started = `2024-03-01T0${hour}:00:01Z`;
      return {
        id: `seed${namespace.replace(".", "")}${hour}`,
        namespace,
        flowId: hour === 3 ? "seeded_other" : "seeded",
        flowRevision: 1,
        state: {
          current: state,
          histories: [
            { state: "CREATED", date: started },
            { state: "RUNNING", date: `2024-03-01T0${hour}:00:02Z` },
            { state, date: `2024-03-01T0${hour}:00:03Z` },
          ],
        },
        labels: [
          { key: "kestraflow.dev/backfill", value: "march" },
          { key: "system.correlationId", value: `slot${hour}` },
        ],
        trigger: {
          id: "hourly",
          type: "io.kestra.plugin.core.trigger.Schedule",
          variables: { date: `2024-03-01T0${hour}:00:00Z` },
        },
      };
    }

    const ids = (...hours: number[]) => hours.map((hour) => slots[hour]?.id);

    const found = async (query: string) => {
      const path = `/executions/search?filters[namespace][EQUALS]=${namespace}&filters[labels][EQUALS][kestraflow.dev/backfill]=march&size=100&${query}`;
      const { results, total } = (await (await kestra.call("GET", path)).json()) as {
        results: (typeof slots)[0][];
        total: number;
      };
      expect(total).toBe(results.length);
      return results;
    };
    const foundIds = async (query: string) => (await found(query)).map(({ id }) => id);

    test("that were seeded are found by label, flow, state and start, in the order asked for, until deleted", async () => {
      await kestra.seedExecutions(slots);
      expect((await found("sort=state.startDate:asc")).map(({ trigger }) => trigger)).toEqual(
        slots.map(({ trigger }) => trigger),
      );
      expect(await foundIds("sort=state.startDate:desc")).toEqual(ids(3, 2, 1, 0));
      const sorted = (query: string) => foundIds(`sort=state.startDate:asc&${query}`);
      expect(await sorted("filters[flowId][EQUALS]=seeded")).toEqual(ids(0, 1, 2));
      expect(await sorted("filters[state][IN]=FAILED,WARNING")).toEqual(ids(1, 3));
      expect(await sorted("filters[state][EQUALS]=SUCCESS")).toEqual(ids(0, 2));
      expect(await sorted("filters[labels][EQUALS][system.correlationId]=slot2")).toEqual(ids(2));
      expect(await sorted("filters[startDate][GREATER_THAN_OR_EQUAL_TO]=2024-03-01T01:00:01Z")).toEqual(ids(1, 2, 3));
      expect(await sorted("filters[startDate][LESS_THAN]=2024-03-01T01:00:01Z")).toEqual(ids(0));
      expect(await sorted("filters[startDate][LESS_THAN_OR_EQUAL_TO]=2024-03-01T01:00:01Z")).toEqual(ids(0, 1));

      const remove = async (id: string) => (await kestra.call("DELETE", `/executions/${id}`)).status;
      for (const { id } of slots) expect([await remove(id), await remove(id)]).toEqual([204, 404]);
      expect(await found("")).toEqual([]);
    });

    test("are seeded with the login only", async () => {
      const answer = await fetch(`${kestra.url}/engine/seed/executions`, { method: "POST", body: "[]" });
      expect(answer.status).toBe(401);
    });
  });

  test("kills a running execution", async () => {
    await kestra.create(flow("sleeper", "  - {id: sleep, type: io.kestra.plugin.core.flow.Sleep, duration: PT1H}\n"));
    const id = await kestra.execute(namespace, "sleeper");
    await eventually(async () => expect((await kestra.execution(id)).state.current).toBe("RUNNING"));
    expect((await kestra.call("DELETE", `/executions/${id}/kill`)).status).toBe(202);
    await eventually(async () => expect((await kestra.execution(id)).state.current).toBe("KILLED"));
  });
});

describe("an engine server of one's own", () => {
  const dataDir = mkdtempSync(join(tmpdir(), "engine-test-"));
  let build: EngineBuild;
  let port: number;
  let server: ChildProcess | undefined;
  let kestra: TestKestra;

  beforeAll(async () => {
    build = await buildEngine({ line: "1.1", cacheDir: cacheFolder(), report: () => undefined });
    port = await choosePort(new Set());
    kestra = new TestKestra(`http://127.0.0.1:${port}`, `${defaultLogin.username}:${defaultLogin.password}`);
  }, 600_000);

  afterAll(async () => {
    await end();
    rmSync(dataDir, { recursive: true, force: true });
  });

  async function start(options: { pluginsDir?: string } = {}): Promise<void> {
    const { command, args, env } = engineCommand(build, { port, dataDir, ...options });
    server = spawn(command, args, { env: { ...process.env, ...env }, stdio: "ignore" });
    await eventually(async () => expect(await engineReady(kestra.url)).toBe(true), { within: 120_000 });
  }

  async function end(): Promise<void> {
    if (server === undefined) return;
    const exited = once(server, "exit");
    server.kill("SIGKILL");
    await exited;
    server = undefined;
  }

  const configs = async () =>
    (await (await fetch(`${kestra.url}/api/v1/configs`)).json()) as {
      uuid: string;
      version: string;
      pluginsHash: number;
    };

  test("keeps its state when killed, and learns the types of the plugin jars in its folder", async () => {
    const greeting = flow("greeting", "  - {id: greet, type: io.kestraflow.sample.Greet, name: '{{ flow.id }}'}\n");
    await start();
    const before = await configs();
    expect(before.version).toBe(build.version);
    expect(await constraints(kestra, greeting)).toContain("Invalid type: io.kestraflow.sample.Greet");
    const kept = await kestra.create(flow("kept", log));
    await end();

    await start({ pluginsDir: build.samplePluginsDir });
    const after = await configs();
    expect(after.uuid).toBe(before.uuid);
    expect(after.pluginsHash).not.toBe(before.pluginsHash);
    expect(await constraints(kestra, greeting)).toBeUndefined();
    const execution = await executed(kestra, greeting);
    expect(execution.taskRunList?.[0]?.outputs).toEqual({ greeting: "Hello, greeting!" });
    expect(await kestra.flow(namespace, "kept")).toMatchObject({ revision: 1, source: kept.source });
  }, 300_000);
});
