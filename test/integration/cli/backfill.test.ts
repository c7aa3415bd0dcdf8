import { readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, jest, test } from "@jest/globals";
import { uniqueName } from "../../support/cluster.ts";
import { Files, kestraflow, normalised, RunningCommand } from "../../support/commandLine.ts";
import { eventually } from "../../support/eventually.ts";
import { BackfillScene, failingWhen, hours } from "../backfill/scene.ts";
import { TcpProxy } from "../kubernetes/support/tcpProxy.ts";
import { manifest } from "./scene.ts";

/** As for other tests of backfills: the module of the commands' scene sets less. */
jest.setTimeout(240_000);

const scene = new BackfillScene("cli-bf");
const inCluster = () => ["-n", scene.cluster.name];
const UTC = { trigger: "timezone: UTC" };
const range = (from: number, to: number) => {
  const [start = "", end = ""] = [hours(from, from)[0], hours(to, to)[0]];
  return { start, end };
};

function clean(text: string): string {
  return normalised(text, { KUBE: scene.cluster.name, KESTRA: scene.namespace });
}

describe("watch", () => {
  test("tells the course of a Backfill line by line, and ends with it", async () => {
    await scene.flow("watched", "0 * * * *", UTC);
    await scene.create("watched", range(0, 3));

    const { code, stdout } = await kestraflow(["backfill", "watch", "watched", ...inCluster()]);

    const lines = stdout.trimEnd().split("\n");
    for (const line of lines.slice(0, -1))
      expect(line).toMatch(
        /^(\d{4}-\S+Z (Waiting|Queued|Running|Complete)( \d+%, \d\/4.*)?|(Waiting|Queued) \(\w+\): .*)$/,
      );
    const counts = lines.flatMap((line) => /, (\d)\/4/.exec(line)?.[1] ?? []).map(Number);
    expect(counts).toEqual(counts.toSorted((a, b) => a - b));
    expect(counts.at(-1)).toBe(4);
    expect(lines.at(-1)).toMatch(/^Complete: All 4 slots were run\. It took \d+s\.$/);
    expect(code).toBe(0);
  });

  test("shows failed slots, and ends with 1", async () => {
    await scene.flow("broken", "0 * * * *", { ...UTC, tasks: failingWhen("{{ trigger.date | date('H') == '1' }}") });
    await scene.create("broken", range(0, 2));

    const { code, stdout } = await kestraflow(["backfill", "watch", "broken", ...inCluster()]);

    expect(stdout).toMatch(/^The slot 2024-01-01T01:00:00.000Z ended as FAILED: http:\S+$/m);
    expect(stdout).toMatch(/^Failed: 1 of 3 slots failed, 2 succeeded\..*\n$/m);
    expect(code).toBe(1);
  });

  test("goes on when its connection is cut", async () => {
    await scene.flow("cut", "0 * * * *", UTC);
    const { kubeConfig } = scene.cluster.client;
    const server = kubeConfig.getCurrentCluster()?.server ?? "";
    const proxy = await TcpProxy.before(server);
    const file = join(tmpdir(), uniqueName("kubeconfig"));
    const config = await readFile(process.env.KUBECONFIG ?? "", "utf8");
    await writeFile(file, config.replaceAll(server, `https://127.0.0.1:${proxy.port}`));
    try {
      await scene.create("cut", { ...range(0, 11), suspend: true });
      await scene.waitState("cut", "Suspended");
      const watching = new RunningCommand(["backfill", "watch", "cut", ...inCluster(), "--kubeconfig", file]);
      await watching.waitFor("Suspended (Suspended)");
      proxy.cut();
      await scene.backfills.patchSpec("cut", { suspend: false });
      // A look can show several slots that have ended, but not all.
      await watching.waitFor(/ ([1-9]|1[01])\/12, /);
      proxy.cut();
      const { code, stdout } = await watching.ended();

      expect(stdout).toMatch(/The connection to the cluster was lost, trying again/);
      expect(stdout).toMatch(/^Complete: All 12 slots were run\./m);
      expect(code).toBe(0);
    } finally {
      await proxy.close();
      await rm(file);
    }
  });

  test("leaves the Backfill alone on Ctrl-C", async () => {
    await scene.flow("left", "0 * * * *", UTC);
    await scene.create("left", { ...range(0, 7), suspend: true });
    await scene.waitState("left", "Suspended");
    const watching = new RunningCommand(["backfill", "watch", "left", ...inCluster()]);
    await watching.waitFor("Suspended (Suspended)");
    await scene.backfills.patchSpec("left", { suspend: false });
    await watching.waitFor(/ Running \d/);

    watching.kill("SIGINT");
    const { code, stdout } = await watching.ended();

    expect(stdout).toMatch(/^The Backfill goes on\.\n$/m);
    expect(code).toBe(130);
    await scene.waitState("left", "Complete");
    await scene.expectSlots("left", hours(0, 7));
  });

  test("ends when the Backfill is deleted, and says what there is not", async () => {
    await scene.flow("gone", "0 * * * *", UTC);
    await scene.create("gone", { ...range(0, 1), suspend: true });
    await scene.waitState("gone", "Suspended");
    const watching = new RunningCommand(["backfill", "watch", "gone", ...inCluster()]);
    await watching.waitFor("Suspended (Suspended)");
    await scene.backfills.delete("gone");

    expect(await watching.ended()).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^The Backfill was deleted\.\n$/m),
    });
    const never = await kestraflow(["backfill", "watch", "never", ...inCluster()]);
    expect(clean(never.stderr)).toBe("There is no Backfill never in the namespace KUBE.\n");
    expect(never.code).toBe(2);
  });
});

describe("preview", () => {
  let files: Files | undefined;
  afterAll(() => files?.remove());

  test("shows what a file would run, and what exists, as the operator then accepts it", async () => {
    await scene.flow("seen", "0 * * * *", UTC);
    await scene.create("seen", range(1, 2));
    await scene.waitState("seen", "Complete");
    const target = { namespace: scene.namespace, id: "seen" };
    files = await Files.write({ "bf.yaml": manifest("Backfill", "more", { target, ...range(0, 4) }) });

    const { code, stdout } = await kestraflow(["backfill", "preview", files.path, "--slots", ...inCluster()]);

    expect(normalised(clean(stdout), { FILES: files.path })).toBe(`Backfill KUBE/more (FILES/bf.yaml:1)
  flow     KESTRA/seen
  trigger  tick: 0 * * * * in UTC
  range    2024-01-01T00:00:00Z to 2024-01-01T04:00:00Z
  slots    5 in the range, 2 left out (reprocess: Missing)
  to run   3, 2024-01-01T00:00:00Z to 2024-01-01T04:00:00Z
  ranges   2024-01-01T00:00:00Z: 1
           2024-01-01T03:00:00Z to 2024-01-01T04:00:00Z: 2
  time     at least 3s
  2024-01-01T00:00:00Z  run
  2024-01-01T01:00:00Z  skip  done before
  2024-01-01T02:00:00Z  skip  done before
  2024-01-01T03:00:00Z  run
  2024-01-01T04:00:00Z  run
`);
    expect(code).toBe(0);
    expect(await scene.slots("seen")).toEqual(hours(1, 2));

    const before = JSON.parse(
      (await kestraflow(["backfill", "preview", files.path, "-o", "json", ...inCluster()])).stdout,
    ) as { items: { slots: object; plan: object; first: string; last: string }[] };
    await scene.create("more", { target, ...range(0, 4), mode: "Preview" });
    const { slots, plan, first, last } = await scene.waitState("more", "Previewed");
    expect(before.items[0]).toMatchObject({ slots, plan, first, last });
  });

  test("shows what one of the cluster would be accepted as now", async () => {
    await scene.flow("named", "0 * * * *", UTC);
    await scene.create("named", { ...range(0, 3), suspend: true });
    await eventually(() => scene.waitState("named", "Suspended"));

    const { code, stdout } = await kestraflow(["backfill", "preview", "named", ...inCluster()]);

    expect(clean(stdout)).toContain("  to run   4, 2024-01-01T00:00:00Z to 2024-01-01T03:00:00Z\n");
    expect(stdout).toContain("  cluster  has it already, Suspended: counted as for a new one\n");
    expect(code).toBe(0);
  });

  test("says why one would be refused, or would wait", async () => {
    const target = { namespace: scene.namespace, id: "nowhere" };
    const folder = await Files.write({
      "refused.yaml": manifest("Backfill", "refused", { target: { ...target, id: "unzoned" }, ...range(3, 0) }),
      "waits.yaml": manifest("Backfill", "waits", { target, ...range(0, 3) }),
    });
    await scene.flow("unzoned", "0 * * * *");

    const refused = await kestraflow(["backfill", "preview", `${folder.path}/refused.yaml`]);
    const waits = await kestraflow(["backfill", "preview", `${folder.path}/waits.yaml`]);

    expect(refused.stdout).toMatch(/\n {2}refused {2}end \(2024-01-01T00:00:00.000Z\) lies before start/);
    expect(refused.code).toBe(2);
    expect(waits.stdout).toMatch(/\n {2}waiting {2}Waiting for the flow \S+\/nowhere, which is not in Kestra\.\n$/);
    expect(waits.code).toBe(1);
    await folder.remove();
  });
});
