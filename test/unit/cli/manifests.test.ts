import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "@jest/globals";
import { UserError } from "../../../src/cli/failure.ts";
import { documentsIn, manifestsIn, readFiles } from "../../../src/cli/manifests.ts";

const folder = mkdtempSync(join(tmpdir(), "manifests-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe("files", () => {
  test("are found in folders, however deep, by name and without hidden ones", async () => {
    mkdirSync(join(folder, "b", "deep"), { recursive: true });
    mkdirSync(join(folder, ".git"));
    for (const name of ["z.yaml", "a.yml", "b/deep/c.json", "readme.md", ".git/x.yaml"])
      writeFileSync(join(folder, name), "a: 1");
    const files = await readFiles([folder]);
    expect(files.map(({ file }) => file)).toEqual(
      ["a.yml", "b/deep/c.json", "z.yaml"].map((name) => join(folder, name)),
    );
  });

  test("that are missing or no text are named", async () => {
    await expect(readFiles([join(folder, "nope")])).rejects.toThrow(UserError);
    writeFileSync(join(folder, "latin1.yaml"), Buffer.from([0x61, 0xff]));
    await expect(readFiles([join(folder, "latin1.yaml")])).rejects.toThrow("latin1.yaml is not text in UTF-8");
    rmSync(join(folder, "latin1.yaml"));
  });
});

describe("documents", () => {
  test("are told apart wherever YAML ends one, and empty ones are left out", () => {
    const text = "# only a comment\n---\na: 1\n---   # second\nb: |\n  ---\n  text\n...\n---\n\n--- {c: 3}\n";
    expect(documentsIn(text)).toEqual([
      { line: 2, text: "   \na: 1\n" },
      { line: 4, text: "      # second\nb: |\n  ---\n  text\n" },
      { line: 11, text: "    {c: 3}\n" },
    ]);
  });

  test("know their places in the file", () => {
    const { manifests } = manifestsIn({ file: "x", text: "a: 1\r\n---\r\nb:\r\n  c: 2\r\n" });
    expect(manifests.map(({ position }) => position)).toEqual([
      { line: 1, column: 1 },
      { line: 3, column: 1 },
    ]);
    expect(manifests[1]?.locate(["b", "c"])).toEqual({ line: 4, column: 3 });
  });

  test("that cannot be read do not hide the others", () => {
    const { manifests, broken } = manifestsIn({ file: "x", text: "a: [1\n---\nb: 2\n---\nc: 1\nc: 2\n" });
    expect(manifests.map(({ value }) => value)).toEqual([{ b: 2 }]);
    expect(broken.map(({ position }) => position)).toEqual([
      { line: 2, column: 1 },
      { line: 6, column: 1 },
    ]);
    expect(broken[1]?.message).toContain("duplicated mapping key");
  });

  test("of a List are given one by one", () => {
    const text = "apiVersion: v1\nkind: List\nitems:\n- kind: A\n- kind: B\n  x: 1\n";
    const { manifests } = manifestsIn({ file: "x", text });
    expect(manifests.map(({ value }) => value)).toEqual([{ kind: "A" }, { kind: "B", x: 1 }]);
    expect(manifests[1]?.position).toEqual({ line: 5, column: 3 });
    expect(manifests[1]?.locate(["x"])).toEqual({ line: 6, column: 3 });
  });
});
