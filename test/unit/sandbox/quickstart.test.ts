import { Writable } from "node:stream";
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { chooseCluster } from "../../../sandbox/quickstart/cluster.ts";
import { readableLog } from "../../../sandbox/quickstart/operator.ts";
import { Screen, secondsText } from "../../../sandbox/quickstart/screen.ts";

const ERASURE = "\r\u001b[2K";

describe("screen", () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  test("a log gets whole lines only, and a wait is mentioned only after a silence", () => {
    const { screen, written } = screenOn({ isTTY: false });
    screen.title("Flows");
    screen.waiting("0 of 2 settled");
    jest.advanceTimersByTime(9_000);
    screen.waiting("1 of 2 settled");
    screen.done("first", 9_000);
    expect(written()).toBe("\nFlows\n✓ first  9.0 s\n");
    screen.waiting("1 of 2 settled");
    jest.advanceTimersByTime(21_000);
    screen.failed("second");
    jest.advanceTimersByTime(60_000);
    expect(written()).toBe("\nFlows\n✓ first  9.0 s\n  1 of 2 settled (10 s)\n  1 of 2 settled (20 s)\n✗ second\n");
  });

  test("a terminal shows what goes on below the lines that stay, cut to its width", () => {
    const { screen, written } = screenOn({ isTTY: true, columns: 30 });
    screen.report("compiling a great many packages, one after the other");
    screen.line("a line that stays");
    jest.advanceTimersByTime(2_000);
    screen.done("compiled");
    expect(shownBy(written())).toEqual(["a line that stays", "✓ compiled", ""]);
    const widths = written()
      .split("\n")
      .flatMap((line) => line.split(ERASURE).map(({ length }) => length));
    expect(Math.max(...widths)).toBeLessThan(30);
    expect(written()).toContain("compiling a great man… 2 s");
  });
});

test("times are told as people tell them", () => {
  expect([420, 12_340, 99_900, 125_400].map((time) => secondsText(time))).toEqual([
    "0.4 s",
    "12.3 s",
    "99.9 s",
    "2 min 5 s",
  ]);
});

test("the end of the operator's log is told in lines that people read, whatever stands in it", () => {
  const log = [
    '{"level":"info","time":"2026-01-02T03:04:05.678Z","msg":"early"}',
    '{"level":"warn","time":"2026-01-02T03:04:06.789Z","flow":"a/b","msg":"refused"}',
    "Error: not JSON",
    "",
  ].join("\n");
  expect(readableLog(log, 2)).toEqual(['03:04:06.789 WARN refused {"flow":"a/b"}', "Error: not JSON"]);
});

test.each(["kind", "sandbox"] as const)("who asks for %s gets it, whatever is installed", async (cluster) => {
  const chosen = await chooseCluster(cluster, new AbortController().signal);
  expect(chosen).toEqual({ cluster, why: "as --cluster says" });
});

function screenOn(terminal: { isTTY: boolean; columns?: number }) {
  let text = "";
  const out = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString();
      done();
    },
  });
  const screen = new Screen(Object.assign(out, terminal) as unknown as NodeJS.WriteStream);
  return { screen, written: () => withoutColours(text) };
}

/** FORCE_COLOR may be set for the test run. */
function withoutColours(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replaceAll(/\u001b\[\d+m/g, "");
}

/** The lines that a terminal shows in the end. */
function shownBy(text: string): string[] {
  return text.split("\n").map((line) => line.split(ERASURE).at(-1) ?? "");
}
