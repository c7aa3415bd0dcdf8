import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { manifestsIn } from "../../../src/cli/manifests.ts";
import { writeFolder } from "../../../src/cli/delivery/folder.ts";
import { streamOf, textOf } from "../../../src/cli/delivery/resource.ts";
import type { Resource } from "../../../src/cli/delivery/resource.ts";
import { flowResource } from "../../../src/cli/export/declare.ts";

const resource = (source: string, short = "x"): Resource =>
  flowResource({ namespace: "team", source }, { name: `team.${short}`, short }, undefined);

describe("a source", () => {
  test.each([
    ["lines", "a: 1\nb: 2\n", "|\n"],
    ["no line end at the end", "a: 1\nb: 2", "|-\n"],
    ["several line ends at the end", "a: 1\n\n\n", "|+\n"],
    ["blanks at its beginning", "  a: 1\nb\n", "|2\n"],
    ["blanks at the ends of lines", "a: 1  \n   \nb\n", "|\n"],
    ["CRLF", "a: 1\r\nb: 2\r\n", '"a'],
    ["tabs", "a:\t1\nb\n", '"a'],
    ["NEL", "a: \u0085\nb\n", '"a'],
  ])("with %s is a literal block where that keeps it, else quoted", (_, source, style) => {
    const text = textOf(resource(source));
    expect(text.slice(text.indexOf("source: ") + "source: ".length).startsWith(style)).toBe(true);
    expect(manifestsIn({ file: "x", text }).manifests[0]?.value).toMatchObject({ spec: { source } });
  });

  test("of any characters is read back as it was, also among others", () => {
    const unit = fc.oneof(
      fc.constantFrom(
        ..." \n\t\r:#-'\"|>{}[]&*!%@`~?,\\a0",
        "\u0085",
        "\u2028",
        "\ufeff",
        "\u0000",
        "😀",
        "---\n",
        "...\n",
      ),
      fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
    );
    const source = fc.string({ unit, minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(source, source, (first, second) => {
        const { manifests, broken } = manifestsIn({ file: "x", text: streamOf([resource(first), resource(second)]) });
        expect(broken).toEqual([]);
        const read = manifests.map(({ value }) => (value as { spec: { source: string } }).spec.source);
        expect(read).toEqual([first, second]);
      }),
      { numRuns: 300 },
    );
  });
});

describe("a folder", () => {
  let folder = mkdtempSync(join(tmpdir(), "output-"));
  beforeEach(() => {
    rmSync(folder, { recursive: true });
    folder = mkdtempSync(join(tmpdir(), "output-"));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });
  const read = (file: string): string => readFileSync(join(folder, file), "utf8");
  const one = "id: a\n";

  test("has one file for each resource and names them all for kustomize", async () => {
    const written = await writeFolder(folder, [resource(one, "a"), resource(one, "b")], { force: false });
    expect(written).toEqual({ files: 4, unchanged: 0, apart: [], strays: [] });
    expect(read("team/flows/a.yaml")).toBe(textOf(resource(one, "a")));
    expect(read("team/kustomization.yaml")).toContain("resources:\n  - flows/a.yaml\n  - flows/b.yaml\n");
    expect(read("kustomization.yaml")).toContain("resources:\n  - ./team\n");
  });

  test("with other content is left as it is, all of it, unless forced", async () => {
    await writeFolder(folder, [resource(one, "a"), resource(one, "b")], { force: false });
    writeFileSync(join(folder, "team/flows/b.yaml"), "# mine\n");
    const again = writeFolder(folder, [resource("id: changed\n", "a"), resource(one, "b")], { force: false });
    await expect(again).rejects.toThrow("2 files with other content than would be written: team/flows/a.yaml, team/fl");
    expect(read("team/flows/a.yaml")).toBe(textOf(resource(one, "a")));
    expect(await writeFolder(folder, [resource(one, "b")], { force: true })).toMatchObject({ files: 2, unchanged: 1 });
    expect(read("team/flows/b.yaml")).toBe(textOf(resource(one, "b")));
  });

  test("with files of before is told of them, and keeps them", async () => {
    await writeFolder(folder, [resource(one, "a"), resource(one, "b")], { force: false });
    const { strays } = await writeFolder(folder, [resource(one, "a")], { force: true });
    expect(strays).toEqual(["team/flows/b.yaml"]);
  });

  test("leaves to kubectl what kustomize would change", async () => {
    const { apart } = await writeFolder(folder, [resource("a: \u0085\n", "odd"), resource(one)], { force: false });
    expect(apart).toEqual(["team/flows/odd.yaml"]);
    expect(read("team/kustomization.yaml")).not.toContain("odd");
  });
});
