import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./cluster.ts";

/** The environment that the operator's image sets for its process: memory is measured as users have it. */
export const imageEnvironment: Record<string, string> = Object.fromEntries(
  [...readFileSync(join(root, "Dockerfile"), "utf8").matchAll(/^ENV (.+)$/gm)]
    .flatMap(([, pairs = ""]) => pairs.split(" "))
    .map((pair): [string, string] => [pair.split("=")[0] ?? "", pair.split("=")[1] ?? ""]),
);
