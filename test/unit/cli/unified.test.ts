import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { unifiedDiff } from "../../../src/cli/unified.ts";

const diff = (before: string, after: string) =>
  unifiedDiff({ name: "kestra/n/a", note: "revision 1", text: before }, { name: "a.yaml", text: after });

describe("a unified diff", () => {
  test("is empty for equal texts", () => {
    expect(diff("a\r\nb", "a\r\nb")).toBe("");
  });

  test("shows a change with its surroundings", () => {
    expect(diff("1\n2\n3\n4\n5\n6\n", "1\n2\n3\n4\nfive\n6\n")).toBe(`--- kestra/n/a	revision 1
+++ a.yaml
@@ -2,5 +2,5 @@
 2
 3
 4
-5
+five
 6
`);
  });

  test("tells a final newline from none, and one kind of line end from another", () => {
    expect(diff("a\n", "a")).toContain("-a\n+a\n\\ No newline at end of file\n");
    expect(diff("a\r\n", "a\n")).toContain("-a\r\n+a\n");
  });

  test("shows a text that has little in common with the other as replaced, and soon", () => {
    const text = (word: string) => Array.from({ length: 5_000 }, (_, n) => `${word} ${n}\n`).join("");
    const began = performance.now();
    const lines = diff(text("a"), text("b")).split("\n");
    expect(performance.now() - began).toBeLessThan(5_000);
    expect(lines[2]).toBe("@@ -1,5000 +1,5000 @@");
    expect(lines.filter((line) => line.startsWith("-a "))).toHaveLength(5_000);
    expect(lines.filter((line) => line.startsWith("+b "))).toHaveLength(5_000);
  });

  test("is what patch makes the one text of the other with", () => {
    const folder = mkdtempSync(join(tmpdir(), "kestraflow-diff-"));
    const file = join(folder, "text");
    const line = fc.constantFrom("a", "b: 1", "", "  - c", "\td", "é");
    const text = fc
      .tuple(fc.array(line, { maxLength: 12 }), fc.boolean())
      .map(([lines, ends]) => lines.join("\n") + (ends ? "\n" : ""));
    try {
      fc.assert(
        fc.property(text, text, (before, after) => {
          fc.pre(before !== "" && after !== "");
          writeFileSync(file, before);
          const { status, stderr } = spawnSync("git", ["apply", "--unidiff-zero", "-p0", "-"], {
            cwd: folder,
            input: unifiedDiff({ name: "text", text: before }, { name: "text", text: after }) || "",
            encoding: "utf8",
          });
          if (before === after) return;
          expect({ status, stderr: stderr.replace(/^warning.*\n|^<stdin>.*\n/gm, "") }).toMatchObject({ status: 0 });
          expect(spawnSync("cat", [file], { encoding: "utf8" }).stdout).toBe(after);
        }),
        { numRuns: 40 },
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
