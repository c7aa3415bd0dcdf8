import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "@jest/globals";

const SRC = fileURLToPath(new URL("../../src", import.meta.url));

/** What a layer may import besides itself. */
const LAYERS: Record<string, string[]> = {
  lib: [],
  kubernetes: ["lib"],
  kestra: ["lib"],
  resources: ["lib", "kubernetes", "kestra"],
  operator: ["lib", "kubernetes", "kestra", "resources"],
  cli: ["lib", "kubernetes", "kestra", "resources", "operator"],
  /** The files at the top, where the process begins. */
  main: ["cli"],
};

/** Who may import a library that does I/O or would bring a second way to do something. */
const LIBRARIES: Record<string, RegExp> = {
  axios: /^kestra\//,
  "@kubernetes/client-node": /^kubernetes\//,
  undici: /^kubernetes\//,
  "@dot-i/k8s-operator": /^kubernetes\/operator\.ts$/,
  pino: /^operator\//,
  "prom-client": /^operator\//,
  commander: /^cli\//,
};

/** Decisions and conclusions: the same input gives the same output, and nothing happens. */
const PURE =
  /^resources\/(conditions|verdict|annotations|decisions|conclude|model|\w+\/(decide|decision|deletion|conclude|contest|adoption|arbitration|identity|instance|model|source|claim|value|flaw|description|expiry|accept|cancel|guard|native|plan|progress|queue|range|target|timing|verdicts|cron|ticks))\.ts$/;
/** What they may run. Of everything else they may know types. */
const HARMLESS = new RegExp(
  [
    PURE.source,
    String.raw`^lib\/(?!clock|async)`,
    String.raw`^kubernetes\/(conditions|objects)\.ts$`,
    String.raw`^kestra\/(rejection|deadlines)\.ts$`,
  ]
    .concat(String.raw`^resources\/(common|\w+\/(schema|cache))\.ts$`, "^(zod|js-yaml)$")
    .join("|"),
);

interface Import {
  /** A path below src, or the name of a package. */
  target: string;
  typeOnly: boolean;
}

/** The imports of a file, given as its path below src and its text. */
function importsOf(file: string, text: string): Import[] {
  const statement =
    /^\s*(?:import|export)\s+(type\s)?(?:[^"';]*?\sfrom\s+)?["']([^"']+)["']|import\(\s*["']([^"']+)["']\s*\)/gm;
  return [...text.matchAll(statement)].map(([, type, fixed, dynamic]) => {
    const named = fixed ?? dynamic ?? "";
    const target = named.startsWith(".")
      ? normalize(join(dirname(file), named))
          .split(sep)
          .join("/")
      : named;
    return { target, typeOnly: type !== undefined };
  });
}

function layerOf(path: string): string {
  const [folder = "", ...below] = path.split("/");
  return below.length === 0 && path.endsWith(".ts") ? "main" : folder;
}

/** What is wrong with the imports of a file. */
function violations(file: string, text: string): string[] {
  return importsOf(file, text).flatMap(({ target, typeOnly }) => {
    const says = (why: string) => [`${file} imports ${target}: ${why}`];
    if (target.startsWith("../")) return says("it leaves src");
    const [from, to] = [layerOf(file), layerOf(target)];
    if (to in LAYERS && from !== to && !LAYERS[from]?.includes(to)) return says(`${from} must not know ${to}`);
    const users =
      LIBRARIES[target] ??
      LIBRARIES[
        target
          .split("/")
          .slice(0, target.startsWith("@") ? 2 : 1)
          .join("/")
      ];
    if (users !== undefined && !users.test(file)) return says(`only ${users.source} may`);
    if (PURE.test(file) && !typeOnly && !HARMLESS.test(target)) return says("it must stay pure");
    return [];
  });
}

function sources(): { file: string; text: string }[] {
  return readdirSync(SRC, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => ({ file: file.split(sep).join("/"), text: readFileSync(join(SRC, file), "utf8") }));
}

describe("the source", () => {
  test("has no arrow against the layers", () => {
    expect(sources().flatMap(({ file, text }) => violations(file, text))).toEqual([]);
  });

  test("has every folder in a layer, and the pure files where they are looked for", () => {
    const files = sources().map(({ file }) => file);
    for (const file of files) expect(Object.keys(LAYERS)).toContain(layerOf(file));
    expect(files.filter((file) => PURE.test(file)).length).toBeGreaterThanOrEqual(12);
  });

  test("imports the operator's base class in exactly one place", () => {
    const users = sources().filter(({ file, text }) =>
      importsOf(file, text).some(({ target }) => target === "@dot-i/k8s-operator"),
    );
    expect(users.map(({ file }) => file)).toEqual(["kubernetes/operator.ts"]);
  });
});

describe("the check itself finds", () => {
  test.each([
    ["lib on a layer above", "lib/x.ts", 'import { a } from "../kubernetes/client.ts";'],
    ["kubernetes on kestra", "kubernetes/x.ts", 'import type { A } from "../kestra/client.ts";'],
    ["kestra on kubernetes", "kestra/x.ts", 'import { a } from "../kubernetes/client.ts";'],
    ["resources on the operator", "resources/flow/x.ts", 'import { a } from "../../operator/config.ts";'],
    ["the operator on the command line", "operator/x.ts", 'import "../cli/run.ts";'],
    ["an export of another layer", "lib/x.ts", 'export { a } from "../kestra/types.ts";'],
    ["everything of another layer", "lib/x.ts", 'export * from "../kestra/types.ts";'],
    ["a dynamic import", "resources/x.ts", 'const { a } = await import("../operator/run.ts");'],
    ["an import over several lines", "kestra/x.ts", 'import {\n  a,\n  type B,\n} from "../kubernetes/client.ts";'],
    ["axios elsewhere", "operator/x.ts", 'import axios from "axios";'],
    [
      "a part of the Kubernetes client elsewhere",
      "operator/x.ts",
      'import { x } from "@kubernetes/client-node/dist/x.js";',
    ],
    ["the base class elsewhere", "kubernetes/x.ts", 'import Operator from "@dot-i/k8s-operator";'],
    ["what is outside of src", "lib/x.ts", 'import { a } from "../../test/support/x.ts";'],
    ["I/O in a decision", "resources/flow/decide.ts", 'import { readFileSync } from "node:fs";'],
    ["a client in a decision", "resources/flow/decide.ts", 'import { Flows } from "../../kestra/flows.ts";'],
    ["a clock in a conclusion", "resources/flow/conclude.ts", 'import { systemClock } from "../../lib/clock.ts";'],
    ["an impure sibling", "resources/kv/deletion.ts", 'import { apply } from "./apply.ts";'],
  ])("%s", (_what, file, text) => {
    expect(violations(file, `// first\n${text}\n`)).toHaveLength(1);
  });

  test.each([
    [
      "types of what does I/O in a decision",
      "resources/flow/decide.ts",
      'import type { Flows } from "../../kestra/flows.ts";',
    ],
    ["a pure sibling", "resources/flow/decide.ts", 'import { heirOf } from "./arbitration.ts";'],
    ["a layer below", "operator/x.ts", 'import { a } from "../lib/x.ts";'],
    ["a comment that speaks of an import", "lib/x.ts", '// see import("x") in "../kestra/types.ts"'],
  ])("nothing wrong with %s", (_what, file, text) => {
    expect(violations(file, text)).toEqual([]);
  });
});
